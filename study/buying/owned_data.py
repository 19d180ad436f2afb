"""Labels owned as the data of a study, and described for training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.descriptors.frame_bank import BankEntry, build_bank
from asteroid.descriptors.placement import bank_on
from asteroid.labels.draw_controls import cheap_values
from asteroid.labels.label_set import content_hashes
from study.buying.geometries import joined
from study.data.cheap_controls import CheapControls
from study.data.load import CheapData, StudyData
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.labels.label_set import LabelSet
    from asteroid.stages.stage import StageSpec
    from study.buying.candidates import Candidates
    from study.config.buying import BuyStudy
    from study.devices import DeviceClass


@dataclass(frozen=True, eq=False)
class Paired:
    """Labels to predict, with cheap labels at the same geometries by level."""

    labels: LabelSet
    cheap: Mapping[str, LabelSet]


def owned_data(
    study: BuyStudy, candidates: Candidates, labels: LabelSet, intermediate: LabelSet | None = None
) -> StudyData:
    """The labels owned as those of a study.

    No label of the level between lies at a geometry that is bought, so none has to be passed over in a fold.
    """
    own, between = candidates, candidates.intermediate
    runs = any(STRATEGIES[strategy].runs_cheap_method for strategy in study.strategies)
    cheap = []
    for level in own.cheap:
        at = {labels.level: level.at.select(labels.frame_id)} if level.at is not None and runs else {}
        if between is not None and between.cheap_at is not None and intermediate is not None:
            at[between.level] = between.cheap_at.select(intermediate.frame_id)
        cheap.append(CheapData(level.pool, at, temperature_k=level.temperature_k))
    if intermediate is not None:
        cheap.append(CheapData(intermediate))
    along = own.cheap_at.energy if own.balanced and own.cheap_at is not None else None
    return StudyData(
        accurate=labels,
        test=labels.select([]),
        pool=labels,
        cheap=tuple(cheap),
        prices=own.prices,
        card=own.card,
        card_json={},
        descriptors=own.descriptors,
        pool_controls=_controls(candidates, labels),
        drawn_along=None if along is None else along[labels.frame_id],
    )


def _controls(candidates: Candidates, labels: LabelSet) -> CheapControls | None:
    """What the cheap level knows of the labels, and of all geometries that they are drawn from."""
    cheap_at = candidates.cheap_at
    everywhere = None if cheap_at is None else cheap_values(cheap_at)
    own = None if cheap_at is None else cheap_values(cheap_at.select(labels.frame_id))
    if everywhere is None or own is None:
        return None
    places = {key: row for row, key in enumerate(content_hashes(labels))}
    return CheapControls(own, everywhere.mean(axis=0), everywhere.std(axis=0), places)


def owned_bank(
    study: BuyStudy, data: StudyData, missing: Iterable[StageSpec], also: Paired | None, device: DeviceClass
) -> FrameBank:
    """Describe all owned labels and the frames of lower levels that missing stages need."""
    needed = {h for spec in missing for frames in (spec.train, spec.val) for h in frames.hashes}
    scores = any(STRATEGIES[strategy].learns_from_sampling for strategy in study.strategies)
    labels, accurate = data.accurate, data.accurate.level
    paired = [cheap.at[accurate] for cheap in data.cheap if accurate in cheap.at]
    if also is not None and len(also.labels):
        labels = joined(labels, also.labels)
        paired = [joined(at, also.cheap[at.level]) for at in paired if at.level in also.cheap]
    entries = [BankEntry(labels, content_hashes(labels), tuple(paired))]
    for cheap in data.cheap:
        hashes = content_hashes(cheap.pool)
        rows = np.array([row for row, h in enumerate(hashes) if h in needed], dtype=np.int64)
        probed = scores and study.score_match is not None and cheap.temperature_k is not None
        below = (lower.at[cheap.level].select(rows) for lower in data.cheap if cheap.level in lower.at)
        probes = study.score_match.probes if probed and study.score_match is not None else 0
        entries.append(BankEntry(cheap.pool.select(rows), [hashes[row] for row in rows], tuple(below), probes))
    return bank_on(build_bank(data.descriptors, entries), torch.device(device))
