"""Where a model has been: how far the surroundings of a frame's atoms are from those of its training frames.

An atom's distance is Mahalanobis's between its descriptors and those of the atoms of its kind in the training frames,
on their principal axes: the root mean square of its coordinates in standard deviations. A frame's is that of its
farthest atom. What is usual is read off frames of the same sampling that were not trained on (`calibration`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.descriptors.describe import describe_values

if TYPE_CHECKING:
    from asteroid.descriptors.layout import Layout
    from asteroid.labels.label_set import FloatArray

#: Axes along which the training frames vary less than this share of the first variance say nothing but noise.
_LEAST_VARIANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Region:
    """The training frames of one molecule in descriptor space.

    Attributes:
        layout: of the descriptors.
        axes: for each block of the layout, the mean [C] and the principal axes over their standard deviations [C, k].
    """

    layout: Layout
    axes: tuple[tuple[FloatArray, FloatArray], ...]

    def distances(self, positions: FloatArray) -> FloatArray:
        """Distance [B] of frames [B, A, 3] in Å; about 1 for a training frame's average atom."""
        found = []
        for own, (mean, axes) in zip(_by_block(self.layout, positions), self.axes, strict=True):
            found.append(np.square((own - mean) @ axes).mean(axis=-1))
        distance: FloatArray = np.sqrt(np.concatenate(found, axis=1).max(axis=1))
        return distance


def region_of(layout: Layout, positions: FloatArray) -> Region:
    """The region that training frames [N, A, 3] in Å span."""
    axes = []
    for own in _by_block(layout, positions):
        flat = own.reshape(-1, own.shape[-1])
        mean = flat.mean(axis=0)
        variance, directions = np.linalg.eigh((flat - mean).T @ (flat - mean) / max(len(flat) - 1, 1))
        kept = variance > max(_LEAST_VARIANCE * variance[-1], 1e-20)
        axes.append((mean, directions[:, kept] / np.sqrt(variance[kept])))
    return Region(layout, tuple(axes))


def _by_block(layout: Layout, positions: FloatArray) -> list[FloatArray]:
    """Descriptors of the atoms of each block, [B, atoms, C]."""
    values = describe_values(layout, positions).numpy()
    return [
        values[:, block.start : block.stop].reshape(len(positions), len(block.atoms), -1) for block in layout.blocks
    ]
