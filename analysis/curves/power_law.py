"""Power-law fit of one learning curve: the exact posterior on a grid, no optimiser and no Markov chain.

Model, in logs, for seed j at budget i:
    log err_ij = a + log[(1-phi) (N_i/Nmax)^-alpha + phi] + b_i + s_j + e_ij
b_i ~ N(0, tau^2) is shared by the seeds of a budget, s_j ~ N(0, omega^2) by the budgets of a seed (its label subsets
nest), e_ij ~ N(0, sigma^2). The prior of a is flat (so errors may be in any unit), alpha ~ LogNormal(ln .5, .8), phi is
exactly 0 with probability .35 and else uniform on (0, 1) (a spike-and-slab floor), sigma^2 ~ InvGamma(1, .01), and
tau^2 = lambda sigma^2, omega^2 = eta sigma^2 with lambda and eta from short lists. a and sigma^2 are integrated in
closed form; alpha, phi, lambda and eta are summed on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import gammaincinv, ndtri

from analysis.caveats import Caveat, those_that_hold
from analysis.curves.lack_of_fit import LackOfFit, lack_of_fit, with_cause
from analysis.curves.noise import quadratic
from analysis.curves.power_law_shape import ALPHA_MAX, ALPHA_MIN, log_shape
from analysis.curves.replicates import Replicates, published_replicates, replicates, require_budgets
from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from analysis.curves.noise import Quadratic

#: What an interval is about: the curve itself; one more draw of data that its seeds share (+ tau); one more run, with a
#: seed of its own (+ tau + omega + sigma); one more run measured on another test set (+ that set's own error).
Kind = Literal["curve", "new_data_draw", "new_run", "new_test_set"]

N_DRAWS = 1500
NOISE_SHAPE, NOISE_SCALE = 1.0, 0.01
ALPHA_CENTRE, ALPHA_SPREAD = 0.5, 0.8
_LOG_ALPHA = np.linspace(np.log(ALPHA_MIN), np.log(ALPHA_MAX), 200)
_N_SLAB = 49
_PHI = np.concatenate([[0.0], (np.arange(_N_SLAB) + 0.5) / _N_SLAB])
#: Measured: equal odds of a floor miss the truth above the band in 10 % where the floor is half of the error.
_NO_FLOOR = 0.35
_PHI_WEIGHT = np.concatenate([[_NO_FLOOR], np.full(_N_SLAB, (1 - _NO_FLOOR) / _N_SLAB)])
#: Decreasing weights of lambda; measured: 1/(1 + lambda) covers a shared budget effect less often, equal weights widen
#: every band.
_BUDGET_RATIO = np.array([0.0, 0.1, 0.3, 0.6, 1.0, 2.0, 4.0, 10.0])
#: The luck of a seed that all its runs share was up to twice the rest in sweeps of this package; more is allowed for.
_SEED_RATIO = np.array([0.0, 0.3, 1.0, 3.0, 10.0])
_LAMBDA, _ETA = (grid.ravel() for grid in np.meshgrid(_BUDGET_RATIO, _SEED_RATIO, indexing="ij"))
_NOISE_WEIGHT = (1 + _LAMBDA) ** -0.5 * (1 + _ETA) ** -0.5
#: A misfit is put down to budget effects up to this variance ratio; larger ones widen bands, but excuse no bend.
_MOST_BLAMED = 4.0
#: Posterior probability of a floor above which the fit says so (prior: .65), and of the edge of the slopes considered.
_FLOOR_SURE, _EDGE_MASS = 0.9, 0.05


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
        normals: standard normal numbers for a new data draw, a new run and a new test set, [3, S]. They belong to the
            draws, so that every draw is one monotonic curve and N* and err(N) are inverse to each other.
        smallest_budget: smallest and
        largest_budget: largest number of labels in the data.
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
    normals: NDArray[np.float64]
    smallest_budget: float
    largest_budget: float
    lack_of_fit: LackOfFit
    status: tuple[Caveat, ...]

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
        return float(np.searchsorted(self.draws, n, side="right")) / len(self.draws)

    def quantile(self, probability: float) -> float:
        """Smallest number of labels (not rounded) that meets the target with this probability; may be infinite."""
        return float(self.draws[max(int(np.ceil(probability * len(self.draws) - 1e-9)) - 1, 0)])


def fit_power_law(
    budget: ArrayLike, error: ArrayLike, *, run_seed: ArrayLike | None = None, seed: int = 0
) -> PowerLawFit:
    """Fit one curve to the errors of single runs.

    Args:
        budget: accurate labels bought, one per error, [n].
        error: errors of single runs in any unit, [n]; several seeds at the same budget are expected.
        run_seed: seed of each run, [n], where runs of one seed share (nested) labels across budgets; None: all runs are
            independent.
        seed: of the posterior draws; the posterior itself is not random.

    Raises:
        InputError: fewer than four distinct budgets, or a budget or error that is not positive and finite.
    """
    return fit_replicates(replicates(budget, error, run_seed), seed=seed)


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
    return fit_replicates(published_replicates(budget, mean, sd, n_runs), seed=seed)


def fit_replicates(data: Replicates, *, seed: int = 0) -> PowerLawFit:
    """Fit one curve to its summary.

    Raises:
        InputError: fewer than four distinct budgets.
    """
    require_budgets(data)
    ratios = (_LAMBDA, _ETA) if data.crossed.size else (_BUDGET_RATIO, 0 * _BUDGET_RATIO)
    noise = quadratic(data, *ratios)
    posterior, edge_mass = _grid_posterior(data, noise)
    draws = _draw(data, noise, ratios, posterior, seed)
    test = with_cause(
        lack_of_fit(data), data, float(np.mean(np.minimum((draws["tau"] / draws["sigma"]) ** 2, _MOST_BLAMED)))
    )
    conditions = {
        Caveat.ONE_SEED: test.p is None,
        Caveat.LACK_OF_FIT: test.rejected,
        **({test.cause: True} if test.cause is not None else {}),
        Caveat.FEW_BUDGETS: len(data.budget) < 6,
        Caveat.FLOOR: float(np.mean(draws["phi"] > 0)) >= _FLOOR_SURE,
        Caveat.BOUND_HIT: edge_mass >= _EDGE_MASS,
    }
    return PowerLawFit(
        **draws,
        smallest_budget=float(data.budget[0]),
        largest_budget=float(data.budget[-1]),
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
    ratio = np.atleast_1d(np.asarray(budget, dtype=float)) / fit.largest_budget
    curve = log_shape(ratio[None, :], fit.alpha[:, None], fit.phi[:, None])
    return np.asarray(curve + (fit.log_amplitude + _noise(fit, kind, test_relative_se))[:, None])


def labels_for_target(
    fit: PowerLawFit, target: float, *, kind: Kind = "curve", test_relative_se: float = 0.0
) -> LabelsNeeded:
    """Draws of N*, the number of labels at which the error falls to the target.

    Args:
        fit: the fit.
        target: in the unit of the input.
        kind: whose error has to meet the target.
        test_relative_se: relative standard error of the measured errors from the choice of test frames. All runs were
            measured on the same frames, so it shifts a whole curve; it enters whatever the kind.

    Raises:
        InputError: the target is not positive and finite.
    """
    if not (np.isfinite(target) and target > 0):
        raise InputError(f"a target error must be positive, found {target:g}: give the error that is still acceptable")
    excess = np.log(target) - fit.log_amplitude - _noise(fit, kind) - test_relative_se * fit.normals[2]
    decay = (np.exp(excess) - fit.phi) / (1 - fit.phi)
    reached = decay > 0
    with np.errstate(over="ignore"):
        needed = fit.largest_budget * np.where(reached, decay, 1.0) ** (-1 / fit.alpha)
    draws = np.sort(np.where(reached, needed, np.inf))
    return LabelsNeeded(draws, float(np.mean(~reached)))


def strata(rng: np.random.Generator) -> NDArray[np.float64]:
    """Uniform numbers, one in each of S equal strata, in random order [S]: their quantiles settle faster."""
    return np.asarray((rng.permutation(N_DRAWS) + rng.random(N_DRAWS)) / N_DRAWS)


def _noise(fit: PowerLawFit, kind: Kind, test_relative_se: float = 0.0) -> NDArray[np.float64]:
    """Log error of one data draw or one run minus that of its curve, [S]."""
    data_draw = fit.tau * fit.normals[0]
    run = data_draw + np.hypot(fit.sigma, fit.omega) * fit.normals[1]
    terms = {"curve": 0 * data_draw, "new_data_draw": data_draw, "new_run": run}
    terms["new_test_set"] = run + test_relative_se * fit.normals[2]
    if kind not in terms:
        raise InputError(f"an interval is for one of {', '.join(terms)}, found {kind!r}")
    return np.asarray(terms[kind])


def _grid_posterior(data: Replicates, noise: Quadratic) -> tuple[NDArray[np.float64], float]:
    """Posterior probabilities [alphas, phis, noises], and the mass in the outermost slopes on either side."""
    shape = log_shape(data.ratio, np.exp(_LOG_ALPHA)[:, None, None], _PHI[:, None])
    weight = _NOISE_WEIGHT if data.crossed.size else _NOISE_WEIGHT[_ETA == 0]
    left = noise.left_over(shape.reshape(-1, len(data.budget))).reshape(*shape.shape[:2], -1)
    log_posterior = (
        -0.5 * (noise.log_det + np.log(noise.total))
        - (NOISE_SHAPE + (data.n_errors - 1) / 2) * np.log(NOISE_SCALE + left / 2)
        + (-0.5 * ((_LOG_ALPHA - np.log(ALPHA_CENTRE)) / ALPHA_SPREAD) ** 2)[:, None, None]
        + np.log(_PHI_WEIGHT)[:, None]
        + np.log(weight)
    )
    posterior = np.exp(log_posterior - log_posterior.max())
    posterior /= posterior.sum()
    return posterior, float(posterior[[0, 1, -2, -1]].sum())


def _draw(
    data: Replicates,
    noise: Quadratic,
    ratios: tuple[NDArray[np.float64], NDArray[np.float64]],
    posterior: NDArray[np.float64],
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """Draws of alpha, phi, log amplitude, sigma, tau, omega [S], and the unit normals [3, S]."""
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(posterior.ravel())
    cell = np.minimum(np.searchsorted(cumulative, strata(rng) * cumulative[-1]), posterior.size - 1)
    at_alpha, at_phi, at_noise = np.unravel_index(cell, posterior.shape)
    # Uniform within the cell: a sharp posterior is narrower than the grid is fine.
    alpha = np.exp(_LOG_ALPHA[at_alpha] + (rng.random(N_DRAWS) - 0.5) * (_LOG_ALPHA[1] - _LOG_ALPHA[0]))
    phi = np.where(at_phi > 0, _PHI[at_phi] + (rng.random(N_DRAWS) - 0.5) / _N_SLAB, 0.0)
    shift, left = noise.best_shift(at_noise, log_shape(data.ratio, alpha[:, None], phi[:, None]))
    sigma = np.sqrt((NOISE_SCALE + left / 2) / gammaincinv(NOISE_SHAPE + (data.n_errors - 1) / 2, strata(rng)))
    return {
        "alpha": alpha,
        "phi": phi,
        "log_amplitude": noise.centre + shift + sigma / np.sqrt(noise.total[at_noise]) * ndtri(strata(rng)),
        "sigma": sigma,
        "tau": sigma * np.sqrt(ratios[0][at_noise]),
        "omega": sigma * np.sqrt(ratios[1][at_noise]),
        "normals": ndtri(np.stack([strata(rng), strata(rng), strata(rng)])),
    }
