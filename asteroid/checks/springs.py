"""Forces as springs between the atoms of a molecule: crude, fitted to the set itself, enough to tell a broken frame.

A force along each pair of atoms at most three bonds apart, f(r) = sum over k of c_k (r0 / r)^k, with r0 the pair's
median distance and one set of c_k for all pairs of the same two elements so many bonds apart. It is linear in the c_k,
so that a few dozen frames suffice, it turns with the molecule, and it neither pushes nor turns the molecule as a whole.
On the 12 real sets of `benchmarks/planted_faults.py` it leaves .4-9 % of the squared forces of the median frame, and
40 % of any frame, where forces that are another frame's leave about 100 % and negated ones nearly 200 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import covalent_radii
from scipy import sparse
from scipy.sparse import csgraph

from asteroid.labels.fingerprints import pair_distances
from asteroid.labels.sites import BOND_RATIO_MAX, BROKEN_RATIO_MIN, often_near

if TYPE_CHECKING:
    from asteroid.labels.label_set import BoolArray, FloatArray, IntArray, LabelSet

_POWERS = (2, 6, 11)
#: Pairs further apart along the bonds have next to no force of their own.
_BONDS_MAX = 3
#: Frames that the median distances are taken from: the whole table of 300 atoms and 10,000 frames would not fit.
_FRAMES_FOR_MEDIAN = 200
#: Numbers that a block of the design matrix may have.
_BLOCK_NUMBERS = 4_000_000
#: Distances over the median one between which the springs are evaluated.
_STRETCH = (0.4, 3.0)
#: Ridge, over the mean of the diagonal: springs that no frame stretches stay slack.
_RIDGE = 1e-6
#: Forces smaller than this many times what springs usually miss are not compared in direction.
_NOISE = 4.0
#: Fewer equations for each unknown fit the noise.
_EQUATIONS_MIN = 8


@dataclass(frozen=True, eq=False)
class SpringFit:
    """Labels of one molecule against springs that were fitted to them.

    Attributes:
        applies: frames that have the bonds of the median frame; the others are not judged, shape [N].
        misfit: squared difference of forces and springs over the squares of both, shape [N]: 0 where they agree, about
            1 where they have nothing to do with each other, 2 where they are opposite; 0 where springs do not apply.
        scale: forces over springs, least squares, shape [N].
        alike: cosine between forces and springs, shape [N].
        energy_off_ev: energy minus that of the springs, from the median, shape [N]; 0 where springs do not apply.
    """

    applies: BoolArray
    misfit: FloatArray
    scale: FloatArray
    alike: FloatArray
    energy_off_ev: FloatArray


@dataclass(frozen=True, eq=False)
class _Springs:
    """Which pairs of atoms have a spring, and of which kind each is."""

    first: IntArray
    second: IntArray
    at_rest: FloatArray
    kind: IntArray
    kinds: int


def fit_springs(labels: LabelSet, sound: BoolArray, misfit_max: float) -> SpringFit | None:
    """Fit springs to the forces of one molecule and compare every frame with them.

    Args:
        labels: energies and forces of one molecule in one order of atoms.
        sound: frames that may be fitted to, shape [N].
        misfit_max: frames that miss more than this in a first fit are left out of a second.

    Returns:
        The comparison; None where there are no bonds or too few frames.
    """
    assert labels.forces is not None
    springs, bonded = _springs_of(labels)
    if springs is None:
        return None
    applies = _with_bonds(labels, bonded)
    unknown, equations = springs.kinds * len(_POWERS), 3 * labels.positions.shape[1]
    fitted_to = applies & sound
    if fitted_to.sum() * equations < _EQUATIONS_MIN * unknown:
        return None
    usual = float(np.median(np.square(labels.forces[fitted_to]).sum(axis=(1, 2))))
    weight = 1.0 / (np.square(labels.forces).sum(axis=(1, 2)) + usual)
    fit = _compared(labels, springs, applies, _coefficients(labels, springs, weight * fitted_to))
    second = fitted_to & (fit.misfit < misfit_max)
    if second.sum() < fitted_to.sum():
        fit = _compared(labels, springs, applies, _coefficients(labels, springs, weight * second))
    return fit


def _springs_of(labels: LabelSet) -> tuple[_Springs | None, tuple[IntArray, IntArray, FloatArray]]:
    """The springs, and the bonds as two atoms each with the length beyond which they are broken."""
    numbers, n_atoms = labels.numbers, len(labels.numbers)
    some = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), _FRAMES_FOR_MEDIAN)).astype(np.int64))
    radii, positions = covalent_radii[numbers], labels.positions[some]
    one, other = often_near(positions, BOND_RATIO_MAX * radii)
    covalent = radii[one] + radii[other]
    is_bond = np.median(pair_distances(positions, (one, other)), axis=0) < BOND_RATIO_MAX * covalent
    bonded = (one[is_bond], other[is_bond], BROKEN_RATIO_MIN * covalent[is_bond])
    ends = (np.r_[bonded[0], bonded[1]], np.r_[bonded[1], bonded[0]])
    graph = sparse.csr_matrix((np.ones(len(ends[0]), dtype=np.int64), ends), shape=(n_atoms, n_atoms))
    first, second = np.triu_indices(n_atoms, 1)
    apart = csgraph.dijkstra(graph, unweighted=True, limit=_BONDS_MAX)[first, second]
    near = apart <= _BONDS_MAX
    if not near.any():
        return None, bonded
    at_rest = np.median(pair_distances(positions, (first[near], second[near])), axis=0)
    lighter, heavier = np.sort([numbers[first[near]], numbers[second[near]]], axis=0)
    codes = (lighter * 200 + heavier) * 10 + apart[near].astype(np.int64)
    found, kind = np.unique(codes, return_inverse=True)
    return _Springs(first[near], second[near], at_rest, kind.ravel(), len(found)), bonded


def _with_bonds(labels: LabelSet, bonded: tuple[IntArray, IntArray, FloatArray]) -> BoolArray:
    first, second, longest = bonded
    return np.asarray((pair_distances(labels.positions, (first, second)) < longest).all(axis=1))


def _coefficients(labels: LabelSet, springs: _Springs, weight: FloatArray) -> FloatArray:
    """The c_k of all kinds of springs, shape [kinds * powers]."""
    assert labels.forces is not None
    unknown = springs.kinds * len(_POWERS)
    normal, right = np.zeros((unknown, unknown)), np.zeros(unknown)
    rows = np.flatnonzero(weight)
    for block in _blocks(rows, labels, springs):
        design = _forces(labels.positions[block], springs) * np.sqrt(weight[block])[:, None, None]
        wanted = labels.forces[block].reshape(len(block), -1) * np.sqrt(weight[block])[:, None]
        flat = design.reshape(-1, unknown)
        normal += flat.T @ flat
        right += flat.T @ wanted.ravel()
    normal[np.diag_indices(unknown)] += _RIDGE * np.trace(normal) / unknown
    return np.asarray(np.linalg.solve(normal, right), dtype=np.float64)


def _compared(labels: LabelSet, springs: _Springs, applies: BoolArray, coefficients: FloatArray) -> SpringFit:
    assert labels.forces is not None
    assert labels.energy is not None
    own, of_springs, both, energy = np.zeros((4, len(labels)))
    for block in _blocks(np.flatnonzero(applies), labels, springs):
        forces = labels.forces[block].reshape(len(block), -1)
        expected = _forces(labels.positions[block], springs) @ coefficients
        own[block] = np.square(forces).sum(axis=1)
        of_springs[block] = np.square(expected).sum(axis=1)
        both[block] = (forces * expected).sum(axis=1)
        energy[block] = labels.energy[block] - _energies(labels.positions[block], springs) @ coefficients
    return compared(applies, own, of_springs, both, energy)


def compared(
    applies: BoolArray, own: FloatArray, expected: FloatArray, both: FloatArray, energy_ev: FloatArray
) -> SpringFit:
    """Put a comparison together from sums over the components of each frame, all of shape [N].

    Args:
        applies: frames that are judged.
        own: squares of the forces, (eV/Å)².
        expected: squares of what springs say.
        both: products of the two.
        energy_ev: energy minus that of the springs.
    """
    missed = np.maximum(own + expected - 2 * both, 0.0)
    size = own + expected + _NOISE * float(np.median(missed[applies]))
    divided = np.divide(missed, size, out=np.zeros(len(own)), where=applies & (size > 0))
    scale = np.divide(both, expected, out=np.ones(len(own)), where=expected > 0)
    length = np.sqrt(own * expected)
    off = np.where(applies, energy_ev - np.median(energy_ev[applies]), 0.0)
    return SpringFit(applies, divided, scale, np.divide(both, length, out=np.zeros_like(both), where=length > 0), off)


def _blocks(rows: IntArray, labels: LabelSet, springs: _Springs) -> list[IntArray]:
    size = 3 * max(labels.positions.shape[1], len(springs.first)) * springs.kinds * len(_POWERS)
    step = max(1, _BLOCK_NUMBERS // size)
    return [rows[at : at + step] for at in range(0, len(rows), step)]


def _forces(positions: FloatArray, springs: _Springs) -> FloatArray:
    """What each coefficient adds to the forces, shape [n, 3 A, kinds * powers]."""
    difference = positions[:, springs.first] - positions[:, springs.second]
    distance = np.sqrt(np.square(difference).sum(axis=2))
    inverse = 1.0 / np.clip(distance / springs.at_rest, *_STRETCH)
    direction = difference / np.maximum(distance, 1e-6)[:, :, None]
    n, n_atoms, pairs = len(positions), positions.shape[1], np.arange(len(springs.first))
    ends = (np.r_[springs.first, springs.second], np.r_[pairs, pairs])
    signs = np.r_[np.ones(len(pairs)), -np.ones(len(pairs))]
    onto_atoms = sparse.csr_matrix((signs, ends), shape=(n_atoms, len(pairs)))
    out = np.empty((n_atoms, n, 3, springs.kinds, len(_POWERS)))
    for kind in range(springs.kinds):
        of_kind = np.flatnonzero(springs.kind == kind)
        strength = np.stack([inverse[:, of_kind] ** power for power in _POWERS], axis=2)
        along = direction[:, of_kind, :, None] * strength[:, :, None, :]
        summed = onto_atoms[:, of_kind] @ along.transpose(1, 0, 2, 3).reshape(len(of_kind), -1)
        out[:, :, :, kind] = summed.reshape(n_atoms, n, 3, len(_POWERS))
    return out.transpose(1, 0, 2, 3, 4).reshape(n, 3 * n_atoms, -1)


def _energies(positions: FloatArray, springs: _Springs) -> FloatArray:
    """What each coefficient adds to the energy, shape [n, kinds * powers]: minus the integral of its force."""
    distance = pair_distances(positions, (springs.first, springs.second))
    stretch = np.clip(distance / springs.at_rest, *_STRETCH)
    out = np.zeros((len(positions), springs.kinds, len(_POWERS)))
    for at, power in enumerate(_POWERS):
        energy = springs.at_rest * stretch ** (1 - power) / (power - 1)
        for kind in range(springs.kinds):
            out[:, kind, at] = energy[:, springs.kind == kind].sum(axis=1)
    return out.reshape(len(positions), -1)
