"""Geometries of a purchase: without labels, joined, and those that are in no set of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.labels.label_set import LabelSet
from asteroid.labels.matching import match_geometries

if TYPE_CHECKING:
    from asteroid.labels.label_set import BoolArray
    from study.config.buying import BuyStudy


def geometries(labels: LabelSet, level: str) -> LabelSet:
    """The geometries of labels, to be labelled at a level."""
    return LabelSet(labels.numbers, labels.positions, None, None, level)


def joined(first: LabelSet, second: LabelSet) -> LabelSet:
    """Both sets, one behind the other, with the level of the first; times are kept where both have them."""

    def both(name: str) -> object:
        values = getattr(first, name), getattr(second, name)
        return None if values[0] is None or values[1] is None else np.concatenate(values)

    return LabelSet(
        first.numbers,
        np.concatenate([first.positions, second.positions]),
        both("energy"),  # type: ignore[arg-type]
        both("forces"),  # type: ignore[arg-type]
        first.level,
        cpu_s=both("cpu_s") if len(first) else second.cpu_s,  # type: ignore[arg-type]
    )


def in_no_labels(study: BuyStudy, cheap: LabelSet, labelled: list[LabelSet]) -> BoolArray:
    """Which cheap frames lie at no geometry of some labels, and in no group that a replay hides."""
    free = np.ones(len(cheap), dtype=np.bool_)
    for labels in labelled:
        free[match_geometries(labels, cheap)[1]] = False
    if study.buy.replay is not None and cheap.group is not None:
        free &= ~np.isin(cheap.group, study.buy.replay.hidden_groups)
    return free
