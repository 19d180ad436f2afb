"""The trials of a run's Optuna studies and what its settings matter, as two tables: columns, validation, files.

Light on purpose, like `study.tables.results`: `analysis` reads both without loading Optuna.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from asteroid.errors import InputError
from study.counts import COUNT_COLUMNS
from study.digests import file_with_digest, read_intact
from study.tables.counts import add_counts, lacks_counts
from study.tables.csv_files import as_written, write_csv

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TRIALS_FILE, IMPORTANCES_FILE = "trials.csv", "importances.csv"
MODES = ("tune", "pareto")
STATES = ("COMPLETE", "FAIL", "PRUNED", "RUNNING")
KINDS = ("parameter", "seed_noise")
#: Shares of one study may miss 1 by this much.
SHARE_TOLERANCE = 1e-3

#: name -> (dtype, meaning). Forces in eV/Å, times in CPU core seconds.
TRIAL_COLUMNS: dict[str, tuple[str, str]] = {
    "study": ("string", "name of the study, such as 'tune asteroid 50' or 'pareto asteroid'"),
    "mode": ("string", "tune or pareto"),
    "strategy": ("string", "a strategy of the results table"),
    "trial": ("int64", "number of the trial within its study"),
    "state": ("string", "COMPLETE, FAIL, PRUNED or RUNNING"),
    "budget": ("Int64", "accurate labels bought; missing: not suggested yet"),
    "n_cheap": ("Int64", "cheap frames bought, 0: none; missing: not suggested yet"),
    "gamma_rel": ("float64", "bias-weight temperature over the median bias; inf: no weights; NaN: nothing to weight"),
    "cv_force_mae_ev_ang": ("float64", "force MAE cross-validated inside the bought labels, mean over subset seeds"),
    "cv_force_mae_se_ev_ang": ("float64", "its standard error over folds and subset seeds"),
    **{name: ("Int64", f"{meaning}; missing: not suggested yet") for name, meaning in COUNT_COLUMNS.items()},
    "cost_accurate_cpu_s": ("float64", "price of the accurate labels at the run's own prices"),
    "cost_cheap_cpu_s": ("float64", "price of the cheap labels and sampled frames at the run's own prices"),
    "core_s": ("float64", "core seconds spent on the trial"),
    "chosen": ("bool", "the setting that the one-standard-error rule took"),
    "settings": ("string", "every suggested parameter, a JSON object"),
}
IMPORTANCE_COLUMNS: dict[str, tuple[str, str]] = {
    "study": ("string", "name of the study"),
    "strategy": ("string", "a strategy of the results table"),
    "budget": ("Int64", "accurate labels bought; missing where the budget was searched"),
    "parameter": ("string", "name of the parameter, or of the noise"),
    "importance": ("float64", "share of the variance of the cross-validated error; the shares of a study sum to 1"),
    "kind": ("string", "parameter, or seed_noise: noise between subset seeds and folds"),
}


def validate_trials(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a table of trials; returns it with the schema's columns, order and dtypes.

    Raises:
        InputError: a column is missing or unknown, a value does not fit its column, a trial occurs twice, a complete
            trial lacks its budget or a positive error, a tune study has more than one chosen trial, or settings are
            no JSON object.
    """
    if lacks_counts(frame) and {"strategy", "budget", "n_cheap"} <= set(frame.columns):
        frame = add_counts(frame)  # trials of an earlier version
    typed = _typed(frame, TRIAL_COLUMNS, TRIALS_FILE)
    _require_known(typed["mode"], MODES, TRIALS_FILE)
    _require_known(typed["state"], STATES, TRIALS_FILE)
    _require_unique(typed, ["study", "trial"], TRIALS_FILE)
    error = typed["cv_force_mae_ev_ang"].to_numpy(dtype=float)
    usable = np.isfinite(error) & (error > 0) & typed["budget"].notna().to_numpy(dtype=bool)
    bad = typed[(typed["state"] == "COMPLETE").to_numpy(dtype=bool) & ~usable]
    if len(bad):
        raise InputError(
            f"a COMPLETE trial in {TRIALS_FILE} needs a budget and a positive finite error, found "
            f"{bad[['study', 'trial', 'budget', 'cv_force_mae_ev_ang']].iloc[0].to_dict()}: mark it FAIL or repair it"
        )
    taken = typed[typed["chosen"] & (typed["mode"] == "tune")]
    _require_unique(taken, ["study"], f"{TRIALS_FILE} (chosen trials)")
    for text in typed["settings"]:
        if not _is_json_object(str(text)):
            raise InputError(f"settings in {TRIALS_FILE} are a JSON object, found {text!r}: write json.dumps of a dict")
    return typed


