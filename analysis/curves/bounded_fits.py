"""Many nonlinear least-squares fits with bounds at once: Levenberg-Marquardt steps, projected onto the bounds.

A parameter at its bound stays there while the gradient pushes it outwards (C. T. Kelley, Iterative Methods for
Optimization, SIAM 1999, sections 3.3 and 5.5). All fits share a function and take their steps side by side, which costs
hardly more than one: a fit of `scipy.optimize.least_squares` is mostly the interpreter's time at a dozen parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

#: Steps at most.
_STEPS = 200
#: Damping over the diagonal of the normal matrix: the first, the smallest and the largest.
_DAMPING, _DAMPING_MIN, _DAMPING_MAX = 1e-3, 1e-12, 1e12
#: The smallest diagonal that is damped, over the largest.
_LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class Fits:
    """Ends of several fits.

    Attributes:
        x: parameters, [S, P].
        cost: half the sum of squared residuals, [S].
    """

    x: NDArray[np.float64]
    cost: NDArray[np.float64]


def fit_all(
    residuals: Callable[[NDArray[np.float64], NDArray[np.intp]], NDArray[np.float64]],
    jacobian: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    start: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    cost_change: float = 1e-8,
) -> Fits:
    """Minimise the sum of squared residuals of each fit.

    Args:
        residuals: of parameters [s, P] of the fits with these numbers [s]: [s, m].
        jacobian: their derivatives, [s, m, P], which depend on nothing but the parameters.
        start: [S, P]; those outside the bounds are moved onto them.
        low: bounds, [P].
        high: bounds, [P].
        cost_change: a fit ends where a step lowers the cost by less than this share, or where none does.
    """
    x = np.clip(start, low, high)
    number = np.arange(len(x))
    rest = residuals(x, number)
    cost, damping, growth = 0.5 * np.square(rest).sum(axis=1), np.full(len(x), _DAMPING), np.full(len(x), 2.0)
    normal, slope = np.empty((*x.shape, x.shape[1])), np.empty_like(x)
    moved = going = number
    for _ in range(_STEPS):
        if len(moved):
            slopes = jacobian(x[moved])
            normal[moved] = slopes.transpose(0, 2, 1) @ slopes
            slope[moved] = (rest[moved][:, None, :] @ slopes)[:, 0]
        there = _next(x[going], normal[going], slope[going], damping[going], low, high)
        tried, step = residuals(there, going), there - x[going]
        lowered = cost[going] - 0.5 * np.square(tried).sum(axis=1)
        expected = (
            -(slope[going] * step).sum(axis=1) - 0.5 * (step[:, None] @ normal[going] @ step[:, :, None])[:, 0, 0]
        )
        ratio = np.divide(lowered, expected, out=np.zeros_like(lowered), where=expected > np.abs(lowered) * 1e-3)
        better = lowered > 0
        # H. B. Nielsen's rule: smooth in the gain, and doubling where steps fail one after the other.
        factor = np.where(better, np.maximum(1 / 3, 1 - (2 * ratio - 1) ** 3), growth[going])
        growth[going] = np.where(better, 2.0, 2 * growth[going])
        damping[going] = np.clip(damping[going] * factor, _DAMPING_MIN, _DAMPING_MAX)
        ended = (better & (lowered < cost_change * cost[going]) & (ratio > 0.25)) | (damping[going] >= _DAMPING_MAX)
        ended |= ~better & (np.abs(expected) < cost_change * cost[going])
        moved = going[better]
        x[moved] = there[better]
        rest[moved] = tried[better]
        cost[moved] -= lowered[better]
        going = going[~ended]
        if not len(going):
            break
    return Fits(x, cost)


def _next(
    x: NDArray[np.float64],
    normal: NDArray[np.float64],
    slope: NDArray[np.float64],
    damping: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Where damped Gauss-Newton steps inside the bounds lead, [s, P].

    A parameter that would leave its bounds goes to the bound that it would cross, and the others are asked again.
    """
    diagonal = np.arange(x.shape[1])
    fixed = ((x <= low) & (slope > 0)) | ((x >= high) & (slope < 0))
    there = x
    # A parameter that changes nothing where it stands is damped as well: its row would be zero.
    own = normal[:, diagonal, diagonal]
    damped = own + damping[:, None] * np.maximum(own, _LEAST * own.max(axis=1, keepdims=True))
    for _ in diagonal:
        matrix = np.where(fixed[:, :, None] | fixed[:, None, :], 0.0, normal)
        matrix[:, diagonal, diagonal] = np.where(fixed, 1.0, damped)
        step = there - x
        pulled = (normal @ np.where(fixed, step, 0.0)[:, :, None])[:, :, 0]
        wanted = x + np.linalg.solve(matrix, np.where(fixed, step, -slope - pulled)[:, :, None])[:, :, 0]
        there = np.where(fixed, there, np.clip(wanted, low, high))
        outside = there != np.where(fixed, there, wanted)
        if not outside.any():
            break
        fixed |= outside
    return np.asarray(there)
