"""The frames that a workload needs, described once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.descriptors.frame_bank import BankEntry, FrameBank, build_bank, refuse_too_large
from asteroid.descriptors.layout import make_layout
from asteroid.labels.label_set import content_hashes
from asteroid.models.outside.settings import CommandSettings
from study.recipes.search import search_frames
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asteroid.descriptors.layout import Layout
    from asteroid.labels.label_set import LabelSet
    from asteroid.stages.stage import StageSpec
    from study.data.load import StudyData
    from study.recipes.workload import Workload


#: Disk space for tables, manifest and figures, bytes.
TABLES_BYTES = 8 * 2**20
#: The file of an outside trainer's model, whose size is not known beforehand.
_OUTSIDE_BYTES = 4 * 2**20


def needed_frames(workload: Workload, stages: Iterable[StageSpec]) -> dict[str, set[str]]:
    """Content hashes by level: the frames that are scored, those of the given stages and those of the searches."""
    data = workload.data
    needed: dict[str, set[str]] = {data.accurate.level: set(content_hashes(data.test))}
    needed |= {cheap.level: set() for cheap in data.cheap}
    for division in [division for recipe in workload.recipes for division in recipe.divisions]:
        needed[data.accurate.level].update(division.owned.hashes)
    for frames in [f for spec in stages for f in (spec.train, spec.val)] + search_frames(
        workload.searches, workload.builder
    ):
        needed[frames.level].update(frames.hashes)
    return needed


def refuse_too_many_frames(workload: Workload, stages: Iterable[StageSpec]) -> None:
    """Refuse what the free memory cannot hold.

    Raises:
        InputError: the frames that are needed are too many.
    """
    pools = (cheap.pool for cheap in workload.data.cheap)
    widest = max((workload.data.accurate, *pools), key=lambda labels: labels.positions.shape[1])
    n_frames = sum(map(len, needed_frames(workload, stages).values()))
    refuse_too_large(widest, layout_of(workload), n_frames=n_frames)


def describe_frames(workload: Workload, stages: Iterable[StageSpec]) -> FrameBank:
    """Describe all needed frames, each once."""
    needed = needed_frames(workload, stages)
    data, score_match = workload.data, workload.sweep.score_match
    scores = any(STRATEGIES[strategy].learns_from_sampling for strategy in workload.sweep.strategies)
    probes = score_match.probes if score_match and scores else 0
    entries = [
        _entry(labels, needed, data, n_probes)
        for labels, n_probes in ((data.accurate, 0), *((cheap.pool, probes) for cheap in data.cheap))
    ]
    return build_bank(data.descriptors, entries)


def _entry(labels: LabelSet, needed: dict[str, set[str]], data: StudyData, n_probes: int) -> BankEntry:
    hashes = content_hashes(labels)
    rows = np.array([row for row, h in enumerate(hashes) if h in needed[labels.level]], dtype=np.int64)
    chosen = tuple(cheap.at[labels.level].select(rows) for cheap in data.cheap if labels.level in cheap.at)
    return BankEntry(labels.select(rows), [hashes[row] for row in rows], chosen, n_probes)


def layout_of(workload: Workload) -> Layout | None:
    """The descriptors of the molecule, where the study needs any."""
    data = workload.data
    return None if data.descriptors is None else make_layout(data.accurate.numbers, data.descriptors)


def expected_bytes(workload: Workload) -> int:
    """Disk that a run takes: weights, stage records, tables and figures, with a margin."""
    layout = layout_of(workload)
    inputs = 0 if layout is None else layout.width
    model = workload.sweep.model.settings()
    if isinstance(model, CommandSettings):
        per_stage = _OUTSIDE_BYTES
    else:
        per_stage = 4 * (model.network(layout).parameter_count() + 2 * inputs) + 8192
    n_stages = len(workload.stages) + sum(search.most_stages for search in workload.searches)
    return int(1.5 * per_stage * n_stages) + TABLES_BYTES
