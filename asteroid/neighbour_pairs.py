"""Pairs of neighbouring frames, and how their energies differ according to the forces and to the energies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from asteroid.fingerprints import pair_distances, principal_directions, rows_at_a_time
from asteroid.matching import MATCH_TOL_ANG, kabsch

if TYPE_CHECKING:
    from asteroid.compositions import Composition
    from asteroid.labels import FloatArray, IntArray, LabelSet

#: Frames further apart than this (root mean square over atoms, turned onto each other) are no neighbours: thermal
#: molecules are .2-.7 Å apart, and there the trapezoidal rule gives ratios down to .2.
NEIGHBOUR_ANG = 0.15
#: Pairs of one composition in one order of atoms; the closest are taken.
PAIRS_MAX = 300

_FRAMES_ASKED = 2000
_NEIGHBOURS = 3
_PROJECTIONS = 10
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class NeighbourPairs:
    """Pairs of neighbouring frames of one composition.

    Attributes:
        formula: its formula in a set of several molecules, else empty.
        from_forces: -F·dx in eV, F the mean of both frames' forces, shape [P].
        from_energies: energy differences in eV, shape [P].
        rmsd_ang: distance of the frames turned onto each other, root mean square over atoms, shape [P].
        frame_ids: shape [P, 2].
    """

    formula: str
    from_forces: FloatArray
    from_energies: FloatArray
    rmsd_ang: FloatArray
    frame_ids: IntArray

    def __len__(self) -> int:
        return len(self.rmsd_ang)


def pairs_of(composition: Composition, labels: LabelSet) -> NeighbourPairs:
    """Neighbouring frames of one composition whose atoms have one order; none without labels or for one atom.

    Args:
        composition: from `asteroid.compositions.by_composition`.
        labels: the set it is of.
    """
    empty = np.empty(0)
    found = [(empty, empty, empty, np.empty((0, 2), dtype=np.int64))]
    if labels.energy is not None and labels.forces is not None and len(composition.numbers) > 1:
        orders = composition.orders(labels) if len(composition.rows) > 1 else []
        found += [_compare(order.labels) for order in orders if len(order.rows) > 1]
    columns = (np.concatenate(column) for column in zip(*found, strict=True))
    return NeighbourPairs(composition.formula if labels.varied else "", *columns)


def _compare(labels: LabelSet) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Energy differences of neighbouring frames from forces and from energies, their distances and frame ids."""
    assert labels.energy is not None
    assert labels.forces is not None
    a, b = _neighbours(labels.positions)
    rotation, rmsd = kabsch(labels.positions[a], labels.positions[b])
    near = (rmsd < NEIGHBOUR_ANG) & (rmsd > MATCH_TOL_ANG)
    a, b, rotation, rmsd = a[near], b[near], rotation[near], rmsd[near]
    centred = labels.positions - labels.positions.mean(axis=1, keepdims=True)
    step = np.einsum("pij,paj->pai", rotation, centred[b]) - centred[a]
    mean_force = (labels.forces[a] + np.einsum("pij,paj->pai", rotation, labels.forces[b])) / 2
    from_forces = -(mean_force * step).sum(axis=(1, 2))
    return from_forces, labels.energy[b] - labels.energy[a], rmsd, labels.frame_id[np.stack([a, b], axis=1)]


def _neighbours(positions: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs of rows (a < b) that are near in their pair distances, the closest first, at most `PAIRS_MAX`."""
    pairs = np.triu_indices(positions.shape[1], 1)
    n, columns = len(positions), len(pairs[0])
    block = rows_at_a_time(columns, _BLOCK)
    # A KD-tree degenerates in hundreds of dimensions.
    few = columns <= _PROJECTIONS
    sample = pair_distances(positions[:: n // block + 1], pairs)
    directions = np.eye(columns) if few else principal_directions(sample, _PROJECTIONS)
    points = np.concatenate(
        [pair_distances(positions[at : at + block], pairs) @ directions for at in range(0, n, block)]
    )
    asked = np.unique(np.linspace(0, n - 1, min(n, _FRAMES_ASKED)).astype(np.int64))
    _, found = cKDTree(points).query(points[asked], k=min(_NEIGHBOURS + 1, n))
    rows, others = np.repeat(asked, found.shape[1]), found.ravel().astype(np.int64)
    both = np.unique(np.stack([np.minimum(rows, others), np.maximum(rows, others)], axis=1), axis=0)
    a, b = both[both[:, 0] < both[:, 1]].T
    distance = np.empty(len(a))
    for at in range(0, len(a), block):
        part = slice(at, at + block)
        difference = pair_distances(positions[a[part]], pairs) - pair_distances(positions[b[part]], pairs)
        distance[part] = np.square(difference).mean(axis=1)
    closest = np.argsort(distance, kind="stable")[:PAIRS_MAX]
    return a[closest], b[closest]
