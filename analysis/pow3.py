"""The curve itself: a power law with a floor, its replicates, and its least-squares point fit in log space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from asteroid.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Fewest distinct budgets: three parameters and one degree of freedom to test them with.
MIN_BUDGETS = 4
#: Range of slopes considered; published slopes of force errors run from about .05 to 1.
ALPHA_MIN, ALPHA_MAX = 0.02, 5.0


@dataclass(frozen=True, eq=False)
class Replicates:
    """Errors of one curve, summarised by budget.

    Attributes:
        budget: distinct budgets in rising order, [k].
        count: errors (seeds) at each, [k].
        mean_log: mean of the natural log of the errors at each, [k].
        within_ss: sum of squares of log errors about the mean of their budget.
    """

    budget: NDArray[np.float64]
    count: NDArray[np.float64]
    mean_log: NDArray[np.float64]
    within_ss: float

    @property
    def ratio(self) -> NDArray[np.float64]:
        """Budgets over the largest one, [k]."""
        return np.asarray(self.budget / self.budget[-1])

    @property
    def n_errors(self) -> int:
        """Number of errors, all budgets together."""
        return int(self.count.sum())

    @property
    def within_df(self) -> int:
        """Degrees of freedom between seeds."""
        return self.n_errors - len(self.budget)


@dataclass(frozen=True)
class Pow3:
    """Point fit: err(N) = exp(log_amplitude) * [(1-phi) (N/Nmax)^-alpha + phi].

    Attributes:
        alpha: slope.
        phi: floor as a share of the error at the largest budget.
        log_amplitude: log of the error at the largest budget.
        misfit_ss: sum over errors of the squared distance from the mean of their budget to the curve, in log.
    """

    alpha: float
    phi: float
    log_amplitude: float
    misfit_ss: float


def log_shape(ratio: ArrayLike, alpha: ArrayLike, phi: ArrayLike) -> NDArray[np.float64]:
    """Log error relative to the largest budget, log[(1-phi) ratio^-alpha + phi]; the arguments broadcast."""
    share = np.asarray(phi, dtype=float)
    decay = np.asarray(ratio, dtype=float) ** -np.asarray(alpha, dtype=float)
    return np.asarray(np.log((1 - share) * decay + share))


def replicates(budget: ArrayLike, error: ArrayLike) -> Replicates:
    """Check the errors of a curve and summarise them by budget.

    Args:
        budget: accurate labels bought, one per error, [n].
        error: errors in any unit, [n].

    Raises:
        InputError: lengths differ, a budget or an error is not positive and finite.
    """
    budgets, errors = np.asarray(budget, dtype=float).ravel(), np.asarray(error, dtype=float).ravel()
    if len(budgets) != len(errors):
        raise InputError(f"a curve needs one error per budget, found {len(errors)} errors for {len(budgets)} budgets")
    for name, values in (("budget", budgets), ("error", errors)):
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if len(bad):
            row = int(bad[0])
            raise InputError(
                f"a curve needs positive finite {name}s, found {name} {values[row]:g} in row {row} "
                f"(budget {budgets[row]:g}): leave this row out or repeat its run"
            )
    return summarise(budgets, errors)


def summarise(budget: NDArray[np.float64], error: NDArray[np.float64]) -> Replicates:
    """Summarise checked errors by budget, [n] each; a budget of 0 (no accurate labels) is a budget like any other."""
    distinct, group = np.unique(budget, return_inverse=True)
    count = np.bincount(group).astype(float)
    logs = np.log(error)
    mean_log = np.bincount(group, weights=logs) / count
    return Replicates(distinct, count, mean_log, float(np.sum((logs - mean_log[group]) ** 2)))


def require_budgets(data: Replicates) -> None:
    """Raise InputError where there are too few budgets for a power law."""
    if len(data.budget) < MIN_BUDGETS:
        found = ", ".join(f"{n:g}" for n in data.budget) or "none"
        raise InputError(
            f"a power law needs at least {MIN_BUDGETS} distinct budgets (6 are better), found {len(data.budget)} "
            f"({found}): add budgets to the sweep"
        )


def fit_pow3(data: Replicates) -> Pow3:
    """Least squares in log space with alpha in [.02, 5] and phi in [0, 1); the amplitude is projected out.

    Raises:
        InputError: fewer than four distinct budgets.
    """
    require_budgets(data)
    ratio, root = data.ratio, np.sqrt(data.count)

    def residuals(x: NDArray[np.float64]) -> NDArray[np.float64]:
        rest = data.mean_log - log_shape(ratio, np.exp(x[0]), x[1])
        return np.asarray(root * (rest - np.average(rest, weights=data.count)))

    starts = [np.array([np.log(alpha), phi]) for alpha in (0.1, 0.3, 0.6, 1.0, 2.0) for phi in (0.001, 0.3, 0.7, 0.95)]
    starts.sort(key=lambda x: float(np.sum(residuals(x) ** 2)))
    bounds = ([np.log(ALPHA_MIN), 0.0], [np.log(ALPHA_MAX), 1 - 1e-9])

    def without_floor(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return residuals(np.array([x[0], 0.0]))

    tol = 1e-12
    fits = [
        least_squares(residuals, start, bounds=bounds, ftol=tol, xtol=tol, gtol=tol, max_nfev=100)
        for start in starts[:2]
    ]
    # Trust-region steps stay inside the box: the edge phi = 0 is a candidate of its own.
    edge = least_squares(
        without_floor, fits[0].x[:1], bounds=(bounds[0][:1], bounds[1][:1]), ftol=tol, xtol=tol, gtol=tol
    )
    best = min([*fits, edge], key=lambda fit: float(fit.cost))
    alpha, phi = float(np.exp(best.x[0])), float(best.x[1]) if len(best.x) > 1 else 0.0
    rest = data.mean_log - log_shape(ratio, alpha, phi)
    return Pow3(alpha, phi, float(np.average(rest, weights=data.count)), 2 * float(best.cost))
