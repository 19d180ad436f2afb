"""Curves that differ in the number of labels of one lower level only: what lies between the numbers that were run.

At a number of accurate labels the log error is taken as a straight line in the log of the other number, between two
neighbours that were run, never beyond them:

    ln err(x) = (1 - w) ln err(x1) + w ln err(x2) - c (x - x1) (x2 - x) / 2,    x = ln n,  w = (x - x1) / (x2 - x1)

with c ~ N(0, CURVATURE^2), the second derivative that a straight line leaves out. It needs no law of the errors, so it
holds for kernels, ladders and levels that hurt. The errors of both neighbours count as wrong in the same direction,
which is cautious: they share labels and test frames, but not all of their noise. Each number with a neighbour on either
side is predicted from these as a check.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from analysis.curves.curve_key import AXES
from analysis.curves.evidence import fitted_draws

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from analysis.curves.curve_key import Axis, CurveKey
    from analysis.curves.curves import Curve
    from analysis.curves.evidence import Evidence
    from analysis.curves.power_law import Kind

#: Standard deviation of the second derivative of the log error by the log of a number of labels, as it was measured
#: for MP2 labels between xTB and CCSD(T) (benchmarks/numbers_between.py).
CURVATURE = 0.2
#: Quantiles that stand for all draws, and the share of means left out that 90 % bands must hold.
_QUANTILES, MIN_COVERED = 60, 0.75


@dataclass(frozen=True, eq=False)
class Gap:
    """Two curves with neighbouring numbers of labels of one lower level.

    Attributes:
        axis: that number.
        fewer: the curve with fewer.
        more: the curve with more.
    """

    axis: Axis
    fewer: Evidence
    more: Evidence

    @property
    def counts(self) -> tuple[int, int]:
        """Both numbers."""
        return self.fewer.curve.key.count(self.axis), self.more.curve.key.count(self.axis)

    @property
    def budgets(self) -> tuple[float, float]:
        """Accurate labels from and up to which both curves may speak."""
        smallest = max(float(own.curve.budget.min()) for own in (self.fewer, self.more))
        return smallest, min(self.fewer.limit, self.more.limit)

    @property
    def width(self) -> float:
        """Log of the ratio of both numbers."""
        few, many = self.counts
        return float(np.log(many / few))

    def share(self, count: float) -> float:
        """Weight of the curve with more."""
        return float(np.log(count / self.counts[0])) / self.width

    def spread(self, count: float) -> float:
        """Standard deviation of what a straight line misses."""
        share = self.share(count)
        return CURVATURE * share * (1 - share) * self.width**2 / 2

    def log_error_draws(self, count: float, budget: ArrayLike) -> NDArray[np.float64]:
        """Draws of the log error of the mean curve on the straight line, [S, m]; arguments as of `quantiles`."""
        few, many = (fitted_draws(own, budget) for own in (self.fewer, self.more))
        return np.asarray(few + self.share(count) * (many - few))

    def nearest(self, count: float) -> Curve:
        """The curve whose number is nearest."""
        return (self.more if 2 * self.share(count) > 1 else self.fewer).curve

    def quantiles(self, count: float, budget: ArrayLike, *, kind: Kind) -> NDArray[np.float64]:
        """Quantiles of the log error on the straight line, [60, m].

        Args:
            count: labels of the lower level, between both numbers.
            budget: accurate labels, [m].
            kind: what they are of, see `power_law.predict`.
        """
        few, many = (_quantiles(fitted_draws(own, budget, kind=kind)) for own in (self.fewer, self.more))
        return np.asarray(few + self.share(count) * (many - few))


@dataclass(frozen=True)
class CountCheck:
    """Numbers that were run, predicted from those on either side.

    Attributes:
        cells: means of runs that were predicted, one for each such number and budget.
        covered: of these, how many lay in the 90 % band.
        log_rmse: root mean square of the log of measured over predicted error.
    """

    cells: int
    covered: int
    log_rmse: float

    @property
    def usable(self) -> bool:
        """Whether a plan may rest on what lies between."""
        return self.covered >= MIN_COVERED * self.cells


def gaps(known: Iterable[Evidence]) -> tuple[Gap, ...]:
    """Neighbours among curves with a fit: equal but for the number along one axis, and for a temperature chosen."""
    fitted = [own for own in known if own.fit is not None]
    return tuple(Gap(axis, *pair) for axis in AXES for family in _families(fitted, axis) for pair in pairwise(family))


def check_counts(known: Iterable[Evidence], *, seed: int = 0) -> CountCheck | None:
    """Predict each number with neighbours on either side from these.

    Args:
        known: curves that compete.
        seed: of the draws.

    Returns:
        None where no level was run with three numbers of labels.
    """
    fitted = [own for own in known if own.fit is not None]
    rng = np.random.default_rng(seed)
    misses, covered = [], 0
    for axis in AXES:
        for family in _families(fitted, axis):
            for few, own, many in zip(family, family[1:], family[2:], strict=False):
                found, inside = _left_out(Gap(axis, few, many), own, rng)
                misses += found
                covered += inside
    if not misses:
        return None
    return CountCheck(len(misses), covered, float(np.sqrt(np.mean(np.square(misses)))))


def _left_out(gap: Gap, own: Evidence, rng: np.random.Generator) -> tuple[list[float], int]:
    """Log of measured over predicted means of a curve's budgets, and how many lie in their band."""
    curve, count = own.curve, own.curve.key.count(gap.axis)
    budgets = np.unique(curve.budget)
    budgets = budgets[(budgets >= gap.budgets[0]) & (budgets <= gap.budgets[1])]
    if not len(budgets):
        return [], 0
    # As each fit has it by itself: what competes moves towards each other, the curve left out included.
    alone = Gap(gap.axis, *(replace(side, shrinkage=None) for side in (gap.fewer, gap.more)))
    line = alone.quantiles(count, budgets, kind="new_data_draw")
    fit = alone.fewer.fit
    assert fit is not None
    misses, covered = [], 0
    for at, budget in enumerate(budgets):
        logs = np.log(curve.error_ev_ang[curve.budget == budget])
        run = float(np.median(np.hypot(fit.sigma, fit.omega) * (budget / fit.largest_budget) ** -fit.fall))
        spread = float(np.hypot(gap.spread(count), run / np.sqrt(len(logs))))
        ahead = line[:, at].repeat(50) + spread * rng.normal(size=50 * len(line))
        low, median, high = np.quantile(ahead, [0.05, 0.5, 0.95])
        misses.append(float(logs.mean() - median))
        covered += bool(low <= logs.mean() <= high)
    return misses, covered


