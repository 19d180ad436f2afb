"""Power-law fit of one learning curve: the exact posterior on a grid, no optimiser and no Markov chain.

Model, in logs, for seed j at budget i:

    log err_ij = a + log[(1-phi) (N_i/Nmax)^-alpha + phi] + d_i + g_i (b_i + s_j + e_ij)

b_i ~ N(0, tau^2) is shared by the seeds of a budget, s_j ~ N(0, omega^2) by the budgets of a seed (its label subsets
nest), e_ij ~ N(0, sigma^2); g_i = (N_i/Nmax)^-q lets this noise fall with the number of labels (`noise_law`); d_i is a
bend away from the power law that vanishes at the largest budget (`bend`). The prior of a is flat (so errors may be in
any unit), alpha ~ LogNormal(ln .5, .8), phi is exactly 0 with probability .35 and else uniform on (0, 1) (a
spike-and-slab floor), sigma^2 at the geometric mean of the budgets ~ InvGamma(1, s), s the variance that the runs
within budgets show, tau^2 = lambda sigma^2, omega^2 = eta sigma^2; lambda, eta, q and the strength of the bend come
from short lists. Beyond the largest budget the noise is that of the largest budget, and the curve may go on bending.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.caveats import Caveat, those_that_hold
from analysis.curves.bend import bend_ahead
from analysis.curves.lack_of_fit import LackOfFit, lack_of_fit, with_cause
from analysis.curves.pooling import pooled
from analysis.curves.posterior import Prior, draw, posterior, prior_of_means, prior_of_runs
from analysis.curves.power_law_shape import log_shape
from analysis.curves.replicates import Replicates, published_replicates, replicates, require_budgets
from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

#: What an interval is about: the curve itself; one more draw of data that its seeds share (+ tau); one more run, with a
#: seed of its own (+ tau + omega + sigma); one more run measured on another test set (+ that set's own error).
Kind = Literal["curve", "new_data_draw", "new_run", "new_test_set"]

#: Farthest that a curve is followed, over its largest budget; a bend grows no more beyond it.
FARTHEST = 4.0
#: A misfit is put down to budget effects up to this variance ratio; larger ones widen bands, but excuse no bend.
_MOST_BLAMED = 4.0
#: Posterior probability of a floor above which the fit says so (prior: .65), and of the edge of the slopes considered.
_FLOOR_SURE, _EDGE_MASS = 0.9, 0.05
#: Numbers of labels between which a target is looked for.
_STEPS = 160


@dataclass(frozen=True, eq=False)
class PowerLawFit:
    """Posterior draws of one curve, and what to be careful about.

    Attributes:
        alpha: slope, [S].
        phi: floor as a share of the error at the largest budget, [S]; exactly 0 in the draws without a floor.
        log_amplitude: log of the error at the largest budget, in the unit of the input, [S].
        sigma: relative noise between seeds, [S].
        tau: relative noise that all seeds of a budget share, [S].
        omega: relative noise that all budgets of a seed share, [S]; 0 where seeds are not known.
        fall: exponent q of the noise, [S]; sigma, tau and omega are those at the largest budget.
        kappa: strength of the bend, [S]; 0 in the draws without one.
        bend: log of the curve over its power law at the budgets, [S, k].
        normals: standard normal numbers for a new data draw, a new run, a new test set and the bend ahead, [4, S]. They
            belong to the draws, so that every draw is one curve and N* and err(N) are inverse to each other.
        budget: distinct numbers of labels in the data, rising, [k]; many are pooled (`pooling`).
        lack_of_fit: the gate; `lack_of_fit.p` is None where there is one seed only.
        status: caveats: `one_seed` (the gate cannot be applied), `lack_of_fit` (do not extrapolate) with
            its cause `bent_curve` or `budget_effect`, `few_budgets` (under 6), `floor` (at least 90 % probable),
            `bound_hit` (slope at the edge of those considered).
    """

    alpha: NDArray[np.float64]
    phi: NDArray[np.float64]
    log_amplitude: NDArray[np.float64]
    sigma: NDArray[np.float64]
    tau: NDArray[np.float64]
    omega: NDArray[np.float64]
    fall: NDArray[np.float64]
    kappa: NDArray[np.float64]
    bend: NDArray[np.float64]
    normals: NDArray[np.float64]
    budget: NDArray[np.float64]
    lack_of_fit: LackOfFit
    status: tuple[Caveat, ...]

    @property
    def smallest_budget(self) -> float:
        """Smallest number of labels in the data."""
        return float(self.budget[0])

    @property
    def largest_budget(self) -> float:
        """Largest number of labels in the data."""
        return float(self.budget[-1])

    @property
    def lack_of_fit_p(self) -> float | None:
        """Probability of so large a misfit from seed noise alone."""
        return self.lack_of_fit.p


@dataclass(frozen=True, eq=False)
class LabelsNeeded:
    """Posterior of the number of labels N* at which the error falls to the target.

    Attributes:
        draws: sorted draws of N*, [S]; infinite where the floor lies above the target.
        p_never: share of the draws in which no number of labels is enough.
    """

    draws: NDArray[np.float64]
    p_never: float

    def probability(self, n: float) -> float:
        """P(N* <= n): the probability that n labels meet the target."""
        return float(self.probabilities(np.array([n]))[0])

    def probabilities(self, n: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same for several numbers, [m]."""
        return np.asarray(np.searchsorted(self.draws, n, side="right") / len(self.draws))

    def quantile(self, probability: float) -> float:
        """Smallest number of labels (not rounded) that meets the target with this probability; may be infinite."""
        return float(self.quantiles(np.array([probability]))[0])

    def quantiles(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same for several probabilities, [m]."""
        place = np.ceil(probability * len(self.draws) - 1e-9).astype(np.int64) - 1
        return np.asarray(self.draws[np.maximum(place, 0)])


def fit_power_law(
    budget: ArrayLike,
    error: ArrayLike,
    *,
    run_seed: ArrayLike | None = None,
    fall_weight: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> PowerLawFit:
    """Fit one curve to the errors of single runs.

    Args:
        budget: accurate labels bought, one per error, [n].
        error: errors of single runs in any unit, [n]; several seeds at the same budget are expected.
        run_seed: seed of each run, [n], where runs of one seed share (nested) labels across budgets; None: all runs are
            independent.
        fall_weight: what other curves of the sweep say of the fall of the noise, from `noise_law.shared_fall`; None: it
            is told by this curve alone, and shrunk to a constant noise.
        seed: of the posterior draws; the posterior itself is not random.

    Raises:
        InputError: fewer than four distinct budgets, or a budget or error that is not positive and finite.
    """
    return fit_replicates(replicates(budget, error, run_seed, fall_weight), seed=seed, prior=prior_of_runs(fall_weight))


def fit_published(
    budget: ArrayLike,
    mean: ArrayLike,
    sd: ArrayLike | None = None,
    n_runs: ArrayLike | None = None,
    *,
    seed: int = 0,
) -> PowerLawFit:
    """Fit one curve to a published table of means, standard deviations and numbers of runs, [k] each.

    The runs count as independent, since such a table does not say which run belongs to which seed.

    Raises:
        InputError: fewer than four budgets, or a row that cannot be used.
    """
    data = published_replicates(budget, mean, sd, n_runs)
    return fit_replicates(data, seed=seed, prior=prior_of_means())


def fit_replicates(
    data: Replicates,
    *,
    seed: int = 0,
    prior: Prior | None = None,
) -> PowerLawFit:
    """Fit one curve to its summary.

    Args:
        data: errors of the curve.
        seed: of the posterior draws.
        prior: of noise and bends; None: that of single runs, without other curves.

    Raises:
        InputError: fewer than four distinct budgets.
    """
    require_budgets(data)
    data = pooled(data)
    found = posterior(data, prior or prior_of_runs())
    draws = draw(found, data, seed)
    test = with_cause(
        lack_of_fit(data, fall=found.fall),
        data,
        float(np.mean(np.minimum((draws["tau"] / draws["sigma"]) ** 2, _MOST_BLAMED))),
    )
    conditions = {
        Caveat.ONE_SEED: test.p is None,
        Caveat.LACK_OF_FIT: test.rejected,
        **({test.cause: True} if test.cause else {}),
        Caveat.FEW_BUDGETS: len(data.budget) < 6,
        Caveat.FLOOR: float(np.mean(draws["phi"] > 0)) >= _FLOOR_SURE,
        Caveat.BOUND_HIT: found.edge_mass >= _EDGE_MASS,
        Caveat.OUTLYING_RUNS: data.outlying > 0,
    }
    return PowerLawFit(
        **draws,
        budget=data.budget,
        lack_of_fit=test,
        status=those_that_hold(conditions),
    )


def slope(fit: PowerLawFit) -> tuple[float, float, float]:
    """Median, 5 % and 95 % quantile of the slope alpha."""
    low, median, high = np.quantile(fit.alpha, [0.05, 0.5, 0.95])
    return float(median), float(low), float(high)


def predict(
    fit: PowerLawFit,
    budget: ArrayLike,
    *,
    kind: Kind = "curve",
    quantiles: Sequence[float] = (0.05, 0.5, 0.95),
    test_relative_se: float = 0.0,
) -> NDArray[np.float64]:
    """Quantiles of err(N), in the unit of the input.

    Args:
        fit: the fit.
        budget: numbers of labels, [m].
        kind: what the interval is about.
        quantiles: probabilities, [q].
        test_relative_se: relative standard error of the measured errors from the choice of test frames; enters
            `new_test_set` only.

    Returns:
        Errors, [q, m].
    """
    logs = log_error_draws(fit, budget, kind=kind, test_relative_se=test_relative_se)
    return np.asarray(np.exp(np.quantile(logs, list(quantiles), axis=0)))


def log_error_draws(
    fit: PowerLawFit, budget: ArrayLike, *, kind: Kind = "curve", test_relative_se: float = 0.0
) -> NDArray[np.float64]:
    """Draws of log err(N), [S, m]; see `predict`."""
    return log_errors_of_kinds(fit, budget, (kind,), test_relative_se=test_relative_se)[0]


def log_errors_of_kinds(
    fit: PowerLawFit, budget: ArrayLike, kinds: Sequence[Kind], *, test_relative_se: float = 0.0
) -> tuple[NDArray[np.float64], ...]:
    """The same of several kinds, whose draws share their curves, [S, m] each."""
    n = np.atleast_1d(np.asarray(budget, dtype=float))
    curve = log_shape((n / fit.largest_budget)[None, :], fit.alpha[:, None], fit.phi[:, None]) + _bend(fit, n)
    found = []
    for kind in kinds:
        run, shift = _run(fit, kind), fit.log_amplitude + _shift(fit, kind, test_relative_se)
        draws = curve + shift[:, None]
        found.append(draws if kind == "curve" else draws + run[:, None] * _noise_scale(fit, n))
    return tuple(found)


def labels_for_target(
    fit: PowerLawFit, target: float, *, kind: Kind = "curve", test_relative_se: float = 0.0
) -> LabelsNeeded:
    """Draws of N*, the number of labels from which on the error lies below the target.

    Args:
        fit: the fit.
        target: in the unit of the input.
        kind: whose error has to meet the target.
        test_relative_se: relative standard error of the measured errors from the choice of test frames. All runs were
            measured on the same frames, so it shifts a whole curve; it enters whatever the kind.

    Raises:
        InputError: the target is not positive and finite.
    """
    shift = _target_shift(fit, target, kind, test_relative_se)
    farthest = FARTHEST * fit.largest_budget
    grid = np.geomspace(fit.smallest_budget, farthest, _STEPS)
    # Inside, each draw's curve is followed; outside, nothing but the power law changes.
    beside = _bend(fit, grid) + _run(fit, kind)[:, None] * _noise_scale(fit, grid)
    ratio = grid / fit.largest_budget
    above = log_shape(ratio, fit.alpha[:, None], fit.phi[:, None]) + beside - shift[:, None]
    last = _STEPS - 1 - np.argmax(above[:, ::-1] > 0, axis=1)
    needed = np.empty(len(shift))
    never, early = above[:, -1] > 0, ~(above > 0).any(axis=1)
    between = ~never & ~early
    at = last[between]
    rows = np.flatnonzero(between)
    high, low = above[rows, at], above[rows, at + 1]
    step = np.log(grid[1] / grid[0])
    needed[rows] = grid[at] * np.exp(step * high / (high - low))
    for rows, edge in ((np.flatnonzero(never), -1), (np.flatnonzero(early), 0)):
        decay = (np.exp(shift[rows] - beside[rows, edge]) - fit.phi[rows]) / (1 - fit.phi[rows])
        reached = decay > 0
        with np.errstate(over="ignore"):
            far = fit.largest_budget * np.where(reached, decay, 1.0) ** (-1 / fit.alpha[rows])
        needed[rows] = np.where(reached, far, np.inf)
    return LabelsNeeded(np.sort(needed), float(np.mean(np.isinf(needed))))


def probabilities_of_never(
    fit: PowerLawFit, targets: NDArray[np.float64], *, kind: Kind = "new_run", test_relative_se: float = 0.0
) -> NDArray[np.float64]:
    """The same as `labels_for_target(...).p_never` for several targets, [T], without looking for numbers of labels.

    Raises:
        InputError: a target is not positive and finite.
    """
    shift = np.stack([_target_shift(fit, float(target), kind, test_relative_se) for target in targets], axis=1)
    farthest = np.array([FARTHEST * fit.largest_budget])
    beside = _bend(fit, farthest) + _run(fit, kind)[:, None] * _noise_scale(fit, farthest)
    shape = log_shape(farthest[None, :] / fit.largest_budget, fit.alpha[:, None], fit.phi[:, None])
    decay = (np.exp(shift - beside) - fit.phi[:, None]) / (1 - fit.phi[:, None])
    return np.asarray(np.mean((shape + beside - shift > 0) & (decay <= 0), axis=0))


def _target_shift(fit: PowerLawFit, target: float, kind: Kind, test_relative_se: float) -> NDArray[np.float64]:
    """Log of the target over the error at the largest budget, with what a test set of its own shifts, [S].

    Raises:
        InputError: the target is not positive and finite.
    """
    if not (np.isfinite(target) and target > 0):
        raise InputError(f"a target error must be positive, found {target:g}: give the error that is still acceptable")
    return np.asarray(np.log(target) - fit.log_amplitude - _shift(fit, kind) - test_relative_se * fit.normals[2])


def _run(fit: PowerLawFit, kind: Kind) -> NDArray[np.float64]:
    """Log error of one data draw or one run at the largest budget minus that of its curve, [S]."""
    data_draw = fit.tau * fit.normals[0]
    run = data_draw + np.hypot(fit.sigma, fit.omega) * fit.normals[1]
    terms = {"curve": 0 * data_draw, "new_data_draw": data_draw, "new_run": run, "new_test_set": run}
    if kind not in terms:
        raise InputError(f"an interval is for one of {', '.join(terms)}, found {kind!r}")
    return np.asarray(terms[kind])


def _shift(fit: PowerLawFit, kind: Kind, test_relative_se: float = 0.0) -> NDArray[np.float64]:
    """What a test set of its own shifts the log errors by, [S]."""
    return np.asarray((test_relative_se if kind == "new_test_set" else 0.0) * fit.normals[2])


def _noise_scale(fit: PowerLawFit, n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of a run over that at the largest budget, [S, m]; outside the data as at their edge."""
    ratio = np.clip(n, fit.smallest_budget, fit.largest_budget) / fit.largest_budget
    return np.asarray(ratio ** -fit.fall[:, None])


def _bend(fit: PowerLawFit, n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of the curve over its power law, [S, m]: between budgets on straight lines in ln N, below them constant."""
    x = np.log(fit.budget)
    inside = np.clip(np.log(n), x[0], x[-1])
    left = np.clip(np.searchsorted(x, inside, side="right") - 1, 0, len(x) - 2)
    share = (inside - x[left]) / (x[left + 1] - x[left])
    past = fit.bend[:, left] * (1 - share) + fit.bend[:, left + 1] * share
    ahead = bend_ahead(n / fit.largest_budget, FARTHEST)
    return np.asarray(past + fit.kappa[:, None] * fit.normals[3][:, None] * ahead)
