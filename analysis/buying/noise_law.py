"""How much out-of-fold errors scatter about a learning curve, and how much of that one look shares with another.

A look at n labels in k folds gives y = log of the mean out-of-fold error, of models that trained on x = n (1 - 1/k)
labels. Given the curve a + h(x), with n' >= n,

    cov(y, y') = s^2 r(x, x') / n'  +  (share draw)^2 sqrt(n / n')  +  [y = y'] folds^2
    r(x, x')   = kept exp(-|log x/x'| / decay)  +  [y = y'] (1 - kept)

s is the relative spread of one frame's error: the frames of a smaller look are among those of a larger one, and a
frame that is hard for one model mostly is for the next. The model of all n labels has log error a + h(n) + u_n,
var u_n = draw^2: what the draw of labels did to it, of which cross-validation on the same labels sees a share. Numbers
from `benchmarks/buying_noise.py`: real out-of-fold errors of three strategies on draws of methanol labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Nodes of the posterior of the spread of frames, at the middles of as many equal shares of its probability.
_N_SPREADS = 5


@dataclass(frozen=True)
class NoiseLaw:
    """The numbers of the law; all relative (of logs), but counts of frames.

    Attributes:
        spread: of one frame's error about the mean, before any is seen.
        spread_worth: frames that this guess counts for.
        frames_worth: how much a frame tells of the spread, over a normal one: errors of frames are skewed.
        kept: share of a frame's deviation that another model of equal size repeats.
        decay: change of log size over which that share falls to 1/e.
        draw_effect: spread of the error between models of equally many labels, from the draw of labels and the seed.
        draw_share: share of this effect that cross-validation on the same labels repeats.
        folds: what a division into folds adds to the log of a mean.
    """

    spread: float = 0.75
    spread_worth: float = 5.0
    frames_worth: float = 0.7
    kept: float = 0.85
    decay: float = 2.2
    draw_effect: float = 0.08
    draw_share: float = 0.7
    folds: float = 0.04


def spread_nodes(law: NoiseLaw, relative_variance: float, n_frames: int) -> NDArray[np.float64]:
    """Equally probable spreads s of frames [S]: the quantiles of a scaled inverse chi-square posterior.

    Args:
        law: with the guess that is shrunk to.
        relative_variance: of the errors of the frames over their squared mean, unbiased.
        n_frames: how many it was estimated from.
    """
    worth = law.frames_worth * (n_frames - 1)
    degrees = law.spread_worth + worth
    total = law.spread_worth * law.spread**2 + worth * relative_variance
    at = (np.arange(_N_SPREADS) + 0.5) / _N_SPREADS
    return np.asarray(np.sqrt(total / chdtri(degrees, at)))


def frame_covariance(
    law: NoiseLaw, n: NDArray[np.float64], x: NDArray[np.float64], n2: NDArray[np.float64], x2: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Covariance from the frames of two lists of looks for s = 1, [m, m2], as if no look was in both lists."""
    kept = law.kept * np.exp(-np.abs(np.log(x[:, None] / x2)) / law.decay)
    return np.asarray(kept / np.maximum(n[:, None], n2))


def draw_covariance(law: NoiseLaw, n: NDArray[np.float64], n2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of the draw effects u of models of n and of n2 nested labels, [m, m2]."""
    return np.asarray(law.draw_effect**2 * np.sqrt(np.minimum(n[:, None], n2) / np.maximum(n[:, None], n2)))


def look_covariance(
    law: NoiseLaw, n: NDArray[np.float64], x: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Covariance of the looks, for each spread [S, m, m].

    Args:
        law: the law.
        n: labels of each look, [m].
        x: labels that its models trained on, [m].
        spread: relative spreads of frames, [S].
    """
    frames = frame_covariance(law, n, x, n, x) + np.diag((1 - law.kept) / n)
    rest = law.draw_share**2 * draw_covariance(law, n, n) + law.folds**2 * np.eye(len(n))
    return np.asarray(spread[:, None, None] ** 2 * frames + rest)
