"""Forces of a small molecule as springs that pull at each other: what finds the forces of another frame.

The energy is a quadratic form in y_p = 1 - r0_p / r_p over all pairs of atoms p, with r0_p the pair's median distance:
E = a.y + y.H.y / 2, as Simons, Parr and Finlan (J. Chem. Phys. 59, 3229, 1973) expand diatomic molecules, with all
products of two pairs. It is linear in a and H, is fitted to the forces, and leaves .01-.4 % of the squared forces of
the median frame of the sets of `benchmarks/planted_faults.py`, a tenth of what plain springs leave, and 12 % of any
frame. Up to 9 atoms; beyond, H has more numbers than most sets can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.springs import SpringFit, compared
from asteroid.labels.fingerprints import pair_distances

if TYPE_CHECKING:
    from asteroid.labels.label_set import BoolArray, FloatArray, IntArray, LabelSet

#: Unknowns at most, and equations for each: fewer fit the noise, more teach nothing.
_UNKNOWN_MAX, _EQUATIONS_MIN, _EQUATIONS_MAX = 800, 8, 32
_FRAMES_ENOUGH = 300
#: Ridge, over the mean of the diagonal.
_RIDGE = 1e-7
#: Distances over the median one between which y is evaluated.
_STRETCH = (0.4, 3.0)
#: Numbers that a block of the design matrix may have.
_BLOCK_NUMBERS = 4_000_000
#: Frames are judged where no pair is further from its median than this many times what nine of ten frames are: a
#: quadratic form that is fitted to cold frames says nothing of hot ones.
_INSIDE = 2.5
#: A frame contradicts its geometry where its misfit is beyond this and beyond so many times that of nine of ten frames,
#: and where what it misses is so many times the square that the median frame misses.
_MISFIT, _MISFIT_TIMES, _MISSED_TIMES = 0.1, 15.0, 30.0


def fit_coupled_springs(labels: LabelSet, sound: BoolArray, bonded: BoolArray) -> SpringFit | None:
    """Fit coupled springs to the forces of one molecule and compare every frame with them.

    Args:
        labels: energies and forces of one molecule in one order of atoms.
        sound: frames that may be fitted to, shape [N].
        bonded: frames that have all bonds of the median frame, as plain springs apply to them, shape [N].

    Returns:
        The comparison, its misfits over the largest that a sound frame has: beyond 1 forces contradict the geometry.
        None where the molecule is too large or the frames are too few.
    """
    assert labels.forces is not None
    first, second = np.triu_indices(labels.positions.shape[1], 1)
    unknown, equations = len(first) * (len(first) + 3) // 2, 3 * labels.positions.shape[1]
    if not len(first) or unknown > _UNKNOWN_MAX:
        return None
    usable = np.flatnonzero(bonded & sound)
    if len(usable) * equations < _EQUATIONS_MIN * unknown:
        return None
    at_rest = np.median(pair_distances(labels.positions[usable], (first, second)), axis=0)
    pairs = (first, second, at_rest)
    stretch = _stretch(labels.positions, pairs)
    off = np.abs(stretch)  # the median is 0
    reach = (off / np.maximum(np.quantile(off[usable], 0.9, axis=0), 1e-12)).max(axis=1)
    applies = bonded & (reach <= _INSIDE)
    enough = max(_FRAMES_ENOUGH, _EQUATIONS_MAX * unknown // equations)
    fitted_to = usable[np.unique(np.linspace(0, len(usable) - 1, min(enough, len(usable))).astype(np.int64))]
    squares = np.square(labels.forces).sum(axis=(1, 2))
    weight = 1.0 / (squares + np.median(squares[usable]) + np.finfo(float).tiny)
    fit, limit = _judged(labels, applies, stretch, pairs, _solved(labels, fitted_to, weight, stretch, pairs))
    second_time = fitted_to[fit.misfit[fitted_to] < limit]
    if len(second_time) < len(fitted_to) and len(second_time) * equations >= _EQUATIONS_MIN * unknown:
        solved = _solved(labels, second_time, weight, stretch, pairs)
        fit, limit = _judged(labels, applies, stretch, pairs, solved)
    # What a quadratic form leaves out grows with the way out: frames there may miss more.
    allowed = limit * np.square(np.maximum(reach, 1.0))
    return SpringFit(fit.applies, fit.misfit / allowed, fit.scale, fit.alike, fit.energy_off_ev)


_Pairs = tuple["IntArray", "IntArray", "FloatArray"]


def _stretch(positions: FloatArray, pairs: _Pairs) -> FloatArray:
    """The y of all pairs, shape [N, P]."""
    first, second, at_rest = pairs
    return np.asarray(1.0 - 1.0 / np.clip(pair_distances(positions, (first, second)) / at_rest, *_STRETCH))


def _slopes(positions: FloatArray, pairs: _Pairs) -> FloatArray:
    """The derivatives of y, shape [n, P, 3 A], 1/Å."""
    first, second, at_rest = pairs
    difference = positions[:, first] - positions[:, second]
    distance = np.maximum(np.sqrt(np.square(difference).sum(axis=2)), 1e-6)
    along = difference * (at_rest / distance**3)[:, :, None]
    numbers = np.arange(len(first))
    out = np.zeros((len(positions), len(first), positions.shape[1], 3))
    out[:, numbers, first] = along
    out[:, numbers, second] = -along
    return out.reshape(len(positions), len(first), -1)


def _solved(
    labels: LabelSet, rows: IntArray, weight: FloatArray, stretch: FloatArray, pairs: _Pairs
) -> tuple[FloatArray, FloatArray]:
    """The a [P] and H [P, P] of least squares, eV."""
    assert labels.forces is not None
    n_pairs = len(pairs[0])
    one, other = np.triu_indices(n_pairs)
    unknown = n_pairs + len(one)
    normal, right = np.zeros((unknown, unknown)), np.zeros(unknown)
    apart = (one != other)[None, :, None]
    for block in _blocks(rows, unknown * 3 * labels.positions.shape[1]):
        slopes, y, root = _slopes(labels.positions[block], pairs), stretch[block], np.sqrt(weight[block])
        products = slopes[:, one] * y[:, other, None] + apart * slopes[:, other] * y[:, one, None]
        design = -np.concatenate([slopes, products], axis=1) * root[:, None, None]
        flat = design.transpose(0, 2, 1).reshape(-1, unknown)
        normal += flat.T @ flat
        right += flat.T @ (labels.forces[block].reshape(len(block), -1) * root[:, None]).ravel()
    normal[np.diag_indices(unknown)] += _RIDGE * np.trace(normal) / unknown
    solution = np.asarray(np.linalg.solve(normal, right), dtype=np.float64)
    curvature = np.zeros((n_pairs, n_pairs))
    curvature[one, other] = curvature[other, one] = solution[n_pairs:]
    return solution[:n_pairs], curvature


def _judged(
    labels: LabelSet,
    applies: BoolArray,
    stretch: FloatArray,
    pairs: _Pairs,
    solved: tuple[FloatArray, FloatArray],
) -> tuple[SpringFit, float]:
    """All frames against the fit, and the misfit beyond which they contradict it."""
    assert labels.forces is not None
    assert labels.energy is not None
    linear, curvature = solved
    pull = linear + stretch @ curvature
    own, expected, both = np.zeros((3, len(labels)))
    for block in _blocks(np.flatnonzero(applies), len(pairs[0]) * 3 * labels.positions.shape[1]):
        forces = labels.forces[block].reshape(len(block), -1)
        predicted = -np.einsum("np,npc->nc", pull[block], _slopes(labels.positions[block], pairs))
        own[block] = np.square(forces).sum(axis=1)
        expected[block] = np.square(predicted).sum(axis=1)
        both[block] = (forces * predicted).sum(axis=1)
    energy = labels.energy - stretch @ linear - 0.5 * ((stretch @ curvature) * stretch).sum(axis=1)
    fit = compared(applies, own, expected, both, energy)
    missed = own + expected - 2 * both
    small = missed <= _MISSED_TIMES * np.median(missed[applies])
    limit = max(_MISFIT, _MISFIT_TIMES * float(np.quantile(fit.misfit[applies], 0.9)))
    misfit = np.where(small, np.minimum(fit.misfit, limit), fit.misfit)
    return SpringFit(applies, misfit, fit.scale, fit.alike, fit.energy_off_ev), limit


def _blocks(rows: IntArray, numbers_of_one: int) -> list[IntArray]:
    step = max(1, _BLOCK_NUMBERS // numbers_of_one)
    return [rows[at : at + step] for at in range(0, len(rows), step)]
