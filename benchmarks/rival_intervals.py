"""Intervals that the fit must beat: profile F and the bootstrap over runs, both of the least-squares power law."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import f as f_distribution

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA = np.geomspace(0.02, 5.0, 160)
PHI = np.concatenate([[0.0], np.geomspace(0.005, 0.995, 60)])
COVERAGE = 0.9
#: Numbers of labels are told up to this multiple of the largest budget; beyond it means "more".
FARTHEST = 100.0


def shapes(ratio: NDArray[np.float64], alpha: NDArray[np.float64], phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log errors relative to the largest budget of every node of the grid, [nodes, k]."""
    a, p = (axis.reshape(-1, 1) for axis in np.meshgrid(alpha, phi, indexing="ij"))
    return np.log((1 - p) * ratio**-a + p)


def labels_at(
    log_error: NDArray[np.float64], alpha: NDArray[np.float64], phi: NDArray[np.float64]
) -> NDArray[np.float64]:
    """N / Nmax at which curves fall to this log error relative to their largest budget; FARTHEST where never."""
    decay = (np.exp(log_error) - phi) / (1 - phi)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.where(decay > 0, np.minimum(np.maximum(decay, 1e-300) ** (-1 / alpha), FARTHEST), FARTHEST)


def profile_f(
    budget: NDArray[np.float64], error: NDArray[np.float64], at: float, target: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Profile-F intervals of err(at) and of N*(target): all curves whose sum of squares stays below the F bound.

    Returns:
        Lower and upper end of err(at), and of N*(target).
    """
    ratio, logs = budget / budget.max(), np.log(error)
    a, p = (axis.ravel() for axis in np.meshgrid(ALPHA, PHI, indexing="ij"))
    h = shapes(ratio, ALPHA, PHI)
    rest = logs - h
    amplitude = rest.mean(axis=1)
    ss = ((rest - amplitude[:, None]) ** 2).sum(axis=1)
    n = len(logs)
    bound = ss.min() * (1 + f_distribution.ppf(COVERAGE, 1, n - 3) / (n - 3))
    kept = ss <= bound
    reach = np.sqrt((bound - ss[kept]) / n)
    ahead = np.log((1 - p[kept]) * (at / budget.max()) ** -a[kept] + p[kept])
    low, high = amplitude[kept] - reach, amplitude[kept] + reach
    few, many = (labels_at(np.log(target) - end, a[kept], p[kept]) for end in (low, high))
    ends = float(np.exp((low + ahead).min())), float(np.exp((high + ahead).max()))
    return ends, (float(few.min() * budget.max()), float(many.max() * budget.max()))


def bootstrap(
    budget: NDArray[np.float64],
    error: NDArray[np.float64],
    at: float,
    target: float,
    *,
    seed: int,
    resamples: int = 200,
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Percentile intervals of the least-squares fit over runs resampled within each budget."""
    rng = np.random.default_rng(seed)
    distinct, group = np.unique(budget, return_inverse=True)
    logs = np.log(error)
    means = np.empty((resamples, len(distinct)))
    for place in range(len(distinct)):
        own = logs[group == place]
        means[:, place] = own[rng.integers(0, len(own), (resamples, len(own)))].mean(axis=1)
    count = np.bincount(group)
    alpha, phi = ALPHA[::2], PHI[::2]
    a, p = (axis.ravel() for axis in np.meshgrid(alpha, phi, indexing="ij"))
    h = shapes(distinct / distinct.max(), alpha, phi)
    share = count / count.sum()
    h_mean = h @ share
    # |means - h|^2 about the best shift, but for what does not depend on the node.
    ss = ((h - h_mean[:, None]) ** 2 @ count)[:, None] - 2 * (h - h_mean[:, None]) * count @ means.T
    best = np.argmin(ss, axis=0)
    amplitude = means @ share - h_mean[best]
    ahead = amplitude + np.log((1 - p[best]) * (at / budget.max()) ** -a[best] + p[best])
    needed = labels_at(np.log(target) - amplitude, a[best], p[best]) * budget.max()
    quantiles = [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]
    low, high = np.exp(np.quantile(ahead, quantiles))
    few, many = np.quantile(needed, quantiles)
    return (float(low), float(high)), (float(few), float(many))
