"""From a results table to learning curves: one curve per strategy, gamma_rel, schedule and number of cheap frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.caveats import Caveat, those_that_hold
from analysis.curves.curve_key import CURVE_COLUMNS, CurveKey
from analysis.curves.noise_law import scatter_of_runs, scatter_of_summary, shared_fall
from asteroid.errors import InputError
from study.counts import COUNT_COLUMNS, CheapPurchase, Counts
from study.strategies import strategy_of
from study.tables.levels import level_columns, with_levels
from study.tables.results import validate_results

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from analysis.curves.replicates import Replicates


#: An error below so many times that on the training labels of the largest budget is doubtful: the latter grows with the
#: labels until it meets the former. Ethanol, `accurate_only`, kcal/mol/Å, budgets 100, 200 and 340: .12, .21 and .25 on
#: the training labels, .66, .46 and .38 on others, where budgets up to 100 forecast .25 at 340.
TRAINING_LIMIT = 2.5


@dataclass(frozen=True, eq=False)
class Curve:
    """Runs that differ in budget and seed only; `cheap_only` is a horizontal line (budget 0).

    Attributes:
        key: strategy, temperature, schedule and number of cheap frames.
        budget: accurate labels bought, rising, [n].
        seed: [n].
        error_ev_ang: force MAE on the test labels (cross-validated where there is no test set), eV/Å, [n].
        val_error_ev_ang: force MAE on the validation labels, eV/Å, NaN where there are none, [n].
        train_core_s: core seconds to train each chain, [n].
        purchase: what its runs buy of the cheap level, whatever the budget.
        use_cpu_s_per_frame: CPU seconds for the prediction of one frame, median over runs; NaN: not measured.
        test_relative_se: standard error of the errors from the choice of frames that score all runs, relative: test
            frames, or the owned labels where errors are cross-validated; 0 where not given.
        train_error_ev_ang: force MAE on the training labels at the largest budget, eV/Å, median over runs; NaN where
            none says.
        summary: instead of single errors, their published means and standard deviations; None: single errors.
        fall_weight: what the other curves of the sweep say of the fall of the noise, from `noise_law.shared_fall`, [Q];
            None: nothing.
        status: `no_test_set` (errors are cross-validated inside the budget), `failed_runs` (rows were left out).
    """

    key: CurveKey
    budget: NDArray[np.int64]
    seed: NDArray[np.int64]
    error_ev_ang: NDArray[np.float64]
    val_error_ev_ang: NDArray[np.float64]
    train_core_s: NDArray[np.float64]
    purchase: CheapPurchase
    use_cpu_s_per_frame: float = np.nan
    test_relative_se: float = 0.0
    train_error_ev_ang: float = np.nan
    summary: Replicates | None = None
    fall_weight: NDArray[np.float64] | None = None
    status: tuple[Caveat, ...] = ()

    @property
    def horizontal(self) -> bool:
        """True where no accurate label is bought."""
        return bool(self.budget[-1] == 0)

    def near_training_error(self, error_ev_ang: float) -> bool:
        """Whether an error is so near to what training leaves that more labels are of doubtful help."""
        return error_ev_ang < TRAINING_LIMIT * self.train_error_ev_ang


def curves_of(table: pd.DataFrame) -> tuple[Curve, ...]:
    """All curves of a results table, simplest strategy first; rows whose status is not "ok" are left out.

    The error is the test error, adjusted for the draw of test frames where all runs have it adjusted; where no run has
    one (a user without spare labels), the cross-validated error.

    Raises:
        InputError: the table does not fit the schema, has no finished run, or a finished run has no usable error.
    """
    rows = validate_results(table)
    finished = (rows["status"] == "ok").fillna(value=False).to_numpy(dtype=bool)
    if not finished.any():
        raise InputError(f"curves need finished runs, found none in {len(rows)} rows: finish the sweep first")
    tested = np.isfinite(rows["test_force_mae_ev_ang"].to_numpy(dtype=float))
    column = "test_force_mae_ev_ang" if (tested & finished).any() else "cv_force_mae_ev_ang"
    adjusted = rows[["test_force_mae_adjusted_ev_ang", "test_force_mae_adjusted_se_ev_ang"]].to_numpy(dtype=float)
    if (tested & np.isfinite(adjusted).all(axis=1))[finished].all():  # one kind of error for all curves
        column = "test_force_mae_adjusted_ev_ang"
    if column.startswith("cv"):
        # Without a budget there is nothing to cross-validate in: a cheap-only run is then unmeasured, not wrong.
        finished &= ~((rows["budget"] == 0) & rows[column].isna()).to_numpy(dtype=bool)
    curves = []
    for _, group in rows.assign(finished=finished, schedule=rows["schedule"].fillna("")).groupby(
        with_levels(CURVE_COLUMNS, rows), dropna=False, sort=False
    ):
        done = group[group["finished"]].sort_values(["budget", "seed"])
        if len(done):
            conditions = {Caveat.NO_TEST_SET: column.startswith("cv"), Caveat.FAILED_RUNS: len(done) < len(group)}
            curves.append(_curve(done, column, those_that_hold(conditions)))
    return with_shared_noise(sorted(curves, key=lambda curve: curve.key.order))


def with_shared_noise(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """The curves of one sweep, each told what the others say of the fall of the noise."""
    scatters = [
        scatter_of_runs(curve.budget.astype(float), np.log(curve.error_ev_ang))
        if curve.summary is None
        else scatter_of_summary(curve.summary.budget, curve.summary.count, curve.summary.within_ss)
        for curve in curves
    ]
    return tuple(replace(c, fall_weight=fall) for c, fall in zip(curves, shared_fall(scatters), strict=True))


def representative_curves(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """One curve for each strategy: the largest n_cheap, the most budgets, then settings by VALIDATION error.

    Where a study has several cheap levels, one for each strategy and level.

    The test error must not choose (it would be flattered by its own choice). The measure is the geometric mean over
    budgets of the median over seeds; where there are no validation errors, the simplest setting (largest gamma_rel).
    """
    chosen = []
    for way in dict.fromkeys(curve.key.way for curve in curves):
        own = [curve for curve in curves if curve.key.way == way]
        largest = max((curve.key.n_cheap, curve.key.n_intermediate) for curve in own)
        candidates = [curve for curve in own if (curve.key.n_cheap, curve.key.n_intermediate) == largest]
        most = max(len(set(curve.budget.tolist())) for curve in candidates)
        candidates = [curve for curve in candidates if len(set(curve.budget.tolist())) == most]
        chosen.append(_best_by_validation(candidates))
    return tuple(chosen)


def competing_curves(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """The curves that a plan may choose from: gamma_rel chosen by VALIDATION error, everything else left open.

    What can be bought differently (strategy, n_cheap) and how settings were found (schedule) competes on test errors;
    a temperature chosen on them would flatter itself.
    """
    groups: dict[CurveKey, list[Curve]] = {}
    for curve in curves:
        groups.setdefault(replace(curve.key, gamma_rel=0.0), []).append(curve)
    return tuple(_best_by_validation(group) for group in groups.values())


def _best_by_validation(curves: Sequence[Curve]) -> Curve:
    shared = set.intersection(*(set(curve.budget.tolist()) for curve in curves))
    return min(curves, key=lambda curve: (_validation_score(curve, shared), -curve.key.sorting_gamma))


def _curve(rows: pd.DataFrame, column: str, status: tuple[Caveat, ...]) -> Curve:
    values = rows[column].to_numpy(dtype=float)
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(bad):
        row = rows.iloc[int(bad[0])][["strategy", "budget", "n_cheap", "seed"]].to_dict()
        raise InputError(
            f"every finished run needs a positive finite {column}, found {values[bad[0]]:g} in {row}: repeat that run"
        )
    first = rows.iloc[0]
    # Cross-validated errors share labels within a seed, which the fit knows, and between seeds, as with a test set.
    shared = "_se_ev_ang" if column.startswith("test") else "_shared_se_ev_ang"
    relative = rows[column.replace("_ev_ang", shared)].to_numpy(dtype=float) / values
    relative = relative[np.isfinite(relative)]
    left = rows.loc[rows["budget"] == rows["budget"].max(), "train_force_mae_ev_ang"].dropna().to_numpy(dtype=float)
    used = rows["use_cpu_s_per_frame"].to_numpy(dtype=float) if "use_cpu_s_per_frame" in rows else np.empty(0)
    used = used[np.isfinite(used)]
    return Curve(
        key=CurveKey.of_row(first),
        budget=rows["budget"].to_numpy(dtype=np.int64),
        seed=rows["seed"].to_numpy(dtype=np.int64),
        error_ev_ang=values,
        val_error_ev_ang=rows["val_force_mae_ev_ang"].to_numpy(dtype=float),
        train_core_s=rows["recipe_core_s"].to_numpy(dtype=float),
        purchase=_purchase(rows),
        use_cpu_s_per_frame=float(np.median(used)) if len(used) else np.nan,
        test_relative_se=float(np.median(relative)) if len(relative) else 0.0,
        train_error_ev_ang=float(np.median(left)) if len(left) else np.nan,
        status=status,
    )


def _purchase(rows: pd.DataFrame) -> CheapPurchase:
    """The rule that the counts of all rows obey.

    Raises:
        InputError: there is none.
    """
    entry = strategy_of(str(rows["strategy"].iloc[0]))
    others = (CheapPurchase(*bought) for bought in product((False, True), repeat=3))
    lower = CurveKey.of_row(rows.iloc[0]).lower
    columns = ["budget", *COUNT_COLUMNS, *level_columns(rows)]
    kinds = dict.fromkeys(zip(*(rows[name].tolist() for name in columns), strict=True))
    bought: list[dict[Hashable, Any]] = [dict(zip(columns, kind, strict=True)) for kind in kinds]
    for purchase in (entry.cheap, *others):
        if all(purchase.counts(row["budget"], lower) == Counts.of_row(row) for row in bought):
            return purchase
    raise InputError(
        f"runs of one strategy buy all or none of what n_cheap ({lower.n_cheap}) and budget say, found {bought[0]} for "
        f"{entry.slug}: "
        f"correct {', '.join(COUNT_COLUMNS)}, or leave them out of the table"
    )


def _validation_score(curve: Curve, budgets: set[int]) -> float:
    """Geometric mean over budgets of the median validation error, log; infinite where any is missing."""
    medians = [np.median(curve.val_error_ev_ang[curve.budget == budget]) for budget in sorted(budgets)]
    usable = len(medians) > 0 and all(np.isfinite(medians)) and min(medians) > 0
    return float(np.mean(np.log(medians))) if usable else np.inf
