"""Noise of the errors of one curve, and the sums of squares that a fit of its k budget means needs under it.

The log error of seed j at budget i scatters about the curve by b_i + s_j + e_ij: b_i ~ N(0, lambda sigma^2) is a good
or bad draw that all seeds of a budget share, s_j ~ N(0, eta sigma^2) the luck of a seed, whose label subsets nest, and
e_ij ~ N(0, sigma^2) the rest. With Z and S the incidence matrices of budgets and seeds the covariance is
sigma^2 C, C = I + lambda ZZ' + eta SS'. A curve with the values h [k] at the budgets enters through h' M h, h' v and c
only, M = Z'C^-1 Z, v = Z'C^-1 y, c = y'C^-1 y, which the Woodbury identity gives without any n x n matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.curves.replicates import Replicates


@dataclass(frozen=True, eq=False)
class Quadratic:
    """(y - Zh)' C^-1 (y - Zh) as a function of h, for L covariances at once. y are logs of errors minus `centre`.

    Attributes:
        matrix: M, [L, k, k].
        vector: v, [L, k].
        constant: c, [L].
        log_det: log determinant of C, [L].
        centre: what was subtracted from the logs of the errors.
    """

    matrix: NDArray[np.float64]
    vector: NDArray[np.float64]
    constant: NDArray[np.float64]
    log_det: NDArray[np.float64]
    centre: float

    @property
    def total(self) -> NDArray[np.float64]:
        """Weight of a shift that all errors share, 1'C^-1 1, [L]."""
        return np.asarray(self.matrix.sum(axis=(1, 2)))

    def best_shift(self, at: NDArray[np.intp], h: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """The best shift of each curve h [m, k] under a covariance of its own, and what it leaves, [m] each."""
        matrix, vector = self.matrix[at], self.vector[at]
        pulled = (matrix @ h[..., None])[..., 0]
        total = matrix.sum(axis=(-2, -1))
        shift = (vector.sum(axis=-1) - pulled.sum(axis=-1)) / total
        left = self.constant[at] - 2 * (h * vector).sum(axis=-1) + (h * pulled).sum(axis=-1) - total * shift**2
        return shift, np.maximum(left, 0.0)

    def left_over(self, h: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the best shift leaves of the sum of squares, for many curves [m, k] under all covariances: [m, L]."""
        total, rows = self.total[:, None], self.matrix.sum(axis=2)
        matrix = self.matrix - rows[:, :, None] * rows[:, None, :] / total[:, :, None]
        summed = self.vector.sum(axis=1, keepdims=True)
        vector, constant = self.vector - rows * summed / total, self.constant - (summed**2 / total)[:, 0]
        # A quadratic form is linear in the products of its variables: one matrix product serves all.
        one, other = np.triu_indices(h.shape[1])
        twice = np.where(one == other, 1.0, 2.0)
        products = np.concatenate([h[:, one] * h[:, other], h], axis=1)
        weights = np.concatenate([matrix[:, one, other] * twice, -2 * vector], axis=1)
        return np.asarray(np.maximum(products @ weights.T + constant, 0.0))


def quadratic(data: Replicates, budget_ratio: NDArray[np.float64], seed_ratio: NDArray[np.float64]) -> Quadratic:
    """Sums of squares under budget and seed effects.

    Args:
        data: errors of one curve; without known seeds the seed effect is left out.
        budget_ratio: lambda = variance of the budget effect over sigma^2, [L].
        seed_ratio: eta = variance of the seed effect over sigma^2, [L].
    """
    count, n = data.count, len(data.budget)
    crossed = data.crossed if data.crossed.size else np.empty((n, 0))
    centre = float(np.average(data.mean_log, weights=count))
    of_seed = crossed.sum(axis=0)
    budget_sum, seed_sum = count * (data.mean_log - centre), data.seed_sum - centre * of_seed
    total = data.within_ss + float(count @ (data.mean_log - centre) ** 2)
    # First the seeds alone, whose blocks have inverses in closed form: (I + eta SS')^-1 = I - S diag(share) S'.
    share = seed_ratio[:, None] / (1 + seed_ratio[:, None] * of_seed)
    matrix = np.diag(count) - (crossed * share[:, None, :]) @ crossed.T
    vector = budget_sum - (share * seed_sum) @ crossed.T
    constant = total - share @ seed_sum**2
    # Then the budgets, which is a matter of k x k matrices.
    ratio = budget_ratio[:, None, None]
    widened = np.eye(n) + ratio * matrix
    solved = np.linalg.solve(widened, np.concatenate([matrix, vector[:, :, None]], axis=2))
    log_det = np.log1p(seed_ratio[:, None] * of_seed).sum(axis=1) + np.linalg.slogdet(widened)[1]
    constant = constant - budget_ratio * (vector * solved[:, :, n]).sum(axis=1)
    return Quadratic(solved[:, :, :n], solved[:, :, n], constant, log_det, centre)


@dataclass(frozen=True, eq=False)
class Contrasts:
    """What is left of the errors when the luck of each seed, and with it any common shift, is taken out.

    Attributes:
        root: square root R of the weights of the budgets' means, [r, k]: a curve h misses them by |R (h - mean)|^2.
        mean: the best means of the budgets, up to a shift, [k].
        noise_ss: sum of squares that even these means leave.
        noise_df: its degrees of freedom.
    """

    root: NDArray[np.float64]
    mean: NDArray[np.float64]
    noise_ss: float
    noise_df: int


def contrasts(data: Replicates, *, paired: bool = True) -> Contrasts:
    """Take a common shift out of the errors and, where most seeds were run at most budgets, the luck of each seed.

    Args:
        data: errors of one curve.
        paired: False takes out the common shift alone.
    """
    centre = float(np.average(data.mean_log, weights=data.count))
    once = data.count[:, None], np.array([data.count @ data.mean_log])
    choices = [(data.crossed, data.seed_sum)] if paired and data.crossed.size else []
    for crossed, seed_sum in [*choices, once]:  # noqa: B007
        of_seed = crossed.sum(axis=0)
        matrix = np.diag(data.count) - crossed / of_seed @ crossed.T
        values, vectors = np.linalg.eigh(matrix)
        kept = values > 1e-9 * values.max(initial=1.0)
        noise_df = data.n_errors - len(of_seed) - int(kept.sum())
        # Seeds that are hardly shared by budgets would take the budgets' means with them.
        if int(kept.sum()) == len(data.budget) - 1 and (len(of_seed) == 1 or 2 * noise_df >= data.within_df > 0):
            break
    sums = seed_sum - centre * of_seed
    vector = data.count * (data.mean_log - centre) - crossed @ (sums / of_seed)
    mean = vectors[:, kept] @ ((vectors[:, kept].T @ vector) / values[kept])
    total = data.within_ss + float(data.count @ (data.mean_log - centre) ** 2) - float((sums**2 / of_seed).sum())
    root = np.sqrt(values[kept])[:, None] * vectors[:, kept].T
    return Contrasts(root, mean, max(total - float(vector @ mean), 0.0), noise_df)
