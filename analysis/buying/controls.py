"""The mean out-of-fold error, corrected by what is known of the frames beforehand: their cheap energies and forces.

A frame's error goes with its cheap energy and its mean cheap force, whose means over all frames that labels are drawn
from are known. With z the controls less the pool's means, over their spread, and g the errors over their mean,

    beta = (Z'Z + ridge)^-1 Z'g,    log error = log mean - beta . mean(z),

Z centred: a draw of calm frames is told by its controls, and read where the pool is (a control variate). What the
controls do not explain is all that is left of the spread of frames, also where labels were drawn balanced along them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RIDGE = 4.0
#: Frames per control below which nothing is gained (measured at 12 labels).
_FRAMES_PER_CONTROL = 8
#: The correction is at most this, in logs: beyond it the controls are not what they are taken for.
_MOST = 0.5


@dataclass(frozen=True)
class MeanError:
    """A mean error of frames.

    Attributes:
        log_mean: log of the corrected mean, less its small-sample bias.
        relative_variance: variance of one frame's error over the squared mean, what the controls explain left out.
        shift: what the controls changed log_mean by; negative where the frames were wilder than the pool.
    """

    log_mean: float
    relative_variance: float
    shift: float


def mean_error(
    errors: NDArray[np.float64],
    controls: NDArray[np.float64] | None = None,
    pool_means: NDArray[np.float64] | None = None,
) -> MeanError:
    """The mean of the errors of frames, corrected where there are controls.

    Args:
        errors: [n] positive.
        controls: [n, c] known values of the frames; those that are not finite or do not vary are left out.
        pool_means: [c] their means over all frames that might have been drawn.
    """
    n, mean = len(errors), float(errors.mean())
    relative = errors / mean - 1
    shift, variance = 0.0, float(relative.var(ddof=1)) if n > 1 else 1.0
    if controls is not None and pool_means is not None:
        usable = np.isfinite(controls).all(axis=0) & np.isfinite(pool_means) & (np.ptp(controls, axis=0) > 0)
        if usable.any() and n >= _FRAMES_PER_CONTROL * (usable.sum() + 1):
            shift, variance = _regressed(relative, controls[:, usable], pool_means[usable])
    return MeanError(float(np.log(mean)) + shift + variance / (2 * n), variance, shift)


def _regressed(
    relative: NDArray[np.float64], controls: NDArray[np.float64], pool_means: NDArray[np.float64]
) -> tuple[float, float]:
    """Shift of the log mean, and variance of one frame as it enters the variance of the corrected mean, times n."""
    n = len(relative)
    z = (controls - pool_means) / controls.std(axis=0, ddof=1)
    off = z.mean(axis=0)
    centred = z - off
    gram = centred.T @ centred
    inverse = np.linalg.inv(gram + _RIDGE * np.eye(len(gram)))
    beta = inverse @ (centred.T @ relative)
    left = relative - centred @ beta
    used = float(np.trace(inverse @ gram))
    variance = float(left @ left) / (n - 1 - used) * (1 + n * float(off @ inverse @ off))
    return float(np.clip(-beta @ off, -_MOST, _MOST)), variance
