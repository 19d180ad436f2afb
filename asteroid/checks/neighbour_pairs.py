"""Pairs of neighbouring frames, and how their energies differ according to the forces and to the energies."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from asteroid.labels.fingerprints import pair_distances, principal_directions, rows_at_a_time
from asteroid.labels.matching import MATCH_TOL_ANG, kabsch

if TYPE_CHECKING:
    from asteroid.labels.compositions import Composition
    from asteroid.labels.label_set import BoolArray, FloatArray, IntArray, LabelSet
    from asteroid.labels.molecules import Molecule

#: Frames further apart than this (root mean square over atoms, turned onto each other) are no neighbours: thermal
#: molecules are .2-.7 Å apart, and there the trapezoidal rule gives ratios down to .2.
NEIGHBOUR_ANG = 0.15
#: Pairs of one composition in one order of atoms; the closest are taken.
PAIRS_MAX = 300

#: The trapezoidal rule misses the third derivative of the energy along the step. What it misses over |change of
#: force| |step| goes as the distance: this is the factor in 1/Å, and the distance from which on it is counted. On the
#: sets that `asteroid.checks.force_energy_notes` was measured on a median pair has .02-.09 of that, one in 10,000 all.
_TOLERANCE_PER_ANG, _TOLERANCE_MIN_ANG = 1.5, 0.04
#: A wrong force makes the change of force large and would excuse itself, and where the stiffness changes its sign the
#: change is small and says nothing: it counts between these many times what step and median stiffness give.
_STIFFNESS = (0.5, 2.0)
#: Energies have this error in eV (10^-5 Hartree), and that of single precision.
_ENERGY_ERROR_EV, _ENERGY_ERROR = 2e-4, 2.0**-23

#: Pairs of atoms by whose distances neighbours are found: all up to 63 atoms. The root mean square over a sample of so
#: many is within 3 % of that over all; which frames are near enough is then measured on all atoms.
_ATOM_PAIRS_MAX = 2000
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
        tolerance_ev: what energies and forces of sound frames may differ by, all but never more, shape [P].
        frame_ids: shape [P, 2].
        rows: rows of the frames in their set, shape [P, 2].
    """

    formula: str
    from_forces: FloatArray
    from_energies: FloatArray
    rmsd_ang: FloatArray
    tolerance_ev: FloatArray
    frame_ids: IntArray
    rows: IntArray

    def __len__(self) -> int:
        return len(self.rmsd_ang)

    def select(self, mask: BoolArray) -> NeighbourPairs:
        """Return some of the pairs."""
        columns = {f.name: getattr(self, f.name)[mask] for f in fields(self) if f.name != "formula"}
        return NeighbourPairs(self.formula, **columns)


def pairs_of(composition: Composition, labels: LabelSet) -> NeighbourPairs:
    """Neighbouring frames of one composition whose atoms have one order; none without labels or for one atom.

    Args:
        composition: from `asteroid.labels.compositions.by_composition`.
        labels: the set it is of.
    """
    empty = np.empty(0)
    found = [(empty, empty, empty, empty, np.empty((0, 2), dtype=np.int64), np.empty((0, 2), dtype=np.int64))]
    if labels.energy is not None and labels.forces is not None and len(composition.numbers) > 1:
        orders = composition.orders(labels) if len(composition.rows) > 1 else []
        found += [_compare(order) for order in orders if len(order.rows) > 1]
    columns = (np.concatenate(column) for column in zip(*found, strict=True))
    return NeighbourPairs(composition.formula if labels.varied else "", *columns)


def _compare(molecule: Molecule) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, IntArray, IntArray]:
    """The columns of `NeighbourPairs`."""
    labels = molecule.labels
    assert labels.energy is not None
    assert labels.forces is not None
    a, b = _neighbours(labels.positions)
    rotation, rmsd = kabsch(labels.positions[a], labels.positions[b])
    near = (rmsd < NEIGHBOUR_ANG) & (rmsd > MATCH_TOL_ANG)
    a, b, rotation, rmsd = a[near], b[near], rotation[near], rmsd[near]
    centred = labels.positions - labels.positions.mean(axis=1, keepdims=True)
    step = np.einsum("pij,paj->pai", rotation, centred[b]) - centred[a]
    forces_b = np.einsum("pij,paj->pai", rotation, labels.forces[b])
    from_forces = -((labels.forces[a] + forces_b) / 2 * step).sum(axis=(1, 2))
    tolerance = _tolerance(forces_b - labels.forces[a], step, rmsd, labels.energy)
    ends = np.stack([a, b], axis=1)
    from_energies = labels.energy[b] - labels.energy[a]
    return from_forces, from_energies, rmsd, tolerance, labels.frame_id[ends], molecule.rows[ends]


def _tolerance(change: FloatArray, step: FloatArray, rmsd: FloatArray, energy: FloatArray) -> FloatArray:
    """See `_TOLERANCE_PER_ANG`."""
    if not len(rmsd):
        return np.empty(0)
    changes, steps = np.linalg.norm(change, axis=(1, 2)), np.linalg.norm(step, axis=(1, 2))
    usual = float(np.median(changes / steps)) * steps
    work = np.clip(changes, _STIFFNESS[0] * usual, _STIFFNESS[1] * usual) * steps
    noise = _ENERGY_ERROR_EV + _ENERGY_ERROR * np.abs(energy).max()
    tolerance: FloatArray = _TOLERANCE_PER_ANG * work * np.maximum(rmsd, _TOLERANCE_MIN_ANG) + noise
    return tolerance


def _pairs_looked_at(n_atoms: int) -> tuple[IntArray, IntArray]:
    """All pairs of atoms, or of many atoms some at random, which tell near frames from others as well."""
    first, second = np.triu_indices(n_atoms, 1)
    if len(first) <= _ATOM_PAIRS_MAX:
        return first, second
    some = np.sort(np.random.default_rng(0).choice(len(first), _ATOM_PAIRS_MAX, replace=False))
    return first[some], second[some]


def _neighbours(positions: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs of rows (a < b) that are near in their pair distances, the closest first, at most `PAIRS_MAX`."""
    pairs = _pairs_looked_at(positions.shape[1])
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
