"""The exact posterior of one power law on a grid: probabilities of its nodes, and draws from them.

The shift and sigma^2 are integrated in closed form; alpha, phi and the ratios of `noise.Ratios` are summed on a grid,
of which only the part that the data leave possible is looked at closely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincinv, ndtri

from analysis.curves.bend import BEND, BEND_WEIGHT, BEND_WEIGHT_OF_MEANS, bend_covariance
from analysis.curves.noise import Ratios, quadratic
from analysis.curves.noise_law import FALL, FALL_WEIGHT, TYPICAL_VARIANCE, noise_scale, scatter_of_summary
from analysis.curves.power_law_shape import ALPHA_MAX, ALPHA_MIN, log_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.curves.noise import Quadratic
    from analysis.curves.replicates import Replicates

N_DRAWS = 1500
ALPHA_CENTRE, ALPHA_SPREAD = 0.5, 0.8
_LOG_ALPHA = np.linspace(np.log(ALPHA_MIN), np.log(ALPHA_MAX), 200)
_N_SLAB = 49
_PHI = np.concatenate([[0.0], (np.arange(_N_SLAB) + 0.5) / _N_SLAB])
#: Measured: equal odds of a floor miss the truth above the band in 10 % where the floor is half of the error.
_NO_FLOOR = 0.35
_PHI_WEIGHT = np.concatenate([[_NO_FLOOR], np.full(_N_SLAB, (1 - _NO_FLOOR) / _N_SLAB)])
_NODE_ALPHA, _NODE_PHI = (grid.ravel() for grid in np.meshgrid(_LOG_ALPHA, np.arange(_N_SLAB + 1), indexing="ij"))
_NODE_LOG_PRIOR = np.log(_PHI_WEIGHT)[_NODE_PHI] - 0.5 * ((_NODE_ALPHA - np.log(ALPHA_CENTRE)) / ALPHA_SPREAD) ** 2
#: Variance ratios of the budget effect, of weights (1 + lambda)^-1/2; measured: 1/(1 + lambda) covers a shared budget
#: effect less often, equal weights widen every band.
_BUDGET_RATIO = np.array([0.0, 0.1, 0.3, 1.0, 3.0, 10.0])
#: What all runs of a seed share was up to twice the rest in sweeps of this package; more is allowed for.
_SEED_RATIO = np.array([0.0, 1.0, 4.0, 16.0])
#: Variance of published means where their table does not tell it: measured on public curves.
_VARIANCE_OF_MEANS = 0.001
#: Shape of the InvGamma prior of sigma^2.
NOISE_SHAPE = 1.0
#: Ratios of the budget effect that tell roughly where the posterior lies, and how far below its best is nowhere.
_ROUGH_RATIO = _BUDGET_RATIO[[1, 4]]
_NEGLIGIBLE = 12.0


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of the noise and the bends of a curve before its runs are looked at.

    Attributes:
        fall_weight: probabilities of the exponents `noise_law.FALL`, [Q].
        variance: of a run where the runs themselves do not tell it.
        bend_weight: probabilities of the strengths `bend.BEND`, [B].
    """

    fall_weight: NDArray[np.float64]
    variance: float
    bend_weight: NDArray[np.float64]


def prior_of_runs(fall_weight: NDArray[np.float64] | None = None) -> Prior:
    """The prior of a curve of single runs; fall_weight: what other curves of the sweep say of the fall of the noise."""
    return Prior(FALL_WEIGHT if fall_weight is None else fall_weight, TYPICAL_VARIANCE, BEND_WEIGHT)


