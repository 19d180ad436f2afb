"""Frames of water, hydrogen and methanol with made-up labels, for tests of sets with several molecules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.build import molecule

from asteroid.labels import LabelSet
from asteroid.molecules import pad

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Planted energies of the elements, eV.
ELEMENTS_EV = {1: -13.0, 6: -1030.0, 8: -2040.0}
_SPRING_EV_ANG2 = 20.0


def spring_labels(
    numbers: NDArray[np.int64], rest: NDArray[np.float64], positions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Springs between all pairs of atoms, weaker with their length, on top of the elements: energies and forces."""
    first, second = np.triu_indices(len(numbers), 1)
    at_rest = np.linalg.norm(rest[first] - rest[second], axis=1)
    stiffness = _SPRING_EV_ANG2 / at_rest**4
    difference = positions[:, first] - positions[:, second]
    length = np.linalg.norm(difference, axis=2)
    energy = 0.5 * (stiffness * (length - at_rest) ** 2).sum(1) + sum(ELEMENTS_EV[int(z)] for z in numbers)
    pull = (stiffness * (length - at_rest) / length)[..., None] * difference
    forces = np.zeros_like(positions)
    np.add.at(forces, (slice(None), first), -pull)
    np.add.at(forces, (slice(None), second), pull)
    return energy, forces


def frames_of(name: str, n: int, seed: int, level: str = "pbe") -> LabelSet:
    """Thermal-like frames of one of ASE's molecules, with labels of its springs."""
    atoms = molecule(name)
    rng = np.random.default_rng(seed)
    positions = atoms.positions + rng.normal(0.0, 0.05, (n, len(atoms), 3))
    energy, forces = spring_labels(atoms.numbers, atoms.positions, positions)
    return LabelSet(atoms.numbers, positions, energy, forces, level)


def mixed(sets: list[LabelSet], seed: int = 0) -> LabelSet:
    """The frames of several sets of one molecule each as one set, shuffled."""
    order = np.random.default_rng(seed).permutation(sum(map(len, sets)))
    numbers = [labels.numbers for labels in sets for _ in range(len(labels))]
    return LabelSet(
        numbers=pad([numbers[i] for i in order]),
        positions=pad([[frame for labels in sets for frame in labels.positions][i] for i in order]),
        energy=np.concatenate([labels.energy for labels in sets])[order],
        forces=pad([[frame for labels in sets for frame in labels.forces][i] for i in order]),
        level=sets[0].level,
    )
