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
    from collections.abc import Iterator

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
class Cells:
    """Probabilities of pairs of a node and of ratios; there are a million of them, so they are never all kept.

    Attributes:
        shape: logs of the curves of all nodes over their largest budgets, [N, k].
        noise: sums of squares under every ratio.
        power: that the scale of the posterior of sigma^2 enters with (its shape).
        variance: scale of the InvGamma prior of sigma^2.
        log_prior: of every ratio, with what else of the posterior does not depend on the node, [L].
    """

    shape: NDArray[np.float64]
    noise: Quadratic
    power: float
    variance: float
    log_prior: NDArray[np.float64]

    def scales(self, nodes: NDArray[np.intp], some: NDArray[np.intp]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Scales of the posterior of sigma^2 of nodes [m] under some ratios [l].

        Yields:
            which ratios, and theirs, [b, m]: in memory that the next ones take.
        """
        for block, left in self.noise.left_over(self.shape[nodes], some):
            left *= 0.5
            left += self.variance
            yield block, left

    def log_posterior(self, nodes: NDArray[np.intp], some: NDArray[np.intp]) -> NDArray[np.float64]:
        """Log probabilities, but for a constant, [l, m]."""
        found = np.empty((len(some), len(nodes)))
        for block, scale in self.scales(nodes, some):
            found[block] = self.log_prior[some[block], None] - self.power * np.log(scale)
        return np.asarray(found + _NODE_LOG_PRIOR[nodes])

    def weights(self, nodes: NDArray[np.intp], beside: int) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Probabilities of nodes over that of one of them under its best ratio; yields as `scales`, of all ratios."""
        every, alone = np.arange(len(self.log_prior)), np.array([beside])
        there = np.concatenate([scale.copy() for _, scale in self.scales(alone, every)])
        of_ratio = self.log_posterior(alone, every)
        of_ratio = np.exp(of_ratio - of_ratio.max())
        of_node = np.exp(_NODE_LOG_PRIOR[nodes] - _NODE_LOG_PRIOR[beside])
        for block, scale in self.scales(nodes, every):
            weight = _raised(np.divide(there[block], scale, out=scale), self.power)
            weight *= of_ratio[block]
            weight *= of_node
            yield block, weight


@dataclass(frozen=True, eq=False)
class Posterior:
    """Probabilities of nodes of the grid.

    Attributes:
        nodes: which nodes (pairs of alpha and phi) are kept, [m].
        ratios: the ratios considered.
        cells: of the nodes under these.
        weight: probabilities of the nodes, all ratios together, [m].
        best: a node among the best ones.
        fall: exponent of the noise as scatter within budgets and the other curves tell it.
    """

    nodes: NDArray[np.intp]
    ratios: Ratios
    cells: Cells
    weight: NDArray[np.float64]
    best: int
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
    shape = log_shape(data.ratio, np.exp(_LOG_ALPHA)[:, None, None], _PHI[:, None]).reshape(len(_NODE_ALPHA), -1)
    log_prior = log_prior - 0.5 * (noise.log_det + np.log(noise.total))
    cells = Cells(shape, noise, NOISE_SHAPE + (data.n_errors - 1) / 2, variance, log_prior)
    # A few ratios, of wide posteriors among them, tell which nodes are possible at all.
    few = np.flatnonzero(np.isin(ratios.budget, _ROUGH_RATIO) & (ratios.seed == 0))
    everywhere = np.arange(len(_NODE_ALPHA))
    rough = cells.log_posterior(everywhere, few).max(axis=0)
    nodes, best = np.flatnonzero(rough > rough.max() - _NEGLIGIBLE), int(rough.argmax())
    weight = sum((found.sum(axis=0) for _, found in cells.weights(nodes, best)), np.zeros(len(nodes)))
    return Posterior(nodes, ratios, cells, weight / weight.sum(), best, float(fall @ FALL))


def draw(found: Posterior, data: Replicates, seed: int) -> dict[str, NDArray[np.float64]]:
    """Draws of the posterior.

    Returns:
        alpha, phi, log amplitude, sigma, tau and omega at the largest budget, fall, kappa, bends at the budgets [S, k],
        and unit normals for a data draw, a run, a test set and the curve ahead [4, S]; [S] each otherwise.
    """
    rng = np.random.default_rng(seed)
    at_node, at = _draw_cells(found, rng)
    node = found.nodes[at_node]
    # Uniform within the cell: a sharp posterior is narrower than the grid is fine.
    alpha = np.exp(_NODE_ALPHA[node] + (rng.random(N_DRAWS) - 0.5) * (_LOG_ALPHA[1] - _LOG_ALPHA[0]))
    at_phi = _NODE_PHI[node]
    phi = np.where(at_phi > 0, _PHI[at_phi] + (rng.random(N_DRAWS) - 0.5) / _N_SLAB, 0.0)
    shape = log_shape(data.ratio, alpha[:, None], phi[:, None])
    noise, ratios = found.cells.noise, found.ratios
    shift, left = noise.best_shift(at, shape)
    sigma = np.sqrt((found.cells.variance + left / 2) / gammaincinv(found.cells.power, strata(rng)))
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


def _draw_cells(found: Posterior, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places in `found.nodes` and among the ratios, [S] each, with their probabilities."""
    until = np.cumsum(found.weight)
    wanted = strata(rng) * until[-1]
    rows = np.unique(np.minimum(np.searchsorted(until, wanted), len(until) - 1))
    # Only the nodes that are drawn tell their ratios.
    cells = np.empty((len(rows), len(found.ratios.budget)))
    for block, own in found.cells.weights(found.nodes[rows], found.best):
        cells[:, block] = own.T
    cells = np.cumsum(cells, axis=1)
    cells *= (found.weight[rows] / cells[:, -1])[:, None]
    cells += (until[rows] - found.weight[rows])[:, None]
    place, at = np.unravel_index(np.minimum(np.searchsorted(cells.ravel(), wanted), cells.size - 1), cells.shape)
    return rows[place], at


def _raised(x: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """x^power, which overwrites x; a few products where the power is a multiple of a half, as without failed runs."""
    twice = round(2 * power)
    if twice != 2 * power:
        np.log(x, out=x)
        x *= power
        return np.exp(x, out=x)
    found = np.sqrt(x) if twice % 2 else np.ones_like(x)
    whole = twice // 2
    while whole:
        if whole % 2:
            found *= x
        whole //= 2
        if whole:
            x *= x
    return found


def _roots(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square roots of covariances that may be singular, [L, k, k]."""
    values, vectors = np.linalg.eigh((covariance + covariance.transpose(0, 2, 1)) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :])
