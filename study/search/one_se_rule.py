"""Choosing a setting from cross-validated errors: the one-standard-error rule, paired by fold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def standard_error(values: ArrayLike) -> float:
    """Standard error of a mean; NaN for a single value."""
    sample = np.asarray(values, dtype=float)
    return float(sample.std(ddof=1) / math.sqrt(len(sample))) if len(sample) > 1 else math.nan


def noise_share(errors: NDArray[np.float64]) -> float:
    """Share of the variance between settings' mean errors that is noise, between 0 and 1.

    Two-way analysis of variance without interaction: all settings are scored on the same folds, so what makes a fold
    hard for everyone is no noise between settings; what is left after both means is.

    Args:
        errors: [settings, folds and subset seeds], at least 2 x 2.
    """
    n_settings, n_folds = errors.shape
    spread = errors.mean(1).var(ddof=1)
    residual = errors - errors.mean(1, keepdims=True) - errors.mean(0, keepdims=True) + errors.mean()
    noise = (residual**2).sum() / ((n_settings - 1) * (n_folds - 1)) / n_folds
    return float(min(1.0, noise / spread)) if spread > 0 else 1.0


def choose_setting(errors: NDArray[np.float64], simplicity: Sequence[tuple[float, ...]]) -> int:
    """The simplest setting that is not worse than the best by more than one standard error of their difference.

    Breiman et al., Classification and Regression Trees (1984), chapter 3, with the error of the paired difference: all
    settings are scored on the same subsets and folds.

    Args:
        errors: [settings, folds and subset seeds].
        simplicity: sort key of each setting, the simplest first.

    Returns:
        the row of the chosen setting; ties go to the smaller error, then to the earlier row.
    """
    means = errors.mean(1)
    best = int(means.argmin())
    excess = errors - errors[best]
    near = [
        row
        for row in range(len(errors))
        if row == best or excess[row].mean() <= (standard_error(excess[row]) if errors.shape[1] > 1 else 0.0)
    ]
    return min(near, key=lambda row: (simplicity[row], means[row], row))
