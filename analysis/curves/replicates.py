"""The errors of one curve, checked and summarised: what every fit needs of them, whatever the number of runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analysis.curves.noise_law import FALL_WEIGHT, scatter_of_runs
from asteroid.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Fewest distinct budgets: three parameters and one degree of freedom to test them with.
MIN_BUDGETS = 4
#: Weight above which a run is like the others.
_REGULAR = 0.5


@dataclass(frozen=True, eq=False)
class Replicates:
    """Errors of one curve, summarised by budget and by seed.

    Attributes:
        budget: distinct budgets in rising order, [k].
        count: errors (runs) at each, failed ones by their weight, [k].
        mean_log: mean of the natural log of the errors at each, [k].
        within_ss: sums of squares of log errors about the mean of their budget, [k].
        crossed: errors of each seed at each budget, by weight, [k, J]; J = 0 where seeds are not known.
        crossed_sum: sums of their logs, [k, J].
        outlying: runs that count as failed: so far from the others of their budget that they hardly weigh.
    """

    budget: NDArray[np.float64]
    count: NDArray[np.float64]
    mean_log: NDArray[np.float64]
    within_ss: NDArray[np.float64]
    crossed: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    crossed_sum: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    outlying: int = 0

    @property
    def ratio(self) -> NDArray[np.float64]:
        """Budgets over the largest one, [k]."""
        return np.asarray(self.budget / self.budget[-1])

    @property
    def n_errors(self) -> float:
        """Number of errors, all budgets together."""
        return float(self.count.sum())

    @property
    def within_df(self) -> float:
        """Degrees of freedom between runs of one budget."""
        return self.n_errors - len(self.budget)


def replicates(
    budget: ArrayLike,
    error: ArrayLike,
    run_seed: ArrayLike | None = None,
    fall_weight: NDArray[np.float64] | None = None,
) -> Replicates:
    """Check the errors of a curve and summarise them by budget; failed runs hardly weigh (`noise_law`).

    Args:
        budget: accurate labels bought, one per error, [n].
        error: errors in any unit, [n].
        run_seed: seed of each run (any labels), [n]: runs of one seed share label subsets across budgets.
        fall_weight: what other curves say of the fall of the noise, from `noise_law.shared_fall`; None: nothing.

    Raises:
        InputError: lengths differ, a budget or an error is not positive and finite.
    """
    budgets, errors = np.asarray(budget, dtype=float).ravel(), np.asarray(error, dtype=float).ravel()
    if len(budgets) != len(errors):
        raise InputError(f"a curve needs one error per budget, found {len(errors)} errors for {len(budgets)} budgets")
    _require_positive(budget=budgets, error=errors)
    seeds = None if run_seed is None else np.asarray(run_seed).ravel()
    if seeds is not None and len(seeds) != len(budgets):
        raise InputError(f"a curve needs one seed per error, found {len(seeds)} seeds for {len(errors)} errors")
    return summarise(budgets, errors, seeds, fall_weight)


def published_replicates(
    budget: ArrayLike, mean: ArrayLike, sd: ArrayLike | None = None, n_runs: ArrayLike | None = None
) -> Replicates:
    """The same from a published table: mean and standard deviation over runs at each budget.

    A log-normal error with this mean and standard deviation has the log variance ln(1 + (sd/mean)^2).

    Args:
        budget: each once, [k].
        mean: mean errors, [k].
        sd: sample standard deviations over runs in the unit of the mean, [k]; None: not known.
        n_runs: runs behind each mean, [k] or one number; without sd, every mean counts as one run.

    Raises:
        InputError: lengths differ, a budget stands twice, a value is not positive and finite, or sd lacks n_runs.
    """
    budgets, means = np.asarray(budget, dtype=float).ravel(), np.asarray(mean, dtype=float).ravel()
    if len(budgets) != len(means):
        raise InputError(f"a curve needs one mean per budget, found {len(means)} means for {len(budgets)} budgets")
    if len(set(budgets.tolist())) < len(budgets):
        raise InputError("a table of means has each budget once, found one twice: give single runs instead")
    _require_positive(budget=budgets, error=means)
    order = np.argsort(budgets)
    if sd is None:
        return Replicates(budgets[order], np.ones(len(budgets)), np.log(means)[order], np.zeros(len(budgets)))
    if n_runs is None:
        raise InputError("standard deviations say little without the number of runs behind each, found none: give it")
    spread = np.broadcast_to(np.asarray(sd, dtype=float).ravel(), budgets.shape)
    count = np.broadcast_to(np.asarray(n_runs, dtype=float).ravel(), budgets.shape)
    bad = np.flatnonzero(~(np.isfinite(spread) & (spread >= 0) & (count >= 1) & (count == np.round(count))))
    if len(bad):
        row = int(bad[0])
        raise InputError(
            f"a table of means needs standard deviations of at least 0 over whole numbers of runs, found sd "
            f"{spread[row]:g} over {count[row]:g} runs in row {row} (budget {budgets[row]:g}): correct this row"
        )
    variance = np.where(count > 1, np.log1p((spread / means) ** 2), 0.0)
    within_ss = (count - 1) * variance
    return Replicates(budgets[order], count[order], (np.log(means) - variance / 2)[order], within_ss[order])


def summarise(
    budget: NDArray[np.float64],
    error: NDArray[np.float64],
    run_seed: NDArray[np.generic] | None = None,
    fall_weight: NDArray[np.float64] | None = None,
) -> Replicates:
    """Summarise checked errors by budget, [n] each; a budget of 0 (no accurate labels) is a budget like any other."""
    distinct, group = np.unique(budget, return_inverse=True)
    logs = np.log(error)
    scatter = scatter_of_runs(budget, logs)
    weights = scatter.posterior(FALL_WEIGHT if fall_weight is None else fall_weight) @ scatter.weight
    weights = np.where(weights > _REGULAR, 1.0, weights)
    count = np.bincount(group, weights=weights).astype(float)
    mean_log = np.bincount(group, weights=weights * logs) / count
    within_ss = np.bincount(group, weights=weights * (logs - mean_log[group]) ** 2).astype(float)
    outlying = int((weights < 0.5).sum())
    if run_seed is None:
        return Replicates(distinct, count, mean_log, within_ss, outlying=outlying)
    seeds, of_seed = np.unique(run_seed, return_inverse=True)
    crossed, crossed_sum = np.zeros((2, len(distinct), len(seeds)))
    np.add.at(crossed, (group, of_seed), weights)
    np.add.at(crossed_sum, (group, of_seed), weights * logs)
    return Replicates(distinct, count, mean_log, within_ss, crossed, crossed_sum, outlying)


def without_largest(data: Replicates) -> Replicates:
    """The same curve without the runs at its largest budget, and without seeds that were run there alone."""
    runs = data.crossed[:-1]
    kept = runs.sum(axis=0) > 0
    return Replicates(
        data.budget[:-1],
        data.count[:-1],
        data.mean_log[:-1],
        data.within_ss[:-1],
        runs[:, kept],
        data.crossed_sum[:-1, kept],
    )


def require_budgets(data: Replicates) -> None:
    """Raise InputError where there are too few budgets for a power law."""
    if len(data.budget) < MIN_BUDGETS:
        found = ", ".join(f"{n:g}" for n in data.budget) or "none"
        raise InputError(
            f"a power law needs at least {MIN_BUDGETS} distinct budgets (6 are better), found {len(data.budget)} "
            f"({found}): add budgets to the sweep"
        )


def _require_positive(*, budget: NDArray[np.float64], error: NDArray[np.float64]) -> None:
    for name, values in (("budget", budget), ("error", error)):
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if len(bad):
            row = int(bad[0])
            raise InputError(
                f"a curve needs positive finite {name}s, found {name} {values[row]:g} in row {row} "
                f"(budget {budget[row]:g}): leave this row out or repeat its run"
            )