def _families(known: Iterable[Evidence], axis: Axis) -> list[list[Evidence]]:
    """Curves that differ along one axis only, rising along it; each at least two."""
    found: dict[CurveKey, dict[int, Evidence]] = {}
    for own in known:
        key = own.curve.key
        if count := key.count(axis):
            found.setdefault(replace(key, gamma_rel=0.0).with_count(axis, 0), {})[count] = own
    return [[own[count] for count in sorted(own)] for own in found.values() if len(own) > 1]


def _quantiles(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.quantile(draws, (np.arange(_QUANTILES) + 0.5) / _QUANTILES, axis=0))


def slope_draws(gap: Gap, count: float, budget: float, *, seed: int = 0) -> NDArray[np.float64]:
    """Draws of the slope of the log error by the log of the number of labels, [S].

    Both curves count as independent here, which is cautious where a difference is asked for.

    Args:
        gap: between two numbers of labels.
        count: the number at which the slope is asked for, one of them or between them.
        budget: accurate labels.
        seed: of what a straight line leaves out.
    """
    rng = np.random.default_rng(seed)
    few, many = (fitted_draws(own, [budget])[:, 0] for own in (gap.fewer, gap.more))
    chord = (many - rng.permutation(few)) / gap.width
    return np.asarray(chord + CURVATURE * gap.width * (0.5 - gap.share(count)) * rng.normal(size=len(chord)))
