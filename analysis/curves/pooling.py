"""Curves with very many distinct budgets, whose neighbours are pooled before a fit.

A fit sums over some thousand covariances of the budgets, so that its memory grows with the square of their number, and
its time with the cube: 300 budgets took 9 GB. Budgets next to each other tell the same of the curve. Their runs are
shifted along the curve's mean slope to one place between them, which leaves the curvature within a pool: less than a
thousandth of the error where 48 pools cover a factor of 1,000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.curves.replicates import Replicates

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Curves with no more distinct budgets than this are left as they are: no sweep of this package has so many.
MOST_BUDGETS = 48


def pooled(data: Replicates) -> Replicates:
    """The same curve with at most `MOST_BUDGETS` distinct budgets, of which the first and the last are its own."""
    if len(data.budget) <= MOST_BUDGETS:
        return data
    logs = np.log(data.budget)
    slope = _slope(logs, data)
    pool = _pools(logs)
    count = np.bincount(pool, weights=data.count).astype(np.float64)
    place = np.bincount(pool, weights=data.count * logs) / count
    shift = slope * (place[pool] - logs)
    shifted = data.mean_log + shift
    mean = np.asarray(np.bincount(pool, weights=data.count * shifted) / count, dtype=np.float64)
    squares = data.within_ss + data.count * (shifted - mean[pool]) ** 2
    within = np.bincount(pool, weights=squares).astype(np.float64)
    crossed, crossed_sum = (np.zeros((len(count), data.crossed.shape[1])) for _ in range(2))
    if data.crossed.size:
        np.add.at(crossed, pool, data.crossed)
        np.add.at(crossed_sum, pool, data.crossed_sum + shift[:, None] * data.crossed)
    else:
        crossed, crossed_sum = data.crossed, data.crossed_sum
    budget = np.exp(place)
    budget[[0, -1]] = data.budget[[0, -1]]
    return Replicates(budget, count, mean, within, crossed, crossed_sum, data.outlying)


def _slope(logs: NDArray[np.float64], data: Replicates) -> float:
    """Least-squares slope of the log errors."""
    centred = logs - np.average(logs, weights=data.count)
    return float((data.count * centred * data.mean_log).sum() / (data.count * centred**2).sum())


def _pools(logs: NDArray[np.float64]) -> NDArray[np.intp]:
    """The pool of each budget: equal steps of the logarithm, the first and the last budget alone."""
    inner = logs[1:-1]
    edges = np.linspace(inner[0], inner[-1], MOST_BUDGETS - 1)
    steps = np.clip(np.searchsorted(edges, inner, side="right"), 1, MOST_BUDGETS - 2)
    _, pools = np.unique(np.r_[0, steps, MOST_BUDGETS], return_inverse=True)
    return pools.ravel()
