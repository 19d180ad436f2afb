"""What a strategy may take from the levels below the accurate one, over all levels and numbers of frames of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from study.counts import LowerLevels
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from study.config.sweep import Sweep


class BelowLevel(NamedTuple):
    """A level below the accurate one.

    Attributes:
        level: its name.
        is_paired: whether its labels at the accurate geometries are known, as learning differences to it needs.
    """

    level: str
    is_paired: bool


def lower_levels_of(sweep: Sweep, strategy: str, below: Sequence[BelowLevel], *, is_ladder: bool) -> list[LowerLevels]:
    """What a strategy may take from the levels below the accurate one: every level with each number of frames.

    Args:
        sweep: its numbers of frames.
        strategy: the strategy.
        below: the levels; of a ladder the cheapest first.
        is_ladder: whether strategies may climb over the second of them.

    Returns:
        all that is to be tried. Where a study has one cheap level, its name is left out.
    """
    entry, several = STRATEGIES[strategy], len(below) > 1
    if not entry.uses_cheap:
        return [LowerLevels()]
    if entry.has_intermediate_axis:
        cheapest, between = (own.level for own in below)
        frames = sweep.n_cheap_of(cheapest) if sweep.buys_frames(entry) else (0,)
        return [LowerLevels(cheapest, n, between, m) for n in frames for m in sweep.n_cheap_of(between)]
    if entry.has_cheap_axis and not sweep.buys_frames(entry):
        return [LowerLevels()]
    found = []
    for place, own in enumerate(below):
        if entry.runs_cheap_method and not own.is_paired:
            continue
        if entry.learns_from_sampling and is_ladder and place:
            continue  # frames of a level between are those that are labelled above, not samples of its own
        frames = sweep.n_cheap_of(own.level) if entry.has_cheap_axis else (0,)
        found += [LowerLevels(own.level if several else "", n_cheap) for n_cheap in frames]
    return found
