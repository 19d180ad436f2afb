"""The cross-validated error of one row: the mean over its labels, carried to all of them, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.stages.evaluation import ControlledMean, block_bootstrap_se, controlled_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

#: Slopes of learning curves before a row's own are seen, -d ln error / d ln labels: mean and standard deviation.
SLOPE_PRIOR = (0.6, 0.3)
#: Relative standard deviation between the means of two divisions of the same labels, and how many it counts for.
DIVISION_NOISE, _DIVISION_WEIGHT = 0.04, 2.0


@dataclass(frozen=True)
class CrossValidatedError:
    """A cross-validated force error, eV/Å.

    Attributes:
        mean: as for a model trained on all labels.
        se: its standard error from the choice of frames, folds and splits, and from the slope that carries it there.
        shared_se: the part of it that all rows of a study share, since they score the same labels.
        slope: -d ln error / d ln labels between the folds' training sets and all labels.
    """

    mean: float
    se: float
    shared_se: float
    slope: float


def cross_validated_error(
    errors: Mapping[int, NDArray[np.float64]], n_owned: int, controls: NDArray[np.float64] | None = None
) -> CrossValidatedError:
    """Read an error off the scores of n labels.

    A fold's model is trained on a part of the labels: with K folds on n (1 - 1/K). The mean of the most folds is
    carried to n by a slope: the one between two folds and the most, under the prior `SLOPE_PRIOR`; where there are not
    two numbers of folds, the prior alone. What one division has by chance is measured between splits where there are
    several.

    Args:
        errors: by number of folds, the errors of the labels in every split, [splits, n], eV/Å, in the order of time.
            One fold: of models that train on no accurate label.
        n_owned: distinct labels that the rows of the study score together, at least n.
        controls: control variates of the labels, [n, c], in standard deviations from their mean; None: not known.
    """
    most = max(errors)
    by_frame = errors[most].mean(axis=0)
    n = len(by_frame)
    found = _mean_of_frames(by_frame, controls)
    mean, frame_se = found.mean, found.se
    slope, slope_sd = (0.0, 0.0) if most == 1 else _slope(errors)
    stretch = 0.0 if most == 1 else -math.log1p(-1 / most)
    carried = math.exp(-slope * stretch)
    split_noise = 0.0 if most == 1 else _division_noise(errors[most]) / math.sqrt(len(errors[most]))
    relative = math.sqrt((frame_se / mean) ** 2 + split_noise**2 + (slope_sd * stretch) ** 2)
    shared = frame_se / mean * math.sqrt(n / n_owned)
    return CrossValidatedError(mean * carried, mean * carried * relative, mean * carried * shared, slope)


def _mean_of_frames(values: NDArray[np.float64], controls: NDArray[np.float64] | None) -> ControlledMean:
    """The mean, its sampling error reduced by control variates where they are known and tell something."""
    found = None if controls is None else controlled_mean(values, controls)
    return found or ControlledMean(float(values.mean()), block_bootstrap_se(values))


def _slope(errors: Mapping[int, NDArray[np.float64]]) -> tuple[float, float]:
    """Slope between the fewest and the most folds, and its standard deviation, under the prior."""
    centre, spread = SLOPE_PRIOR
    most, fewest = max(errors), min(errors)
    if most == fewest:
        return SLOPE_PRIOR
    near, far = errors[most].mean(axis=0), errors[fewest].mean(axis=0)
    n = len(near)
    apart = far / far.mean() - near / near.mean()
    own_variance = sum(_division_noise(errors[k]) ** 2 / len(errors[k]) for k in (most, fewest))
    variance = float(apart.var(ddof=1)) / n + own_variance
    stretch = math.log((1 - 1 / most) / (1 - 1 / fewest))
    found = math.log(far.mean() / near.mean()) / stretch
    weight = spread**2 / (spread**2 + variance / stretch**2)
    return centre + weight * (found - centre), spread * math.sqrt(1 - weight)


def _division_noise(errors: NDArray[np.float64]) -> float:
    """Relative standard deviation of the mean of a division: the usual one, corrected by what splits show."""
    means = errors.mean(axis=1)
    squares = float(((means / means.mean() - 1) ** 2).sum())
    return math.sqrt((_DIVISION_WEIGHT * DIVISION_NOISE**2 + squares) / (_DIVISION_WEIGHT + len(means) - 1))
