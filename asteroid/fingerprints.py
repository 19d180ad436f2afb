"""Fingerprints of geometries: sorted pair distances, the same in every orientation, place and order of like atoms."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from asteroid.molecules import refuse_several

if TYPE_CHECKING:
    from asteroid.labels import FloatArray, IntArray, LabelSet

_BLOCK = 2048


def pair_distances(positions: FloatArray, pairs: tuple[IntArray, IntArray]) -> FloatArray:
    """Distances of the given atom pairs in Å, shape [N, pairs]."""
    out = np.empty((len(positions), len(pairs[0])))
    for start in range(0, len(positions), _BLOCK):
        block = positions[start : start + _BLOCK]
        difference = block[:, pairs[0]] - block[:, pairs[1]]
        out[start : start + _BLOCK] = np.sqrt(np.einsum("npk,npk->np", difference, difference))
    return out


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
