"""Forces without what a level pulls at each pair of atoms in every frame alike: how two levels are compared.

Levels of theory differ most in the lengths of bonds. Frames sampled with one then have the same pull along a bond in
every frame of the other: HF/6-31G forces of N2O, at frames of GFN2-xTB at 500 K, are twice as large as GFN2-xTB's and
correlate with them by .3. Without the steady pulls they are .95 times as large and correlate by .99 (of 8 other
molecules of two and three atoms: .99 and more), where labels of frames in another order have -.14 to .25.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.labels.fingerprints import pair_distances

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray

#: Force components for each pair whose pull is found, at least, and pairs at most, the nearest ones first.
_COMPONENTS_PER_PAIR, _PAIRS_MAX = 8, 300
#: Frames at most; more tell no more.
_FRAMES_MAX = 200


def without_steady_pulls(positions: FloatArray, *forces: FloatArray) -> tuple[FloatArray, ...]:
    """What is left of forces once a constant force along each of the nearest pairs of atoms is taken out.

    Args:
        positions: frames of one molecule [N, A, 3] in Å.
        forces: of one level each, [N, A, 3] in eV/Å.

    Returns:
        force components of each level, as many for all; of many frames, those of some.
    """
    some = np.unique(np.linspace(0, len(positions) - 1, min(len(positions), _FRAMES_MAX)).astype(np.int64))
    positions = positions[some]
    first, second = np.triu_indices(positions.shape[1], 1)
    most = min(len(first), positions.size // _COMPONENTS_PER_PAIR, _PAIRS_MAX)
    distance = pair_distances(positions, (first, second))
    nearest = np.argsort(np.median(distance, axis=0), kind="stable")[:most]
    pulls = np.zeros((*positions.shape, most))
    for column, pair in enumerate(nearest.tolist()):
        one, other = first[pair], second[pair]
        along = (positions[:, one] - positions[:, other]) / np.maximum(distance[:, pair, None], 1e-6)
        pulls[:, one, :, column], pulls[:, other, :, column] = along, -along
    basis = np.linalg.qr(pulls.reshape(-1, most))[0]
    flat = [own[some].ravel() for own in forces]
    return tuple(own - basis @ (basis.T @ own) for own in flat)
