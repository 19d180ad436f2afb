"""Fingerprints of geometries: sorted pair distances, the same in every orientation, place and order of like atoms."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import pdist

from asteroid.labels.molecules import refuse_several

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray, LabelSet

#: Up to so many columns (24 atoms have 276) their covariance matrix is as quick as anything.
_COLUMNS_MAX = 300
#: Rows whose Gram matrix stands for the covariance of more columns than that.
_ROWS_MAX = 400
_BLOCK = 2048
#: Numbers that a block of frames may have: the differences of 2,048 frames of 120 atoms alone would take 350 MB.
_BLOCK_NUMBERS = 2_000_000


def rows_at_a_time(columns: int, most: int) -> int:
    """Rows of that many columns that fit in a block, at most `most`: all up to 30 atoms."""
    return max(1, min(most, _BLOCK_NUMBERS // max(columns, 1)))


def pair_distances(positions: FloatArray, pairs: tuple[IntArray, IntArray]) -> FloatArray:
    """Distances of the given atom pairs in Å, shape [N, pairs]."""
    out = np.empty((len(positions), len(pairs[0])))
    n_atoms = positions.shape[1]
    if len(pairs[0]) > max(_COLUMNS_MAX, n_atoms * (n_atoms - 1) // 4):
        # Of most pairs of a large molecule all are computed, frame by frame: ten times as fast as gathering both ends.
        low, high = np.minimum(*pairs), np.maximum(*pairs)
        at = n_atoms * low - low * (low + 1) // 2 + high - low - 1
        for frame, row in zip(positions, out, strict=True):
            row[:] = pdist(frame)[at]
        return out
    rows = rows_at_a_time(len(pairs[0]), _BLOCK)
    for start in range(0, len(positions), rows):
        block = positions[start : start + rows]
        difference = block[:, pairs[0]] - block[:, pairs[1]]
        out[start : start + rows] = np.sqrt(np.einsum("npk,npk->np", difference, difference))
    return out


def group_norms(labels: LabelSet) -> FloatArray:
    """Lengths of the parts of `distance_fingerprints` that belong to one pair of elements, in Å, shape [N, parts].

    The differences of two frames in these are never more than those of their fingerprints (triangle inequality), and
    they take sums over atoms only: with S and s the sums of |r|^2 and of r over the atoms of an element, the squared
    distances of all pairs of two elements add up to n' S + n S' - 2 s.s', of one element to n S - s.s.
    """
    centred = labels.positions - labels.positions.mean(axis=1, keepdims=True)
    own = [centred[:, labels.numbers == number] for number in np.unique(labels.numbers)]
    size = [part.shape[1] for part in own]
    squares, sums = [np.square(part).sum(axis=(1, 2)) for part in own], [part.sum(axis=1) for part in own]
    columns = []
    for i in range(len(own)):
        for j in range(i + 1):
            one = i == j
            whole = size[i] * squares[i] if one else size[j] * squares[i] + size[i] * squares[j]
            columns.append(whole - (1 if one else 2) * (sums[i] * sums[j]).sum(axis=1))
    return np.asarray(np.sqrt(np.maximum(np.stack(columns, axis=1), 0.0)))


def distance_fingerprints(labels: LabelSet) -> FloatArray:
    """Pair distances in Å, grouped by pair of elements and sorted inside each group, shape [N, A (A - 1) / 2].

    Frames of one composition can be compared whatever the order of their atoms.

    Raises:
        InputError: the set holds several molecules.
    """
    refuse_several(labels, "a table of pair distances", "compare the frames of one molecule at a time")
    first, second = np.triu_indices(len(labels.numbers), 1)
    lighter, heavier = np.sort([labels.numbers[first], labels.numbers[second]], axis=0)
    kind = 1000 * lighter + heavier
    order = np.argsort(kind, kind="stable")
    out = pair_distances(labels.positions, (first[order], second[order]))
    edges = np.flatnonzero(np.diff(kind[order], prepend=-1, append=-1))
    for start, stop in pairwise(edges):
        out[:, start:stop].sort(axis=1)
    return out


def principal_directions(sample: FloatArray, n: int) -> FloatArray:
    """The orthonormal directions in which rows vary most, shape [columns, at most n].

    The covariance matrix of A (A - 1) / 2 pair distances takes time that grows as A^6: minutes for 120 atoms. There a
    few hundred rows span all directions anyway, and those come from their Gram matrix, which has the same eigenvalues.
    Which directions these are decides how fast rows are told apart, never whether: any orthonormal ones would do.

    Args:
        sample: rows to look at, shape [rows, columns].
        n: number of directions; fewer come back where there are fewer columns, or many columns and fewer rows.
    """
    if sample.shape[1] <= _COLUMNS_MAX:
        principal: FloatArray = np.linalg.eigh(np.cov(sample, rowvar=False, ddof=0).reshape(2 * sample.shape[1:]))[1]
        return principal[:, -n:]
    rows = sample[:: -(-len(sample) // _ROWS_MAX)]
    centred = rows - rows.mean(axis=0)
    spanned = centred.T @ np.linalg.eigh(centred @ centred.T)[1][:, -n:]
    # Orthonormal to the last digit also where rows are equal and directions have length zero: Householder's QR.
    return np.asarray(np.linalg.qr(spanned)[0])
