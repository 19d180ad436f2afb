"""Curves of one sweep seen together: the best of many looks better than it is, so each moves towards the others.

At a number of labels n the fit of curve k says that its true log error theta_k is m_k with variance v_k. The curves of
a sweep are variations of one theme, theta_k = mu + T z_k with z_k of Student's t (`FREEDOM` degrees: a curve that is
truly apart from the others stays where it is). mu is flat and T is summed over a grid, so the sweep itself tells how
much its curves differ: where no more than v_k explains, all move to their mean, where more, hardly any. A posterior
under a prior that the choice was made from needs no correction for the choice (A. P. Dawid, in IMS Lecture Notes 24
(1994) 211; B. Efron, J. Am. Stat. Assoc. 106 (2011) 1602).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammainccinv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

#: Degrees of freedom of the curves' differences.
FREEDOM = 2.0
#: Their scales that are considered, natural logs.
SCALE = np.array([0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
#: A spread shrinks no further than to this share: what runs of a seed have in common, pooling does not take away.
LEAST_SPREAD = 0.9
#: Student's t as a mixture of normals: factors of the variance, those of its long tail by themselves; nodes of mu, in
#: standard deviations about each curve, and evenly between them.
_EDGES = np.array([0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 0.97, 0.99, 0.997, 0.999, 0.9997, 1.0])
_FACTOR_WEIGHT = np.diff(_EDGES)
_FACTOR = (FREEDOM / 2) / gammainccinv(FREEDOM / 2, (_EDGES[1:] + _EDGES[:-1]) / 2)
_AROUND, _N_BETWEEN = np.linspace(-2.5, 2.5, 11), 41


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """How the log error of one curve is changed by the others.

    Attributes:
        log_budget: logs of numbers of labels, rising, [m].
        mean: what the curve's own fit expects there, [m].
        shift: what is added to it, [m].
        scale: factor of the curve's spread about it, [m].
    """

    log_budget: NDArray[np.float64]
    mean: NDArray[np.float64]
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]

    def change(self, budget: ArrayLike, curve: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is to be added to draws of log errors.

        Args:
            budget: numbers of labels, [n].
            curve: draws of the log of the mean curve, [S, n].
        """
        at = np.log(np.asarray(budget, dtype=float))
        mean, shift, scale = (np.interp(at, self.log_budget, own) for own in (self.mean, self.shift, self.scale))
        return np.asarray(shift + (scale - 1) * (curve - mean))


def shrink(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Posterior means and variances of the log errors of several curves at one number of labels.

    Args:
        mean: of each curve by itself, [K].
        variance: of each by itself, [K].
    """
    if len(mean) < 2:
        return mean, variance
    near = (mean[:, None] + np.sqrt(variance)[:, None] * _AROUND).ravel()
    centre = np.sort(np.concatenate([near, np.linspace(near.min(), near.max(), _N_BETWEEN)]))
    total = variance[:, None, None] + (SCALE**2)[:, None] * _FACTOR  # [K, T, factors]
    distance = centre[:, None, None] - mean[:, None, None, None]  # [K, mu, 1, 1]
    joint = np.exp(-0.5 * distance**2 / total[:, None]) / np.sqrt(total[:, None]) * _FACTOR_WEIGHT
    of_curve = joint.sum(axis=3) + np.finfo(float).tiny  # [K, mu, T]
    weight = np.log(of_curve).sum(axis=0)
    weight = np.exp(weight - weight.max()) * np.gradient(centre)[:, None]
    joint *= (weight / weight.sum() / of_curve)[..., None]
    pull = (variance[:, None, None] / total)[:, None]
    step = pull * distance
    moved = (joint * step).sum(axis=(1, 2, 3))
    inside = variance[:, None, None, None] * (1 - pull)
    return mean + moved, (joint * (inside + step**2)).sum(axis=(1, 2, 3)) - moved**2


def shrinkages(budget: NDArray[np.float64], draws: Sequence[NDArray[np.float64]]) -> tuple[Shrinkage, ...]:
    """How each of several curves is changed by the others.

    Args:
        budget: numbers of labels, rising, [m].
        draws: of the log of each mean curve at these, [S, m] each.
    """
    means, variances = (np.array([getattr(own, name)(axis=0) for own in draws]) for name in ("mean", "var"))
    pairs = [shrink(means[:, at], variances[:, at]) for at in range(len(budget))]
    moved, spread = (np.array([pair[which] for pair in pairs]).T for which in (0, 1))
    scale = np.maximum(np.sqrt(np.maximum(spread, 0.0) / variances), LEAST_SPREAD)
    return tuple(Shrinkage(np.log(budget), means[k], moved[k] - means[k], scale[k]) for k in range(len(draws)))
