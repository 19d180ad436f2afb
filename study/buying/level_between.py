"""The level between of a ladder: which geometries its labels are bought at, apart from those of the accurate level."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.paired_labels import cheap_labels_at
from asteroid.labels.label_set import hash_order
from study.buying.candidates import Intermediate
from study.buying.geometries import geometries, in_no_labels
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.labels.label_set import BoolArray, LabelSet
    from study.buying.sources import Sources
    from study.config.buying import BuyStudy

#: Geometries of the level between that are kept for those that give no label: at least so many, and this share.
_SPARE, _SPARE_SHARE = 10, 0.1


def geometries_between(study: BuyStudy, sources: Sources, free: BoolArray, needed: int) -> LabelSet | None:
    """Geometries of the level between in the order of purchase, with labels where they are known; None: no ladder.

    They are kept apart from those that may be labelled accurately, so that no label of this level lies at a geometry
    that a model is scored on.

    Raises:
        InputError: there are too few.
    """
    level = sources.intermediate_level
    if not level:
        return None
    most = max(study.n_cheap_of(level), default=0)
    known = sources.intermediate
    if known is not None:
        taken = [own for own in (sources.owned, sources.hidden) if len(own)]
        frames = known.select(np.flatnonzero(in_no_labels(study, known, taken)))
        spare = 0
    else:
        spare = max(_SPARE, round(_SPARE_SHARE * most))
        first = sources.cheap[0].labels
        frames = geometries(first.select(np.flatnonzero(free)), level)
    left = len(frames) - (0 if known is not None else needed + 2 * study.buy.start)
    if left < most + spare:
        raise InputError(
            f"n_cheap.{level}: {most} labels need as many geometries apart from those that are owned, hidden or "
            f"pretrained on, found {max(left, 0)}: lower it, or give more frames"
        )
    return frames.select(hash_order(frames, study.buy.seed)[: most + spare])


def intermediate_of(study: BuyStudy, sources: Sources, between: LabelSet) -> Intermediate:
    """The level between with what is known of it, from its geometries in the order of purchase.

    Raises:
        InputError: a strategy needs cheap labels there that cannot be had.
    """
    frames = replace(geometries(between, between.level), frame_id=np.arange(len(between)))
    cheap, cheap_at = sources.cheap[0], None
    compared = study.buy.intermediate is not None and cheap.labels.forces is not None
    climbs = [STRATEGIES[slug] for slug in study.strategies if STRATEGIES[slug].has_intermediate_axis]
    if compared or any(entry.runs_cheap_method for entry in climbs):
        cheap_at = cheap_labels_at(frames, cheap.labels, *sources.live_method(cheap))
    return Intermediate(frames, None if sources.intermediate is None else between, cheap_at)


def card_line(between: LabelSet, *, known: bool) -> str:
    """What the data card says of the level between."""
    where = "in the file" if known else "computed as they are needed"
    return (
        f"{between.level}: {len(between):,} geometries apart from these; labels are {where}, and paid for when bought"
    )