def prior_of_means(fall_weight: NDArray[np.float64] | None = None) -> Prior:
    """The prior of a curve of published means, which scatter less than single runs do."""
    fall = FALL_WEIGHT if fall_weight is None else fall_weight
    return Prior(fall, _VARIANCE_OF_MEANS, BEND_WEIGHT_OF_MEANS)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Probabilities of nodes of the grid and of ratios.

    Attributes:
        nodes: which nodes (pairs of alpha and phi) are kept, [m].
        ratios: the ratios considered.
        noise: their sums of squares.
        weight: probabilities, [m, L].
        scale: of the InvGamma prior of sigma^2.
        fall: exponent of the noise as scatter within budgets and the other curves tell it.
    """

    nodes: NDArray[np.intp]
    ratios: Ratios
    noise: Quadratic
    weight: NDArray[np.float64]
    scale: float
    fall: float

    @property
    def edge_mass(self) -> float:
        """Probability of the outermost slopes on either side."""
        outer = np.abs(_NODE_ALPHA - _LOG_ALPHA.mean()) > (1 - 3 / len(_LOG_ALPHA)) * np.ptp(_LOG_ALPHA) / 2
        return float(self.weight[outer[self.nodes]].sum())


def posterior(data: Replicates, prior: Prior) -> Posterior:
    """The posterior of a power law."""
    scatter = scatter_of_summary(data.budget, data.count, data.within_ss, prior.variance)
    fall = scatter.posterior(prior.fall_weight)
    variance = float(np.exp(fall @ np.log(scatter.variance)))
    # An exponent that scatter and the other curves exclude need not be tried.
    tried = np.flatnonzero(fall > 0.01 * fall.max())
    seeds = _SEED_RATIO if data.crossed.size else _SEED_RATIO[:1]
    at = [grid.ravel() for grid in np.meshgrid(_BUDGET_RATIO, seeds, FALL[tried], BEND, indexing="ij")]
    ratios = Ratios(at[0], at[1], at[2], at[3] ** 2 / variance, bend_covariance(data.ratio))
    log_prior = (
        -0.5 * np.log1p(ratios.budget)
        - 0.25 * np.log1p(ratios.seed)
        + np.log(prior.fall_weight[np.searchsorted(FALL, at[2])])
        + np.log(prior.bend_weight[np.searchsorted(BEND, at[3])])
    )
    noise = quadratic(data, ratios)
    log_prior = log_prior - 0.5 * (noise.log_det + np.log(noise.total))
    power = NOISE_SHAPE + (data.n_errors - 1) / 2

    def log_posterior(nodes: NDArray[np.intp], some: NDArray[np.intp]) -> NDArray[np.float64]:
        left = noise.left_over(_shape(data, nodes), some)
        left *= 0.5
        left += variance
        np.log(left, out=left)
        left *= -power
        left += log_prior[some]
        left += _NODE_LOG_PRIOR[nodes, None]
        return left

    # A few ratios, of wide posteriors among them, tell which nodes are possible at all.
    everywhere = np.arange(len(_NODE_ALPHA))
    rough = log_posterior(everywhere, np.flatnonzero(np.isin(ratios.budget, _ROUGH_RATIO) & (ratios.seed == 0)))
    best = rough.max(axis=1)
    nodes = np.flatnonzero(best > best.max() - _NEGLIGIBLE)
    found = log_posterior(nodes, np.arange(len(log_prior)))
    weight = np.exp(found - found.max())
    return Posterior(nodes, ratios, noise, weight / weight.sum(), variance, float(fall @ FALL))


def draw(found: Posterior, data: Replicates, seed: int) -> dict[str, NDArray[np.float64]]:
    """Draws of the posterior.

    Returns:
        alpha, phi, log amplitude, sigma, tau and omega at the largest budget, fall, kappa, bends at the budgets [S, k],
        and unit normals for a data draw, a run, a test set and the curve ahead [4, S]; [S] each otherwise.
    """
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(found.weight.ravel())
    cell = np.minimum(np.searchsorted(cumulative, strata(rng) * cumulative[-1]), found.weight.size - 1)
    at_node, at = np.unravel_index(cell, found.weight.shape)
    node = found.nodes[at_node]
    # Uniform within the cell: a sharp posterior is narrower than the grid is fine.
    alpha = np.exp(_NODE_ALPHA[node] + (rng.random(N_DRAWS) - 0.5) * (_LOG_ALPHA[1] - _LOG_ALPHA[0]))
    at_phi = _NODE_PHI[node]
    phi = np.where(at_phi > 0, _PHI[at_phi] + (rng.random(N_DRAWS) - 0.5) / _N_SLAB, 0.0)
    shape = log_shape(data.ratio, alpha[:, None], phi[:, None])
    noise, ratios = found.noise, found.ratios
    shift, left = noise.best_shift(at, shape)
    sigma = np.sqrt((found.scale + left / 2) / gammaincinv(NOISE_SHAPE + (data.n_errors - 1) / 2, strata(rng)))
    shift = shift + sigma / np.sqrt(noise.total[at]) * ndtri(strata(rng))
    bend = noise.bend_of(at, shape + shift[:, None])
    root = _roots(noise.bend_gain)[at]
    bend = bend + sigma[:, None] * (root @ rng.normal(size=(*shape.shape, 1)))[..., 0]
    at_largest = sigma * noise_scale(data.budget, data.count, ratios.fall)[at, -1]
    return {
        "alpha": alpha,
        "phi": phi,
        "log_amplitude": noise.centre + shift,
        "sigma": at_largest,
        "tau": at_largest * np.sqrt(ratios.budget[at]),
        "omega": at_largest * np.sqrt(ratios.seed[at]),
        "fall": ratios.fall[at],
        "kappa": sigma * np.sqrt(ratios.bend[at]),
        "bend": bend,
        "normals": ndtri(np.stack([strata(rng) for _ in range(4)])),
    }


def strata(rng: np.random.Generator) -> NDArray[np.float64]:
    """Uniform numbers, one in each of S equal strata, in random order [S]: their quantiles settle faster."""
    return np.asarray((rng.permutation(N_DRAWS) + rng.random(N_DRAWS)) / N_DRAWS)


def _shape(data: Replicates, nodes: NDArray[np.intp]) -> NDArray[np.float64]:
    return log_shape(data.ratio, np.exp(_NODE_ALPHA[nodes])[:, None], _PHI[_NODE_PHI[nodes], None])


def _roots(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square roots of covariances that may be singular, [L, k, k]."""
    values, vectors = np.linalg.eigh((covariance + covariance.transpose(0, 2, 1)) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :])
