"""Curves from anybody's table: a row for each run (or published mean), any names of columns, any unit of the errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.curves.curve_key import CurveKey
from analysis.curves.curves import Curve, with_shared_noise
from analysis.curves.evidence import Evidence, evidence_of, labels_needed
from analysis.curves.other_columns import refuse_failed_rows, refuse_rows_of_two_kinds
from analysis.curves.power_law import predict, slope
from analysis.curves.replicates import MIN_BUDGETS, published_replicates
from analysis.curves.table_cells import how_to_write, with_spreads
from analysis.curves.table_checks import (
    each_row_once,
    each_run_once,
    refuse_another_unit_of_a_seed,
    refuse_fractions,
    refuse_mixed_units,
    refuse_no_counts,
    refuse_no_errors,
    refuse_other_spreads,
)
from asteroid.errors import InputError
from study.counts import CheapPurchase
from study.strategies import rank_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False)
class TableFit:
    """One curve of somebody's table.

    Attributes:
        name: of its group.
        evidence: its runs and their power law; errors are in the unit of the table.
        needed: smallest number of labels with which a new run meets the target; None: no target, or no promise.
        probability: that it does with that number (where there is no promise: with the most that the curve speaks of).
        price_s: price of these labels; NaN without prices.
    """

    name: str
    evidence: Evidence
    needed: int | None = None
    probability: float = math.nan
    price_s: float = math.nan


def table_curves(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    group: Sequence[str] = (),
    seed: str | None = None,
    sd: str | None = None,
    n_runs: str | None = None,
    notes: list[str] | None = None,
) -> tuple[Curve, ...]:
    """Take the curves from a table.

    Args:
        frame: one row for each run; with `sd`, one for each published mean.
        x: column of the numbers of labels.
        y: column of the errors, all in one unit.
        group: columns that tell the curves apart; none: one curve.
        seed: column of the seed of each run; runs of one seed are taken to share labels across budgets.
        sd: column of standard deviations over runs, where y is a mean; needs `n_runs`. Not needed where the means are
            written with them, as in 0.31 ± 0.03.
        n_runs: column of the numbers of runs behind each mean.
        notes: what else the reader should know is added here.

    Returns:
        Curves whose errors are in the unit of the table.

    Raises:
        InputError: a column or a value is missing, not a number, zero or negative, units are mixed, numbers of labels
            are not whole, a run failed or stands twice with two errors, rows of one curve are of two kinds, or standard
            deviations cannot be those of the means.
    """
    said: list[str] = [] if notes is None else notes
    wanted = [x, y, *group, *(name for name in (seed, sd, n_runs) if name is not None)]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise InputError(f"no column {missing[0]!r} in the table: name one of {', '.join(map(str, frame.columns))}")
    frame, sd = with_spreads(frame, y, sd, n_runs, seed, said)
    refuse_mixed_units(frame, y)
    refuse_no_counts(x)
    refuse_no_errors(y)
    refuse_failed_rows(frame, wanted)
    numbers = {name: _numbers(frame, name, zero=name != y) for name in (x, y, sd, n_runs) if name is not None}
    if (sd is None) != (n_runs is None):
        raise InputError("a standard deviation over runs needs the number of runs, and the other way round: name both")
    names = ["all runs"] * len(frame)
    if group:
        names = list(frame[list(group)].astype("string").fillna("none").agg(", ".join, axis=1))
    rows = pd.DataFrame({"group": names}, index=frame.index)
    if seed is not None and frame[seed].isna().any():
        raise InputError(
            f"column {seed!r} needs a seed in every row, found none in some: fill it in or leave --seed out"
        )
    seeds = pd.factorize(frame[seed])[0] if seed is not None else np.arange(len(frame))
    rows = rows.assign(x=numbers[x], y=numbers[y], seed=seeds, line=np.arange(len(frame)))
    refuse_fractions(rows, x)
    if sd is not None and n_runs is not None:
        rows = rows.assign(sd=numbers[sd], n_runs=numbers[n_runs])
        said += refuse_other_spreads(rows, sd, y)
    elif seed is not None:
        rows = each_run_once(rows, x, y, said)
        refuse_another_unit_of_a_seed(rows, frame[seed].iloc, y)
    else:
        rows = each_row_once(rows, frame, said)
    refuse_rows_of_two_kinds(rows, frame, wanted, y)
    mixed = rows[(rows["x"] == 0) & rows.groupby("group")["x"].transform("max").gt(0)]
    if len(mixed):
        raise InputError(
            f"a power law has no value without labels, found {x} = 0 in row {mixed['line'].iloc[0] + 1} below the "
            "head: leave this row out"
        )
    curves = [_curve(str(name), own.sort_values(["x", "seed"], kind="stable")) for name, own in rows.groupby("group")]
    if not curves:
        raise InputError("a curve needs rows, found an empty table: give one row for each run")
    return with_shared_noise(sorted(curves, key=lambda curve: rank_of(curve.key.strategy)))


def fit_table(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    group: Sequence[str] = (),
    seed: str | None = None,
    sd: str | None = None,
    n_runs: str | None = None,
    target: float | None = None,
    confidence: float = 0.9,
    price_s: float = math.nan,
    rng_seed: int = 0,
    notes: list[str] | None = None,
) -> tuple[TableFit, ...]:
    """Fit every curve of a table and, with a target, say how many labels each needs.

    Args:
        frame: see `table_curves`,
        x: likewise,
        y: likewise,
        group: likewise,
        seed: likewise,
        sd: likewise,
        n_runs: likewise.
        target: error to meet, in the unit of the table.
        confidence: probability with which one new run must meet it.
        price_s: seconds for one label.
        rng_seed: of the posterior draws.
        notes: see `table_curves`.

    Returns:
        One fit for each group; with a target the cheapest promise first.

    Raises:
        InputError: a row cannot be used, no curve has enough budgets, or the target or the confidence is out of range.
    """
    if target is not None and not (math.isfinite(target) and target > 0):
        raise InputError(f"a target error must be positive, found {target:g}: give the error that is acceptable")
    if not 0.5 <= confidence <= 0.99:
        raise InputError(f"a confidence lies between 0.5 and 0.99, found {confidence:g}")
    curves = table_curves(frame, x=x, y=y, group=group, seed=seed, sd=sd, n_runs=n_runs, notes=notes)
    most = max(len(set(curve.budget.tolist()) - {0}) for curve in curves)
    if most < MIN_BUDGETS:
        raise InputError(
            f"a power law needs at least {MIN_BUDGETS} distinct numbers of labels (6 are better), found at most {most} "
            f"in column {x!r}: add runs"
        )
    fits = [TableFit(curve.key.strategy, evidence_of(curve, seed=rng_seed)) for curve in curves]
    if target is None:
        return tuple(fits)
    asked = [_ask(fit, target, confidence, price_s, rng_seed) for fit in fits]
    return tuple(sorted(asked, key=lambda fit: (fit.needed is None, fit.needed or 0, -fit.probability)))


def fit_json(fit: TableFit) -> dict[str, Any]:
    """One fit as plain data, in the unit of the table."""
    evidence, power_law = fit.evidence, fit.evidence.fit
    alpha, low, high = slope(power_law) if power_law else (None, None, None)
    budgets = sorted(set(evidence.curve.budget.tolist()))
    ahead = None
    if power_law is not None and evidence.limit > budgets[-1]:
        quantiles = predict(power_law, 2.0 * budgets[-1], kind="new_run", quantiles=(0.05, 0.5, 0.95))[:, 0]
        ahead = {"n": 2 * budgets[-1], "error": dict(zip(("p5", "median", "p95"), map(float, quantiles), strict=True))}
    return {
        "group": fit.name,
        "runs": len(evidence.curve.budget),
        "budgets": budgets,
        "slope": {"median": alpha, "p5": low, "p95": high},
        "probability_of_floor": float(np.mean(power_law.phi > 0)) if power_law else None,
        "lack_of_fit_p": evidence.lack_of_fit_p,
        "misfit_rms": evidence.misfit_rms,
        "new_run_at_twice_the_largest": ahead,
        "n_needed": fit.needed,
        "probability": None if math.isnan(fit.probability) else fit.probability,
        "price_s": None if math.isnan(fit.price_s) else fit.price_s,
        "status": list(evidence.status),
    }


def _ask(fit: TableFit, target: float, confidence: float, price_s: float, rng_seed: int) -> TableFit:
    evidence = fit.evidence
    if evidence.curve.horizontal:
        return fit
    needed = labels_needed(evidence, target, seed=rng_seed)
    n = needed.quantile(confidence)
    if n > evidence.limit:
        return TableFit(fit.name, evidence, None, needed.probability(evidence.limit))
    whole = max(math.ceil(n), int(evidence.curve.budget.min()))
    return TableFit(fit.name, evidence, whole, needed.probability(whole), whole * price_s)


def _curve(name: str, rows: pd.DataFrame) -> Curve:
    budget, error = rows["x"].to_numpy(dtype=float), rows["y"].to_numpy(dtype=float)
    summary = published_replicates(budget, error, rows["sd"], rows["n_runs"]) if "sd" in rows else None
    unknown = np.full(len(rows), np.nan)
    return Curve(
        key=CurveKey(name),
        budget=budget.astype(np.int64),
        seed=rows["seed"].to_numpy(dtype=np.int64),
        error_ev_ang=error,
        val_error_ev_ang=unknown,
        train_core_s=unknown,
        purchase=CheapPurchase(),
        summary=summary,
    )


def _numbers(frame: pd.DataFrame, name: str, *, zero: bool) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column of positive numbers; zero says whether 0 is one."""
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0) & (zero | (values > 0))))
    if len(bad):
        found = frame[name].iloc[int(bad[0])]
        shown = "none" if pd.isna(found) else found
        raise InputError(
            f"column {name!r} needs positive numbers, found {shown} in row {bad[0] + 1} below the head: "
            + how_to_write(found)
        )
    return values
