"""What a table of errors must pass before a curve is fitted to it: numbers that can be what their columns say.

Counts of labels are whole, a run has one error, standard deviations are in the unit of their means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.units import energy_unit

if TYPE_CHECKING:
    import pandas as pd

_LABELS_MAX = 10**12
#: Seeds differ by tenths; no seed has so many times the error of the others at so many numbers of labels.
_TIMES_OTHERS, _BUDGETS_OF_A_SEED = 4.0, 3
#: Standard deviations over runs as shares of their means: below the first they are no such, below the second a doubt.
_SPREAD_MIN, _SPREAD_DOUBTED = 0.002, 0.005
#: Digits from which two equal errors are one run.
_DIGITS = 4


def refuse_mixed_units(frame: pd.DataFrame, y: str) -> None:
    """A column named unit, or units of the errors, or whose values are units, has one value.

    Raises:
        InputError: it has several.
    """
    for name in frame.columns:
        words = re.findall(r"[a-zåäöü]+", str(name).lower())
        about = re.findall(r"[a-zåäöü]+", y.lower())
        if not {"unit", "units"} & set(words):
            continue
        units = frame[name].dropna().unique().tolist()
        of_errors = set(words) - {"unit", "units"} <= {*about, "error", "y"}
        if len(units) > 1 and (of_errors or all(is_unit(str(unit)) for unit in units)):
            raise InputError(
                f"one table has one unit, found {', '.join(map(str, units[:3]))} in column {name!r}: convert the errors"
            )


def is_unit(text: str) -> bool:
    """Whether a text is a unit of energies or forces."""
    try:
        energy_unit(text.rpartition("/")[0] if text.count("/") > text.lower().count("/mol") else text)
    except InputError:
        return False
    return True


def refuse_no_counts(x: str) -> None:
    """Names of columns may say that their numbers are no numbers of labels.

    Raises:
        InputError: this one does.
    """
    words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", x).lower()))
    if "%" in x or words & {"percent", "percentage", "pct", "fraction", "share", "proportion", "ratio"}:
        raise InputError(
            f"a power law needs numbers of labels, found shares in column {x!r}: multiply by the whole number"
        )
    if words & {"k", "thousand", "thousands", "kilo"} or re.search(r"(/|x|\*|per) ?(1000|10\^3|1e3)", x.lower()):
        raise InputError(f"a power law needs numbers of labels, found thousands in column {x!r}: multiply by 1000")


def refuse_no_errors(y: str) -> None:
    """Names of columns may say that more is better.

    Raises:
        InputError: this one does.
    """
    words = set(re.findall(r"[a-z]+[0-9²]?", y.lower()))
    if words & {"r2", "r²", "accuracy", "score", "correlation", "pearson", "spearman"}:
        raise InputError(
            f"a power law is of errors, which fall towards zero, found a score in column {y!r}: name one of errors"
        )


def refuse_another_unit_of_a_seed(rows: pd.DataFrame, seeds: Any, y: str) -> None:
    """Runs of a seed whose errors are many times those of the others, alike at all numbers of labels.

    Raises:
        InputError: there is such a seed.
    """
    for _, own in rows.groupby("group", sort=False):
        logs = np.log(own["y"].clip(lower=np.finfo(float).tiny))
        off = logs - logs.groupby(own["x"]).transform("median")
        for seed, apart in off.groupby(own["seed"]):
            usual = float(apart.median())
            if len(apart) >= _BUDGETS_OF_A_SEED and abs(usual) > np.log(_TIMES_OTHERS) and np.ptp(apart) < abs(usual):
                named = seeds[int(own.loc[own["seed"] == seed, "line"].iloc[0])]
                raise InputError(
                    f"runs of one table have one unit, found {y} of seed {named} {np.exp(usual):.3g} times that of the "
                    "other seeds at every number of labels: convert it or leave these rows out"
                )


def refuse_fractions(rows: pd.DataFrame, x: str) -> None:
    """Numbers of labels are counts.

    Raises:
        InputError: one is not whole, or beyond all measure.
    """
    bad = rows[(rows["x"] != np.rint(rows["x"])) | (rows["x"] > _LABELS_MAX)]
    if len(bad):
        raise InputError(
            f"numbers of labels are whole and below 10^12, found {x} = {bad['x'].iloc[0]:g} in row "
            f"{bad['line'].iloc[0] + 1} below the head: write numbers of labels, not shares or thousands"
        )


def refuse_other_spreads(rows: pd.DataFrame, sd: str, y: str) -> list[str]:
    """Standard deviations over runs in another unit than the means.

    Raises:
        InputError: one is larger than its mean, or all are next to nothing.
    """
    several = rows[rows["n_runs"] > 1]
    if not len(several):
        if (rows["sd"] > 0).any():
            raise InputError(
                f"a standard deviation needs two runs, found {sd} over one run in every row: correct n_runs"
            )
        return []
    share = several["sd"] / several["y"]
    if share.max() > 1:
        worst = several.iloc[int(np.argmax(share.to_numpy()))]
        raise InputError(
            f"standard deviations of positive errors lie below their means, found {sd} = {worst['sd']:g} beside {y} = "
            f"{worst['y']:g} in row {int(worst['line']) + 1} below the head: give both in one unit, no per cent"
        )
    usual = float(share.median())
    if usual < _SPREAD_MIN:
        raise InputError(
            f"runs of other seeds differ by more than {_SPREAD_MIN:.1%}, found a standard deviation of {usual:.2g} "
            f"times the mean (columns {sd!r} and {y!r}): give both in one unit, and over runs"
        )
    if usual < _SPREAD_DOUBTED:
        return [f"standard deviations are {usual:.2%} of the means, less than seeds usually differ: check their unit"]
    return []


def each_run_once(rows: pd.DataFrame, x: str, y: str, notes: list[str]) -> pd.DataFrame:
    """Rows of a seed and a number of labels, each once.

    Raises:
        InputError: one stands twice with two errors.
    """
    key = ["group", "x", "seed"]
    twice = rows[rows.duplicated(key, keep=False)]
    for _, same in twice.groupby(key, sort=False):
        if (same["y"] != same["y"].iloc[0]).any():
            places = " and ".join(str(line + 1) for line in same["line"].iloc[:2])
            raise InputError(
                f"a run of one seed and number of labels has one error, found {y} = {same['y'].iloc[0]:g} and "
                f"{same['y'].iloc[-1]:g} at {x} = {same['x'].iloc[0]:g} in rows {places} below the head: remove one, "
                "or name the column that tells these runs apart as --group"
            )
    kept = rows.drop_duplicates(key)
    if len(kept) < len(rows):
        notes.append(f"{len(rows) - len(kept)} rows repeat a run (same seed and number of labels) and count once")
    return kept


def each_row_once(rows: pd.DataFrame, frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Rows without seeds, each once: copies in every column whose errors have their digits, or all rows repeated."""
    copies = frame.duplicated().to_numpy(dtype=bool)
    digits = np.array([len(f"{error:.6g}".replace(".", "").strip("0")) for error in rows["y"]])
    times = frame.groupby(list(frame.columns), dropna=False).size().to_numpy()
    whole = len(times) > 0 and bool((times == times[0]).all())
    repeated = copies if whole else copies & (digits >= _DIGITS)
    if repeated.any():
        notes.append(f"{int(repeated.sum())} rows stand in the table twice and count once: name the seeds by --seed")
    return rows.loc[~repeated]
