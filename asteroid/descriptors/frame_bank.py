"""Described frames by content: what a worker needs to train any stage of a study."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch
from torch import Tensor

from asteroid.descriptors.describe import describe
from asteroid.descriptors.layout import DescriptorSettings, Layout, make_layout
from asteroid.descriptors.probes import describe_probes, draw_probes, laplacian
from asteroid.descriptors.streaming import choose_streamed
from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asteroid.labels.label_set import LabelSet


#: Part of what score matching is here, as the probes of a frame must not change between runs.
_PROBE_SEED = 0
#: Share of the free memory that described frames may take: workers read them from a second copy, in shared memory.
_STORED_SHARE = 0.4


@dataclass(frozen=True)
class FrameTensors:
    """Labelled frames of one level, described where the study has a model that needs it.

    Attributes:
        numbers: atomic numbers [A] int64 of one molecule; of several [N, A], zero where a frame has no atom.
        positions: [N, A, 3] float64, Å; zero where there is no atom, as forces are.
        descriptors: [N, W] float32; None where there are none or the level is streamed (`streaming`).
        jacobians: [N, W, 3A] float32, per Å; None likewise.
        energy: [N] float64, eV.
        forces: [N, 3A] float32, eV/Å; NaN of frames whose labels are energies alone.
        cheap: by level, labels of cheap methods at the same geometries, where the study has them.
        probes: what score matching needs of the frames, where the study matches scores.
    """

    numbers: Tensor
    positions: Tensor
    descriptors: Tensor | None
    jacobians: Tensor | None
    energy: Tensor
    forces: Tensor
    cheap: Mapping[str, Prediction] = field(default_factory=dict)
    probes: Probes | None = None

    @property
    def device(self) -> torch.device:
        """Where the tensors lie; what is computed from them lies there too."""
        return self.positions.device

    def numbers_of(self, rows: Tensor) -> Tensor:
        """Atomic numbers [..., A] of some frames; zero where there is no atom."""
        return self.numbers[rows] if self.numbers.ndim == 2 else self.numbers.expand(*rows.shape, -1)

    def padding_factor(self, rows: Tensor) -> Tensor | None:
        """Places over atoms [...] of some frames; None for one molecule, whose places are all filled.

        A mean over the 3A components of a frame times this is the mean over its atoms' components.
        """
        if self.numbers.ndim == 1:
            return None
        return self.numbers.shape[1] / (self.numbers[rows] > 0).sum(-1)

    def energies_alone(self, rows: Tensor) -> bool:
        """Whether the labels of frames, which are of one kind, are energies without forces."""
        return bool(self.forces[rows[:1]].isnan().any())

    def component_mean(self, values: Tensor, rows: Tensor) -> Tensor:
        """Mean over the components of each frame's atoms.

        Args:
            values: [..., n, 3A], zero where there is no atom.
            rows: [n] rows of the frames.
        """
        mean, padding_factor = values.mean(-1), self.padding_factor(rows)
        return mean if padding_factor is None else mean * padding_factor


@dataclass(frozen=True)
class Prediction:
    """Energies and forces of the same frames from some model or method.

    Attributes:
        energy: [..., N] float64, eV.
        forces: [..., N, 3A] float32, eV/Å.
    """

    energy: Tensor
    forces: Tensor

    def rows(self, rows: Tensor) -> Prediction:
        """Those of some of the frames."""
        return Prediction(self.energy[..., rows], self.forces[..., rows, :])


@dataclass(frozen=True)
class Probes:
    """Derivatives of the descriptors for score matching (see `asteroid.descriptors.probes`).

    Attributes:
        jvp: Jacobian-vector products J v along V fixed directions v of each frame, [N, V, W] float32.
        laplacian: Laplacian of each descriptor by the positions, [N, W] float32.
    """

    jvp: Tensor
    laplacian: Tensor


@dataclass(frozen=True)
class FrameBank:
    """Described and labelled frames of each level, found by the content hash of a frame.

    Attributes:
        layout: the descriptors of the molecule; None where nothing needs them, as for several molecules.
        levels: level -> tensors.
        rows: level -> content hash -> row of the tensors.
    """

    layout: Layout | None
    levels: Mapping[str, FrameTensors]
    rows: Mapping[str, Mapping[str, int]]

    def rows_of(self, level: str, hashes: Iterable[str]) -> Tensor:
        """Rows [n] of frames in the order of their hashes."""
        known = self.rows[level]
        return torch.tensor([known[h] for h in hashes], dtype=torch.int64, device=self.levels[level].device)


@dataclass(frozen=True)
class BankEntry:
    """What the bank is to hold of one level.

    Attributes:
        labels: labels with energies and forces.
        hashes: their content hashes.
        cheap: labels of cheap methods at the same geometries, in the same order, a set for each level.
        n_probes: directions per frame for score matching; 0 for none.
    """

    labels: LabelSet
    hashes: list[str]
    cheap: tuple[LabelSet, ...] = ()
    n_probes: int = 0


def build_bank(
    settings: DescriptorSettings | None,
    entries: Iterable[BankEntry],
    on_frames: Callable[[int], None] | None = None,
    memory_bytes: float | None = None,
) -> FrameBank:
    """Describe frames once for all stages, or leave the largest levels to be described batch by batch.

    Args:
        settings: resolution of the descriptors; None for no descriptors.
        entries: one per level; descriptors need one composition for all.
        on_frames: called with the number of frames of each finished part.
        memory_bytes: memory for described frames; without it, a share of what is free.

    Raises:
        InputError: not even what streaming needs fits into the memory that is free.
    """
    given = list(entries)
    layout = None if settings is None else make_layout(given[0].labels.numbers, settings)
    for entry in given:
        refuse_too_large(entry.labels, layout, n_probes=entry.n_probes)
    if memory_bytes is None:
        memory_bytes = _STORED_SHARE * psutil.virtual_memory().available
    sizes = {entry.labels.level: len(entry.labels) for entry in given}
    streamed = frozenset(sizes) if layout is None else choose_streamed(layout, sizes, memory_bytes)
    levels: dict[str, FrameTensors] = {}
    for entry in given:
        levels[entry.labels.level] = _make_tensors(layout, entry, streamed=entry.labels.level in streamed)
        if on_frames is not None:
            on_frames(len(entry.labels))
    rows = {entry.labels.level: {h: row for row, h in enumerate(entry.hashes)} for entry in given}
    return FrameBank(layout, levels, rows)


def _make_tensors(layout: Layout | None, entry: BankEntry, *, streamed: bool) -> FrameTensors:
    labels = entry.labels
    own = _no_labels(labels) if entry.n_probes and labels.forces is None else _labels(labels)
    descriptors, jacobians = (None, None) if layout is None or streamed else describe(layout, labels.positions)
    return FrameTensors(
        numbers=torch.as_tensor(labels.numbers.copy()),
        positions=torch.as_tensor(labels.positions.copy()),
        descriptors=descriptors,
        jacobians=jacobians,
        energy=own.energy,
        forces=own.forces,
        cheap={cheap.level: _labels(cheap) for cheap in entry.cheap},
        probes=_probe(layout, entry) if layout is not None and entry.n_probes else None,
    )


def _probe(layout: Layout, entry: BankEntry) -> Probes:
    positions = entry.labels.positions
    directions = draw_probes(entry.hashes, len(layout.numbers), entry.n_probes, _PROBE_SEED)
    return Probes(describe_probes(layout, positions, directions)[0], laplacian(layout, positions))


def _no_labels(labels: LabelSet) -> Prediction:
    """Score matching reads no labels; should anything else, its loss is not a number."""
    forces = torch.full((len(labels), 3 * labels.positions.shape[1]), math.nan)
    return Prediction(torch.full((len(labels),), math.nan, dtype=torch.float64), forces)


def _labels(labels: LabelSet) -> Prediction:
    if labels.energy is None or labels.forces is None:  # energies alone come with forces that are NaN
        raise InputError(f"training needs energies and forces, the {labels.level} set lacks them: add both to the file")
    forces = labels.forces.reshape(len(labels), 3 * labels.positions.shape[1]).astype(np.float32)
    return Prediction(torch.as_tensor(labels.energy.copy()), torch.as_tensor(forces))


def refuse_too_large(
    labels: LabelSet, layout: Layout | None, *, n_frames: int | None = None, n_probes: int = 0
) -> None:
    """Refuse more frames than the free memory can hold with their labels and probes; Jacobians need not be held.

    Args:
        labels: frames of the size in question.
        layout: their descriptors, or None.
        n_frames: how many of them; None for all.
        n_probes: directions per frame for score matching.

    Raises:
        InputError: with the largest number that fits.
    """
    n_frames = len(labels) if n_frames is None else n_frames
    per_frame = (44 if labels.varied else 36) * labels.positions.shape[1] + 8
    if layout is not None and n_probes:
        per_frame += 4 * layout.width * (n_probes + 1)
    needed = n_frames * per_frame
    free = psutil.virtual_memory().available
    if needed > 0.8 * free:
        raise InputError(
            f"positions, labels and probes are held in memory: {n_frames} frames with {n_probes} probes need "
            f"{needed / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free: use at most {int(0.8 * free / per_frame)} "
            "frames (fewer n_cheap, seeds or probes)"
        )
