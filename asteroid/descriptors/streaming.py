"""Frames whose descriptors are computed when a batch needs them, for levels too large to be stored described.

A Jacobian of 21 atoms takes 670 kB, the positions it follows from 500 bytes. A pack that shares its batches needs each
Jacobian once per step for all of its models, so computing it anew costs less than the step itself. Several batches are
described in one go, which hides the overhead of the calls, in a buffer that is bounded and written again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from asteroid.descriptors.describe import bytes_per_frame, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import Tensor

    from asteroid.descriptors.layout import Layout

#: Look-ahead. Measured with 21 atoms: 2 to 64 MiB differ by less than a tenth, 128 MiB are a tenth slower.
CHUNK_BYTES = 16 * 2**20


def stream_batches(
    layout: Layout, positions: Tensor, batches: Iterable[Tensor], chunk_bytes: int | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Describe one batch after another, looking ahead.

    Args:
        layout: layout of the descriptors.
        positions: [N, A, 3] float64, Å.
        batches: the rows of each batch, of any shape.
        chunk_bytes: bound on what is described ahead, `CHUNK_BYTES` without it; a single batch that takes more is
            described alone.

    Yields:
        descriptors [*rows, W] and Jacobians [*rows, W, 3A], float32. They hold until the next batch is asked for, then
        their memory is used again.
    """
    device = positions.device
    descriptors, jacobians = torch.empty(0), torch.empty(0)
    chunk_bytes = CHUNK_BYTES if chunk_bytes is None else chunk_bytes
    for chunk in _chunks(batches, chunk_bytes // bytes_per_frame(layout)):
        rows = torch.cat([batch.flatten() for batch in chunk])
        if len(rows) > len(descriptors):
            descriptors = torch.empty(len(rows), layout.width, device=device)
            jacobians = torch.empty(len(rows), layout.width, 3 * len(layout.numbers), device=device)
        describe(layout, positions[rows], out=(descriptors[: len(rows)], jacobians[: len(rows)]))
        done = 0
        for batch in chunk:
            cut = slice(done, done := done + batch.numel())
            yield descriptors[cut].unflatten(0, batch.shape), jacobians[cut].unflatten(0, batch.shape)


def choose_streamed(layout: Layout, frames_by_level: Mapping[str, int], budget_bytes: float) -> frozenset[str]:
    """Levels to stream: the largest ones, until what is left can be stored described.

    Args:
        layout: layout of the descriptors.
        frames_by_level: level -> number of its frames.
        budget_bytes: memory for described frames.
    """
    by_size = sorted(frames_by_level, key=lambda level: (frames_by_level[level], level))
    stored = 0
    for place, level in enumerate(by_size):
        stored += frames_by_level[level] * bytes_per_frame(layout)
        if stored > budget_bytes:
            return frozenset(by_size[place:])
    return frozenset()


def _chunks(batches: Iterable[Tensor], n_frames: int) -> Iterator[list[Tensor]]:
    """Lists of batches of up to so many frames in all, or of one batch."""
    chunk: list[Tensor] = []
    for batch in batches:
        if chunk and sum(b.numel() for b in chunk) + batch.numel() > n_frames:
            yield chunk
            chunk = []
        chunk.append(batch)
    if chunk:
        yield chunk
