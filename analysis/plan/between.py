"""Candidates of a plan between the numbers of lower labels that were run: on the surface, or between neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from analysis.caveats import Caveat
from analysis.curves.evidence import EXTRAPOLATION_LIMIT
from analysis.curves.power_law import probabilities_of_never
from analysis.plan.options import Candidate
from analysis.plan.pricing import label_price
from analysis.surface.surface import new_run_spread, surface_draws

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from analysis.curves.curves import Curve
    from analysis.plan.conditions import Conditions
    from analysis.plan.options import Needed
    from analysis.plan.run_evidence import RunEvidence
    from analysis.surface.neighbours import Gap
    from analysis.surface.transfer import SurfaceFit

#: Numbers that are tried between the smallest and the largest on a surface, and between two neighbours.
N_ON_SURFACE, N_IN_GAP = 9, 3
#: Numbers of accurate labels between which a target is looked for.
_STEPS = 120


@dataclass(frozen=True, eq=False)
class _NeededOnGrid:
    """The posterior of the number of labels that meets a target, as probabilities on a grid.

    Attributes:
        budget: numbers of accurate labels, rising, [m].
        met: probability that each meets the target, rising, [m].
        p_never: that no number does.
    """

    budget: NDArray[np.float64]
    met: NDArray[np.float64]
    p_never: float

    def quantiles(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Smallest number of labels that meets the target with each probability, [m]; may be infinite."""
        found = np.exp(np.interp(probability, self.met, np.log(self.budget)))
        return np.where(self.met[-1] < probability, math.inf, found)

    def probabilities(self, n: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability that each number of labels meets the target, [m]."""
        return np.interp(np.log(n), np.log(self.budget), self.met)


def candidates_between(run: RunEvidence, conditions: Conditions) -> list[Candidate]:
    """Numbers of lower labels between those that were run, where what is told of them has been checked.

    On a surface that holds; elsewhere between neighbours, where those of this run tell the numbers between them.

    Raises:
        InputError: the table of the run has no usable curve.
    """
    found = _on_surface(run.surface, conditions) if run.surface is not None and run.surface.usable else []
    if run.count_check is None or not run.count_check.usable:
        return found
    for gap in run.gaps:
        if gap.axis == "n_cheap" and run.surface_with(gap.fewer.curve.key.way) is not None:
            continue
        tried = np.geomspace(*gap.counts, N_IN_GAP + 2)[1:-1]
        for count in sorted({_rounded(float(n), 2) for n in tried} - set(gap.counts)):
            if gap.counts[0] < count < gap.counts[1]:
                found.append(_in_gap(gap, count, conditions))
    return found


def _rounded(value: float, digits: int) -> int:
    return int(round(value, digits - len(str(int(value)))))


def _on_surface(fitted: SurfaceFit, conditions: Conditions) -> list[Candidate]:
    candidates = []
    for way in fitted.surface.cells.strategies:
        own = sorted((c for c in fitted.curves if c.key.way == way), key=lambda c: c.key.n_cheap)
        ends = own[0].key.n_cheap, own[-1].key.n_cheap
        tried = np.geomspace(*ends, N_ON_SURFACE + 2)[1:-1].tolist() if len(own) > 1 else []
        for n_cheap in {_rounded(float(n), 1) for n in tried} - {c.key.n_cheap for c in own}:
            near = min(own, key=lambda c: abs(math.log(c.key.n_cheap / n_cheap)))
            candidates.append(_at_cell(fitted, near, n_cheap, conditions))
    return candidates


def _at_cell(fitted: SurfaceFit, near: Curve, n_cheap: int, conditions: Conditions) -> Candidate:
    """A number of cheap frames on the surface; runs of the nearest number stand for its training."""
    smallest, largest = int(near.budget.min()), int(near.budget.max())
    limit = EXTRAPOLATION_LIMIT * largest
    grid = np.append(np.geomspace(smallest, limit, _STEPS), 1e9)
    spread = math.hypot(new_run_spread(fitted.surface, near.key.way), near.test_relative_se)
    draws = surface_draws(fitted.surface, near.key.way, grid, float(n_cheap))

    def needed(targets_ev_ang: Iterable[float]) -> Iterator[Needed]:
        for target in targets_ev_ang:
            met = ndtr((math.log(target) - draws) / spread).mean(axis=0)
            yield _NeededOnGrid(grid[:-1], met[:-1], 1 - float(met[-1]))

    key = replace(near.key, n_cheap=n_cheap)
    price = label_price(near, conditions.prices, conditions.already).with_lower(key.lower)
    status = (*near.status, Caveat.INTERPOLATED_CHEAP, *fitted.status)
    return Candidate(key.label(), key, near, price, needed, limit, status)


def _in_gap(gap: Gap, count: int, conditions: Conditions) -> Candidate:
    """A number of labels between two neighbours; runs of the nearer number stand for its training."""
    near = gap.nearest(count)
    smallest, limit = gap.budgets
    grid = np.geomspace(smallest, limit, _STEPS)
    line, spread = gap.quantiles(count, grid, kind="new_test_set"), gap.spread(count)

    def needed(targets_ev_ang: Iterable[float]) -> Iterator[Needed]:
        targets = np.fromiter(targets_ev_ang, dtype=float)
        ends = [
            probabilities_of_never(own.fit, targets, test_relative_se=own.curve.test_relative_se)
            for own in (gap.fewer, gap.more)
            if own.fit is not None
        ]
        for target, p_never in zip(targets, np.maximum(*ends), strict=True):
            met = ndtr((math.log(target) - line) / spread).mean(axis=0)
            # A number of labels from which on the target is met.
            yield _NeededOnGrid(grid, np.minimum.accumulate(met[::-1])[::-1], float(p_never))

    key = near.key.with_count(gap.axis, count)
    price = label_price(near, conditions.prices, conditions.already).with_lower(key.lower)
    own_caveats = [caveat for caveat in gap.more.status if caveat not in gap.fewer.status]
    return Candidate(
        key.label(), key, near, price, needed, limit, (*gap.fewer.status, *own_caveats, Caveat.INTERPOLATED_COUNT)
    )
