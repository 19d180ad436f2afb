"""Noise of the errors of one curve, and the sums of squares that a fit of its k budget means needs under it.

The log error of seed j at budget i scatters about the power law by d_i + g_i (b_i + s_j + e_ij). e_ij ~ N(0, sigma^2)
is a run's own, b_i ~ N(0, lambda sigma^2) a good or bad draw of labels that all seeds of a budget share, s_j ~ N(0, eta
sigma^2) what all runs of a seed share, whose label subsets nest; g_i = (N_i/N_mid)^-q lets all of it fall with the
number of labels (`noise_law`); d ~ N(0, rho sigma^2 K) is how far the true curve bends away from a power law (`bend`).
Divided by g_i, the covariance is sigma^2 C, C = I + ZRZ' + eta SS' with the incidence matrices Z and S of budgets and
seeds and R = lambda I + rho K_ij/(g_i g_j). A curve with the values h [k] at the budgets enters through h' M h, h' v
and c only, which the Woodbury identity gives without any n x n matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.curves.noise_law import noise_scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from analysis.curves.replicates import Replicates

#: Sums of squares that are computed together: as many as a processor's cache holds.
_CELLS = 2**15


@dataclass(frozen=True, eq=False)
class Ratios:
    """L covariances at once; see the head of this module for the symbols.

    Attributes:
        budget: lambda, variance of the budget effect over sigma^2, [L].
        seed: eta, that of the seed effect, [L].
        fall: q, [L].
        bend: rho, [L].
        shape: K, covariance of a bend of unit strength at the budgets, [k, k].
    """

    budget: NDArray[np.float64]
    seed: NDArray[np.float64]
    fall: NDArray[np.float64]
    bend: NDArray[np.float64]
    shape: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Quadratic:
    """(y - Zh)' (GCG)^-1 (y - Zh) as a function of h, for L covariances at once. y are logs of errors minus `centre`.

    Attributes:
        matrix: M, [L, k, k].
        vector: v, [L, k].
        constant: c, [L].
        log_det: log determinant of GCG, [L].
        centre: what was subtracted from the logs of the errors.
        bend_gain: pulls the residuals of the budgets to the bend that they tell, d = gain (v0 - M0 h), and is at the
            same time the posterior covariance of the bend over sigma^2, [L, k, k].
        plain_matrix: M0 and
        plain_vector: v0, the same as M and v without a bend, [L, k, k] and [L, k].
    """

    matrix: NDArray[np.float64]
    vector: NDArray[np.float64]
    constant: NDArray[np.float64]
    log_det: NDArray[np.float64]
    centre: float
    bend_gain: NDArray[np.float64]
    plain_matrix: NDArray[np.float64]
    plain_vector: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """Weight of a shift that all errors share, [L]."""
        return np.asarray(self.matrix.sum(axis=(1, 2)))

    def best_shift(self, at: NDArray[np.intp], h: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """The best shift of each curve h [m, k] under a covariance of its own, and what it leaves, [m] each."""
        matrix, vector = self.matrix[at], self.vector[at]
        pulled = (matrix @ h[..., None])[..., 0]
        total = matrix.sum(axis=(-2, -1))
        shift = (vector.sum(axis=-1) - pulled.sum(axis=-1)) / total
        left = self.constant[at] - 2 * (h * vector).sum(axis=-1) + (h * pulled).sum(axis=-1) - total * shift**2
        return shift, np.maximum(left, 0.0)

    def left_over(self, h: NDArray[np.float64], at: NDArray[np.intp]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """What the best shift leaves of the sum of squares, for many curves [m, k] under covariances [l].

        Yields:
            which covariances, and their sums, [b, m]: in memory that the next ones take.
        """
        total, rows = self.total[at, None], self.matrix[at].sum(axis=2)
        matrix = self.matrix[at] - rows[:, :, None] * rows[:, None, :] / total[:, :, None]
        summed = self.vector[at].sum(axis=1, keepdims=True)
        vector, constant = self.vector[at] - rows * summed / total, self.constant[at, None] - summed**2 / total
        # A quadratic form is linear in the products of its variables: one matrix product serves all.
        one, other = np.triu_indices(h.shape[1])
        twice = np.where(one == other, 1.0, 2.0)
        across = np.ascontiguousarray(h.T)
        products = np.concatenate([across[one] * across[other], across])
        weights = np.concatenate([matrix[:, one, other] * twice, -2 * vector], axis=1)
        step = max(1, _CELLS // len(h))
        memory = np.empty((min(step, len(at)), len(h)))
        for start in range(0, len(at), step):
            block = slice(start, min(start + step, len(at)))
            left = np.matmul(weights[block], products, out=memory[: block.stop - start])
            left += constant[block]
            yield block, np.maximum(left, 0.0, out=left)

    def bend_of(self, at: NDArray[np.intp], curve: NDArray[np.float64]) -> NDArray[np.float64]:
        """Posterior means of the bend at the budgets, given curves [m, k] (shift included, centre not): [m, k]."""
        rest = self.plain_vector[at] - (self.plain_matrix[at] @ curve[..., None])[..., 0]
        return np.asarray((self.bend_gain[at] @ rest[..., None])[..., 0])


def quadratic(data: Replicates, ratios: Ratios) -> Quadratic:
    """Sums of squares under the noise and the bends of `ratios`; without known seeds a seed effect is left out."""
    count, n = data.count, len(data.budget)
    centre = float(np.average(data.mean_log, weights=count))
    scale = noise_scale(data.budget, count, ratios.fall)
    known = data.crossed.size > 0
    crossed = data.crossed if known else np.zeros((n, 1))
    of_seed = crossed.sum(axis=0)
    # The same sums of the errors divided by their scale, for every covariance.
    seed_sum = (1 / scale) @ (data.crossed_sum - centre * crossed) if known else np.zeros((len(scale), 1))
    budget_sum = count * (data.mean_log - centre) / scale
    total = ((data.within_ss + count * (data.mean_log - centre) ** 2) / scale**2).sum(axis=1)
    # First the seeds alone, whose blocks have inverses in closed form: (I + eta SS')^-1 = I - S diag(share) S'.
    share = ratios.seed[:, None] / (1 + ratios.seed[:, None] * of_seed)
    matrix = np.diag(count) - (crossed * share[:, None, :]) @ crossed.T
    vector = budget_sum - (share * seed_sum) @ crossed.T
    constant = total - (share * seed_sum**2).sum(axis=1)
    log_det = np.log1p(ratios.seed[:, None] * of_seed).sum(axis=1) + 2 * np.log(scale) @ count
    # Then the budgets, a matter of k x k matrices: their effects, and with them the bend.
    inner = ratios.budget[:, None, None] * np.eye(n)
    plain, _ = _widen(matrix, vector, inner)
    bend = ratios.bend[:, None, None] * ratios.shape / (scale[:, :, None] * scale[:, None, :])
    solved, det = _widen(matrix, vector, inner + bend)
    constant = constant - (vector * ((inner + bend) @ solved[:, :, n:])[:, :, 0]).sum(axis=1)
    back = scale[:, :, None] * scale[:, None, :]
    found = solved[:, :, :n] / back, solved[:, :, n] / scale
    plain_matrix, plain_vector = plain[:, :, :n] / back, plain[:, :, n] / scale
    prior = ratios.bend[:, None, None] * ratios.shape
    # rho K (I + M0 rho K)^-1, without the inverse of K, which has none.
    gain = np.asarray(np.linalg.solve(np.eye(n) + prior @ plain_matrix, prior), dtype=float)
    return Quadratic(*found, constant, log_det + det, centre, gain, plain_matrix, plain_vector)


def _widen(
    matrix: NDArray[np.float64], vector: NDArray[np.float64], added: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(M^-1 + R)^-1 [1, M^-1 v] and the log determinant of I + MR, which adds R to a covariance of the budgets."""
    n = matrix.shape[-1]
    widened = np.eye(n) + matrix @ added
    solved = np.linalg.solve(widened, np.concatenate([matrix, vector[:, :, None]], axis=2))
    return solved, np.linalg.slogdet(widened)[1]


