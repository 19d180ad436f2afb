"""Methanol with forces that contradict its energies, and pairs of frames that contradict each other."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.neighbour_pairs import NeighbourPairs
from asteroid.datasets import load_methanol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.labels.label_set import LabelSet


def pairs_off(times: NDArray[np.float64], rows: NDArray[np.int64]) -> NeighbourPairs:
    """Pairs that are off by so many times their tolerance."""
    n, one = len(times), np.ones(len(times))
    return NeighbourPairs("", one, one + 0.01 * times, 0.05 * one, 0.01 * one, rows, rows + np.zeros((n, 2), np.int64))


@cache
def methanol() -> LabelSet:
    return load_methanol().accurate


def with_forces(labels: LabelSet, factor: float, rows: NDArray[np.integer] | NDArray[np.bool_]) -> LabelSet:
    forces = np.array(labels.forces)
    forces[rows] *= factor
    return replace(labels, forces=forces)