def validate_importances(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a table of importances; returns it with the schema's columns, order and dtypes.

    Raises:
        InputError: a column is missing or unknown, a value does not fit its column, a parameter occurs twice, or the
            shares of a study are negative or do not sum to 1.
    """
    typed = _typed(frame, IMPORTANCE_COLUMNS, IMPORTANCES_FILE)
    _require_known(typed["kind"], KINDS, IMPORTANCES_FILE)
    _require_unique(typed, ["study", "kind", "parameter"], IMPORTANCES_FILE)
    for study, share in typed.groupby("study", sort=False)["importance"]:
        if not ((share >= 0).all() and abs(share.sum() - 1) <= SHARE_TOLERANCE):
            raise InputError(
                f"importances of one study are shares that sum to 1, found a smallest of {share.min():g} and a sum of "
                f"{share.sum(skipna=False):g} for {study!r}: divide by their sum, noise included"
            )
    return typed


def write_trials(frame: pd.DataFrame, folder: Path) -> None:
    """Write `trials.csv`, with its digest, complete or not at all; gamma_rel without weights is written "inf".

    Raises:
        InputError: as `validate_trials`.
    """
    write_csv(validate_trials(frame), folder / TRIALS_FILE, file_with_digest)


def write_importances(frame: pd.DataFrame, folder: Path) -> None:
    """Write `importances.csv`, with its digest, complete or not at all.

    Raises:
        InputError: as `validate_importances`.
    """
    write_csv(validate_importances(frame), folder / IMPORTANCES_FILE, file_with_digest)


def read_trials(folder: Path) -> pd.DataFrame | None:
    """Read the trials of a run folder; None where the run made no study.

    Raises:
        InputError: it is not as the run wrote it, or as `validate_trials`.
    """
    frame = _read(folder / TRIALS_FILE, TRIAL_COLUMNS)
    return None if frame is None else validate_trials(frame)


def read_importances(folder: Path) -> pd.DataFrame | None:
    """Read the importances of a run folder; None where there are none.

    Raises:
        InputError: it is not as the run wrote it, or as `validate_importances`.
    """
    frame = _read(folder / IMPORTANCES_FILE, IMPORTANCE_COLUMNS)
    return None if frame is None else validate_importances(frame)


def _typed(frame: pd.DataFrame, columns: Mapping[str, tuple[str, str]], name: str) -> pd.DataFrame:
    missing = [column for column in columns if column not in frame.columns]
    unknown = [column for column in frame.columns if column not in columns]
    if missing or unknown:
        raise InputError(
            f"{name} has fixed columns; missing: {missing}, unknown: {unknown}: use study.tables.trials to write"
        )
    try:
        return (
            frame[list(columns)]
            .astype({column: dtype for column, (dtype, _) in columns.items()})
            .reset_index(drop=True)
        )
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} holds a value that does not fit its column: {error}: repair or remove it") from error


def _require_known(values: pd.Series[str], known: tuple[str, ...], name: str) -> None:
    wrong = values[~values.isin(known)]
    if len(wrong):
        raise InputError(f"the column {values.name!r} of {name} is one of {', '.join(known)}, found {wrong.iloc[0]!r}")


def _require_unique(frame: pd.DataFrame, columns: list[str], name: str) -> None:
    doubled = frame.duplicated(subset=columns)
    if doubled.any():
        row = frame.loc[doubled, columns].iloc[0].to_dict()
        raise InputError(f"{name} has one row for each {' and '.join(columns)}; found twice: {row}: remove one")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _read(path: Path, columns: Mapping[str, tuple[str, str]]) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    text = {name: "string" for name, (dtype, _) in columns.items() if dtype == "string"}
    content = read_intact(path, "repeat 'asteroid-study run', which writes it anew")
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=text)
    except Exception as error:  # whatever pandas raises for a damaged file
        raise InputError(f"{path} is not a readable CSV file ({' '.join(str(error).split())}): restore it") from error
    return as_written(frame)