@dataclass(frozen=True, eq=False)
class Contrasts:
    """What is left of the errors when the effect of each seed, and with it any common shift, is taken out.

    Attributes:
        root: square root R of the weights of the budgets' means, [r, k]: a curve h misses them by |R (h - mean)|^2.
        mean: the best means of the budgets, up to a shift, [k].
        noise_ss: sum of squares that even these means leave.
        noise_df: its degrees of freedom.
    """

    root: NDArray[np.float64]
    mean: NDArray[np.float64]
    noise_ss: float
    noise_df: float


def contrasts(data: Replicates, *, paired: bool = True, fall: float = 0.0) -> Contrasts:
    """Take a common shift out of the errors and, where most seeds were run at most budgets, the effect of each seed.

    Args:
        data: errors of one curve.
        paired: False takes out the common shift alone.
        fall: exponent q of the noise: runs are weighed by 1/g^2, so that sums of squares are those of a run at the
            geometric mean of the budgets. What a seed gains or loses counts as the same at all budgets here.
    """
    precision = noise_scale(data.budget, data.count, np.array([fall]))[0] ** -2
    count = data.count * precision
    centre = float(np.average(data.mean_log, weights=count))
    once = count[:, None], np.array([count @ (data.mean_log - centre)])
    choices = [once]
    if paired and data.crossed.size:
        choices.insert(0, (data.crossed * precision[:, None], precision @ (data.crossed_sum - centre * data.crossed)))
    for crossed, seed_sum in choices:
        of_seed = crossed.sum(axis=0)
        matrix = np.diag(count) - crossed / of_seed @ crossed.T
        values, vectors = np.linalg.eigh(matrix)
        kept = values > 1e-9 * values.max(initial=1.0)
        noise_df = data.n_errors - len(of_seed) - int(kept.sum())
        vector = count * (data.mean_log - centre) - crossed @ (seed_sum / of_seed)
        seeds_ss = float((seed_sum**2 / of_seed).sum())
        # Seeds that are hardly shared by budgets would take the budgets' means with them.
        if int(kept.sum()) == len(data.budget) - 1 and (len(of_seed) == 1 or 2 * noise_df >= data.within_df > 0):
            break
    mean = vectors[:, kept] @ ((vectors[:, kept].T @ vector) / values[kept])
    total = float(data.within_ss @ precision) + float(count @ (data.mean_log - centre) ** 2) - seeds_ss
    root = np.sqrt(values[kept])[:, None] * vectors[:, kept].T
    return Contrasts(root, mean, max(total - float(vector @ mean), 0.0), noise_df)
