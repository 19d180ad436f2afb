"""Described frames by content: what a worker needs to train any stage of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch
from torch import Tensor

from asteroid.descriptors import DescriptorSettings, Layout, bytes_per_frame, describe, make_layout
from asteroid.errors import InputError
from asteroid.training import FrameTensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asteroid.labels import LabelSet


@dataclass(frozen=True)
class FrameBank:
    """Described and labelled frames of each level, found by the content hash of a frame.

    Attributes:
        layout: the descriptors of the molecule.
        levels: level -> tensors.
        rows: level -> content hash -> row of the tensors.
    """

    layout: Layout
    levels: Mapping[str, FrameTensors]
    rows: Mapping[str, Mapping[str, int]]

    def rows_of(self, level: str, hashes: Iterable[str]) -> Tensor:
        """Rows [n] of frames in the order of their hashes."""
        known = self.rows[level]
        return torch.tensor([known[h] for h in hashes], dtype=torch.int64)


def build_bank(
    settings: DescriptorSettings,
    sets: Iterable[tuple[LabelSet, list[str]]],
    on_frames: Callable[[int], None] | None = None,
) -> FrameBank:
    """Describe frames once for all stages.

    Args:
        settings: resolution of the descriptors.
        sets: (labels with energies and forces, their content hashes); one entry per level, one composition for all.
        on_frames: called with the number of frames of each finished part.

    Raises:
        InputError: the Jacobians would not fit into the memory that is free.
    """
    given = list(sets)
    layout = make_layout(given[0][0].numbers, settings)
    refuse_too_large(layout, sum(len(labels) for labels, _ in given))
    levels: dict[str, FrameTensors] = {}
    for labels, _ in given:
        levels[labels.level] = _describe_labels(layout, labels)
        if on_frames is not None:
            on_frames(len(labels))
    rows = {labels.level: {h: row for row, h in enumerate(hashes)} for labels, hashes in given}
    return FrameBank(layout, levels, rows)


def _describe_labels(layout: Layout, labels: LabelSet) -> FrameTensors:
    if labels.energy is None or labels.forces is None:
        raise InputError(f"training needs energies and forces, the {labels.level} set lacks them: add both to the file")
    descriptors, jacobians = describe(layout, labels.positions)
    forces = torch.as_tensor(
        np.ascontiguousarray(labels.forces.reshape(len(labels), 3 * len(labels.numbers)), dtype=np.float32)
    )
    return FrameTensors(descriptors, jacobians, torch.as_tensor(labels.energy.copy()), forces)


def refuse_too_large(layout: Layout, n_frames: int) -> None:
    """Refuse more frames than the free memory can hold described.

    Raises:
        InputError: with the largest number that fits.
    """
    needed = n_frames * bytes_per_frame(layout)
    free = psutil.virtual_memory().available
    if needed > 0.8 * free:
        largest = int(0.8 * free / bytes_per_frame(layout))
        raise InputError(
            f"the descriptors of all frames are held in memory: {n_frames} frames need {needed / 2**30:.1f} GiB, "
            f"{free / 2**30:.1f} GiB are free: use at most {largest} frames in all (fewer n_cheap, seeds or channels)"
        )
