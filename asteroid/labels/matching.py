"""The same geometry in two files: found by nearest neighbours, whatever its orientation, place or order of like atoms.

A frame's fingerprint is its pair distances, grouped by pair of elements and sorted inside each group. Sorting brings
vectors closer or leaves them as they are, so frames that differ by rounding have fingerprints that differ by rounding.
Conversely the distribution of pair distances determines all but exceptional configurations up to rotation, translation
and reflection (Boutin and Kemper, Adv. Appl. Math. 32, 709 (2004)). A mirror image therefore matches; as a leak it
should, for it has the same energy and mirrored forces. `superpose` tells which matches are mirrored, and by its RMSD
whether any is a coincidence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from asteroid.errors import InputError
from asteroid.labels.compositions import by_composition
from asteroid.labels.fingerprints import distance_fingerprints, group_norms, principal_directions, rows_at_a_time
from asteroid.labels.molecules import refuse_several, split_molecules

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.labels.compositions import Composition
    from asteroid.labels.label_set import BoolArray, FloatArray, IntArray, LabelSet

#: Root mean square difference of the sorted pair distances below which two frames are the same geometry. Measured:
#: copies of a frame in ethanol and aspirin files (single against double precision) differ by at most 9e-7 Å, the next
#: distinct frames of molecular dynamics by 5e-3 Å or more, of normal-mode samples of formaldehyde (10 to 2,000 K) by
#: 3e-4 Å or more. Coordinates rounded to four decimals (4e-5 Å) match; for three decimals pass 1e-3.
MATCH_TOL_ANG = 1e-4
#: Two atoms have one distance, so that among thousands of honest frames many agree to 1e-4 Å: a pair of files matches
#: within the digits that files have, and a frame of one set is a copy where all digits agree.
_DIATOMIC_MATCH_TOL_ANG, _DIATOMIC_COPY_TOL_ANG = 1e-6, 1e-10

#: From so many atoms on frames are first told apart by a few sums over atoms.
_ATOMS_MANY = 30
_BLOCK = 2048
_PROJECTIONS = 10
_SUPERPOSED_RMSD_ANG = 1e-2


@dataclass(frozen=True, eq=False)
class Superposition:
    """How to lay frame b of each of P pairs onto frame a: a = rotation @ b[atom_order] + shift.

    Attributes:
        rotation: orthogonal matrices, shape [P, 3, 3]; determinant -1 where the frames are mirror images.
        atom_order: for each atom of a its atom of b, shape [P, A].
        rmsd_ang: what distance is left, root mean square over atoms, shape [P].
        mirrored: whether the rotation includes a reflection, shape [P].
    """

    rotation: FloatArray
    atom_order: IntArray
    rmsd_ang: FloatArray
    mirrored: BoolArray


def match_geometries(a: LabelSet, b: LabelSet, tol_ang: float | None = None) -> tuple[IntArray, IntArray]:
    """All pairs of frames with the same geometry, up to rotation, translation, reflection and exchange of like atoms.

    Args:
        a: one set, of one molecule or of several.
        b: another; its atoms may come in another order. Frames of different composition never match.
        tol_ang: largest root mean square difference of the sorted pair distances, in Å; None: `MATCH_TOL_ANG`, and 1e-6
            for two atoms.

    Returns:
        (rows_a, rows_b), each of shape [pairs], ordered by row of a, then of b. A frame with several copies in
        the other set appears once for each.
    """
    ours, theirs = by_composition(a), by_composition(b)
    rows_a, rows_b = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for key in ours.keys() & theirs.keys():
        if not len(a) or not len(b):
            continue
        tol = tol_ang or (_DIATOMIC_MATCH_TOL_ANG if len(ours[key].numbers) == 2 else MATCH_TOL_ANG)
        own, other = _candidates(ours[key], a, theirs[key], b, tol)
        found_a, found_b = _close_pairs(_fingerprints(own, a), _fingerprints(other, b), tol)
        rows_a.append(own.rows[found_a])
        rows_b.append(other.rows[found_b])
    pairs = np.concatenate(rows_a), np.concatenate(rows_b)
    order = np.lexsort(pairs[::-1])
    return pairs[0][order], pairs[1][order]


def covers(labels: LabelSet, geometries: LabelSet) -> bool:
    """Whether a set has a label at every one of some geometries."""
    return len(np.unique(match_geometries(geometries, labels)[0])) == len(geometries)


def copied_geometries(a: LabelSet, b: LabelSet) -> tuple[IntArray, IntArray]:
    """As `match_geometries`, but no frames of two atoms that agree by chance: what is in both sets of frames apart."""
    rows_a, rows_b = match_geometries(a, b)
    if a.varied or b.varied or a.positions.shape[1] != 2:
        return rows_a, rows_b
    difference = distance_fingerprints(a)[rows_a] - distance_fingerprints(b)[rows_b]
    same = np.abs(difference[:, 0]) <= _DIATOMIC_COPY_TOL_ANG
    return rows_a[same], rows_b[same]


def duplicate_pairs(labels: LabelSet, tol_ang: float | None = None) -> tuple[IntArray, IntArray]:
    """Frames of one set with the geometry of an earlier frame: (earlier rows, later rows), each later row once."""
    original = np.arange(len(labels))
    for whole in by_composition(labels).values():
        tol = tol_ang or (_DIATOMIC_COPY_TOL_ANG if len(whole.numbers) == 2 else MATCH_TOL_ANG)
        composition, _ = _candidates(whole, labels, whole, labels, tol)
        if len(composition.rows) > 1:
            original[composition.rows] = composition.rows[_originals(_fingerprints(composition, labels), tol)]
    copies = np.flatnonzero(original != np.arange(len(labels)))
    return original[copies], copies


def kabsch(a: FloatArray, b: FloatArray, *, mirror: bool = False) -> tuple[FloatArray, FloatArray]:
    """Rotations that lay centred b onto centred a with the least squares (Kabsch, Acta Cryst. A 32, 922 (1976)).

    Args:
        a: positions in Å, shape [P, A, 3].
        b: positions in Å with the same order of atoms, shape [P, A, 3].
        mirror: look for the best reflection times rotation (determinant -1) instead of the best rotation.

    Returns:
        (rotation [P, 3, 3], rmsd_ang [P]) with a - mean(a) ~ (b - mean(b)) @ rotation^T.
    """
    a = a - a.mean(axis=1, keepdims=True)
    b = b - b.mean(axis=1, keepdims=True)
    u, _, vt = np.linalg.svd(np.einsum("pai,paj->pij", a, b))
    sign = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0) * (-1.0 if mirror else 1.0)
    u[:, :, 2] *= sign[:, None]
    rotation = u @ vt
    left = a - np.einsum("pij,paj->pai", rotation, b)
    return rotation, np.sqrt((left**2).sum(axis=2).mean(axis=1))


def superpose(a: LabelSet, b: LabelSet, pairs: tuple[IntArray, IntArray]) -> Superposition:
    """Lay frame b of each pair onto frame a: rotation, order of like atoms, and reflection where only that fits.

    The order of like atoms is ambiguous in exactly symmetric frames only; there a wrong choice shows as a large RMSD.

    Raises:
        InputError: a set holds several molecules.
    """
    for labels in (a, b):
        refuse_several(labels, f"laying {labels.level} frames onto others", "take the frames of one molecule at a time")
    xa, xb = a.positions[pairs[0]], b.positions[pairs[1]]
    order = np.tile(np.arange(len(a.numbers)), (len(xa), 1))
    if np.array_equal(a.numbers, b.numbers):
        rotation, rmsd, mirrored = _best_rotation(xa, xb)
        unsolved = np.flatnonzero(rmsd > _SUPERPOSED_RMSD_ANG)
    else:
        rotation, rmsd, mirrored = np.empty((len(xa), 3, 3)), np.empty(len(xa)), np.empty(len(xa), dtype=np.bool_)
        unsolved = np.arange(len(xa))
    for p in unsolved:
        order[p] = _like_atom_order(a.numbers, xa[p], b.numbers, xb[p])
        rotation[p], rmsd[p], mirrored[p] = (v[0] for v in _best_rotation(xa[p : p + 1], xb[p, order[p]][None]))
    return Superposition(rotation=rotation, atom_order=order, rmsd_ang=rmsd, mirrored=mirrored)


def matched_force_mae(a: LabelSet, b: LabelSet, pairs: tuple[IntArray, IntArray]) -> float:
    """Mean absolute difference of the force components in eV/Å over matched frames, b's forces turned onto a's frame.

    Raises:
        InputError: forces are missing, there is no pair, a pair cannot be superposed, or a set holds several molecules.
    """
    if a.forces is None or b.forces is None:
        missing = a.level if a.forces is None else b.level
        raise InputError(f"comparing forces needs both levels, {missing} has none: label its frames")
    if not len(pairs[0]):
        raise InputError(f"comparing forces of {a.level} and {b.level} needs shared frames, found 0: label some twice")
    return float(np.abs(a.forces[pairs[0]] - turned_forces(a, b, pairs)).mean())


def turned_forces(a: LabelSet, b: LabelSet, pairs: tuple[IntArray, IntArray]) -> FloatArray:
    """Forces of b in eV/Å, turned onto the matched frames of a and in a's order of atoms, shape [P, A, 3].

    Raises:
        InputError: b has no forces, a pair cannot be superposed, or a set holds several molecules.
    """
    if b.forces is None:
        raise InputError(f"comparing forces needs both levels, {b.level} has none: label its frames")
    if not len(pairs[0]):
        return np.empty((0, *a.positions.shape[1:]))
    superposed = superpose(a, b, pairs)
    worst = int(np.argmax(superposed.rmsd_ang))
    if superposed.rmsd_ang[worst] > _SUPERPOSED_RMSD_ANG:
        raise InputError(
            f"matched frames must superpose within {_SUPERPOSED_RMSD_ANG:g} Å, frames {a.frame_id[pairs[0][worst]]} "
            f"and {b.frame_id[pairs[1][worst]]} leave {superposed.rmsd_ang[worst]:.3g} Å: leave that pair out"
        )
    forces_b = np.take_along_axis(b.forces[pairs[1]], superposed.atom_order[:, :, None], axis=1)
    return np.asarray(np.einsum("pij,paj->pai", superposed.rotation, forces_b))


def _candidates(
    a: Composition, set_a: LabelSet, b: Composition, set_b: LabelSet, tol_ang: float
) -> tuple[Composition, Composition]:
    """Frames that may have a copy in the other set (or in their own, besides themselves); of small molecules all.

    The fingerprints of a large molecule take longest. Their `group_norms` take no time and differ by no more than they.
    """
    n_atoms = len(a.numbers)
    if n_atoms <= _ATOMS_MANY:
        return a, b
    norms_a, norms_b = _in_rows(a, set_a, group_norms), _in_rows(b, set_b, group_norms)
    radius = tol_ang * np.sqrt(n_atoms * (n_atoms - 1) / 2) * (1 + 1e-9) + 1e-9 * norms_a.max(initial=0.0)
    near = cKDTree(norms_a).sparse_distance_matrix(cKDTree(norms_b), radius, output_type="ndarray")
    rows_a, rows_b = near["i"], near["j"]
    if a is b:
        others = rows_a != rows_b
        rows_a, rows_b = rows_a[others], rows_b[others]
    return replace(a, rows=a.rows[np.unique(rows_a)]), replace(b, rows=b.rows[np.unique(rows_b)])


def _fingerprints(composition: Composition, labels: LabelSet) -> FloatArray:
    """Fingerprints of its frames in the order of their rows, whatever the order of their atoms."""
    return _in_rows(composition, labels, distance_fingerprints)


def _in_rows(composition: Composition, labels: LabelSet, of_one: Callable[[LabelSet], FloatArray]) -> FloatArray:
    """What is computed of frames of one order of atoms, for all frames of a composition in the order of their rows."""
    part = labels if len(composition.rows) == len(labels) else labels.select(composition.rows)
    orders = split_molecules(part)
    if len(orders) == 1:
        return of_one(orders[0].labels)
    values = np.concatenate([of_one(order.labels) for order in orders])
    in_order: FloatArray = values[np.argsort(np.concatenate([order.rows for order in orders]))]
    return in_order


def _originals(fingerprints: FloatArray, tol_ang: float) -> IntArray:
    """For each frame the first frame with its geometry, perhaps itself."""
    # Exact copies first: a file that repeats one frame would otherwise give N^2 close pairs.
    _, first, which = np.unique(fingerprints, axis=0, return_index=True, return_inverse=True)
    original = first[which.ravel()].astype(np.int64)
    distinct = np.sort(first)
    rows_a, rows_b = _close_pairs(fingerprints[distinct], fingerprints[distinct], tol_ang)
    later = rows_a < rows_b
    for i, j in zip(distinct[rows_a[later]], distinct[rows_b[later]], strict=True):
        original[j] = min(original[j], original[i])
    return original[original]


def _close_pairs(a: FloatArray, b: FloatArray, tol_ang: float) -> tuple[IntArray, IntArray]:
    """Pairs of rows whose root mean square difference is at most tol_ang.

    A KD-tree on hundreds of columns degenerates. Orthogonal projections never lengthen a difference, so the tree sees
    the few directions in which the frames vary most, and its candidates are then measured in full: nothing is lost.
    """
    columns = a.shape[1]
    if not columns:  # single atoms: one geometry only
        rows_a, rows_b = np.divmod(np.arange(len(a) * len(b), dtype=np.int64), len(b))
        return rows_a, rows_b
    radius = tol_ang * np.sqrt(columns)
    if columns > _PROJECTIONS:
        sample = b[:: len(b) // _BLOCK + 1]
        directions = principal_directions(sample, _PROJECTIONS)
        tree_a, tree_b = cKDTree(a @ directions), cKDTree(b @ directions)
    else:
        tree_a, tree_b = cKDTree(a), cKDTree(b)
    found = tree_a.sparse_distance_matrix(tree_b, radius * (1 + 1e-9) + 1e-12, output_type="ndarray")
    rows_a, rows_b = found["i"].astype(np.int64), found["j"].astype(np.int64)
    order = np.lexsort((rows_b, rows_a))
    rows_a, rows_b = rows_a[order], rows_b[order]
    near = np.empty(len(rows_a), dtype=np.bool_)
    size = rows_at_a_time(columns, _BLOCK)
    for start in range(0, len(rows_a), size):
        block = slice(start, start + size)
        near[block] = np.sqrt(((a[rows_a[block]] - b[rows_b[block]]) ** 2).mean(axis=1)) <= tol_ang
    return rows_a[near], rows_b[near]


def _best_rotation(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Proper rotations, and reflections for the pairs that only those superpose."""
    rotation, rmsd = kabsch(a, b)
    reflection, rmsd_reflected = kabsch(a, b, mirror=True)
    mirrored = (rmsd > _SUPERPOSED_RMSD_ANG) & (rmsd_reflected < rmsd)
    rotation[mirrored] = reflection[mirrored]
    return rotation, np.where(mirrored, rmsd_reflected, rmsd), mirrored


def _like_atom_order(numbers_a: IntArray, a: FloatArray, numbers_b: IntArray, b: FloatArray) -> IntArray:
    """Find the atom of b that plays the part of each atom of a: like elements with similar sorted distances."""
    from scipy.optimize import linear_sum_assignment  # slow to load

    around_a, around_b = _surroundings(numbers_a, a), _surroundings(numbers_b, b)
    order = np.empty(len(numbers_a), dtype=np.int64)
    for element in np.unique(numbers_a):
        atoms_a, atoms_b = np.flatnonzero(numbers_a == element), np.flatnonzero(numbers_b == element)
        cost = np.abs(around_a[atoms_a][:, None] - around_b[atoms_b][None]).sum(axis=2)
        chosen_a, chosen_b = linear_sum_assignment(cost)
        order[atoms_a[chosen_a]] = atoms_b[chosen_b]
    return order


def _surroundings(numbers: IntArray, positions: FloatArray) -> FloatArray:
    """For each atom its distances to the atoms of each element, sorted inside each element, shape [A, A]."""
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    return np.concatenate([np.sort(distances[:, numbers == z], axis=1) for z in np.unique(numbers)], axis=1)
