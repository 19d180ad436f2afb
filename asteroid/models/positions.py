"""What architectures without descriptors read of frames: atomic numbers and positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.models.network import Scaling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from asteroid.descriptors.frame_bank import FrameTensors


def centred_positions(frames: FrameTensors, rows: Iterable[Tensor]) -> Iterator[Tensor]:
    """Positions [K, M, A, 3] (float32, Å) of one batch after another, from the mean of their atoms."""
    for batch in rows:
        positions = frames.positions.index_select(0, batch.flatten()).unflatten(0, batch.shape)
        centre, padding_factor = positions.mean(-2, keepdim=True), frames.padding_factor(batch)
        if padding_factor is not None:
            centre = centre * padding_factor[..., None, None]
        # Far from the origin float32 would blur distances.
        yield (positions - centre).float()


def force_scaling(frames: FrameTensors, rows: Tensor, forces: Tensor) -> Scaling:
    """Force scale of one model from its training frames [n] and the forces [n, 3A]; distances need none."""
    padding_factor = frames.padding_factor(rows)
    sizes = forces.abs() if padding_factor is None else forces.abs() * padding_factor[:, None]
    none = forces.new_empty(1, 0)
    return Scaling(none, none, sizes.mean()[None].clamp_min(1e-6))
