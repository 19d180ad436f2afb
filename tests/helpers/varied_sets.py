"""Made-up sets of several molecules with forces that are the exact slope of their energies."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from asteroid.checks.guards import check_labels
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet
from asteroid.labels.molecules import pad
from asteroid.labels.total_energy import all_electron_energy_ev

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


HYDROGEN = (np.array([1, 1]), np.array([[0.0, 0.0, 0.37], [0.0, 0.0, -0.37]]))
WATER = (np.array([8, 1, 1]), np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]]))
FORMALDEHYDE = (
    np.array([6, 8, 1, 1]),
    np.array([[0.0, 0.0, -0.53], [0.0, 0.0, 0.68], [0.0, 0.94, -1.12], [0.0, -0.94, -1.12]]),
)
AMMONIA = (
    np.array([7, 1, 1, 1]),
    np.array([[0.0, 0.0, 0.11], [0.0, 0.94, -0.27], [0.81, -0.47, -0.27], [-0.81, -0.47, -0.27]]),
)


def springs(
    molecule: tuple[NDArray[np.int64], NDArray[np.float64]],
    n: int,
    seed: int,
    scale: float = 0.04,
    level: str = "ccsd_t/cc-pvdz",
) -> LabelSet:
    """Frames shaken by `scale` Å and turned at random, with a Morse potential between each pair of atoms.

    Energies are total energies, forces their exact slope.
    """
    numbers, rest = molecule
    rng = np.random.default_rng(seed)
    turn = Rotation.random(n, rng=rng).as_matrix()
    positions = np.einsum("nij,naj->nai", turn, rest + scale * rng.normal(size=(n, *rest.shape)))
    energy, forces = np.full(n, 1.01 * all_electron_energy_ev(numbers)), np.zeros_like(positions)
    depth, steep = 4.5, 1.9
    for i, j in combinations(range(len(numbers)), 2):
        apart = positions[:, i] - positions[:, j]
        distance = np.linalg.norm(apart, axis=1)
        left = 1.0 - np.exp(-steep * (distance - np.linalg.norm(rest[i] - rest[j])))
        energy += depth * left**2
        pull = (2.0 * depth * steep * left * (1.0 - left) / distance)[:, None] * apart
        forces[:, i] -= pull
        forces[:, j] += pull
    return LabelSet(numbers, positions, energy, forces, level)


def together(sets: Sequence[LabelSet], seed: int | None = 0) -> LabelSet:
    """One varied set, its frames shuffled and numbered from 1000 on."""
    n = sum(len(labels) for labels in sets)
    order = np.arange(n) if seed is None else np.random.default_rng(seed).permutation(n)
    joined = LabelSet(
        numbers=pad([labels.numbers for labels in sets for _ in range(len(labels))]),
        positions=pad([frame for labels in sets for frame in labels.positions]),
        energy=np.concatenate([labels.energy for labels in sets]),
        forces=pad([frame for labels in sets for frame in labels.forces]),
        level=sets[0].level,
    )
    return replace(joined.select(order), frame_id=1000 + np.arange(n))


@cache
def parts() -> tuple[LabelSet, LabelSet, LabelSet]:
    methanol = replace(load_methanol().accurate, cpu_s=None, group=None)
    return methanol, springs(WATER, 60, 1), springs(FORMALDEHYDE, 80, 2)


@cache
def mixed() -> LabelSet:
    """1,360 frames of methanol, 60 of water and 80 of formaldehyde."""
    return together(parts())


def rows_of(formula_atoms: tuple[int, ...], labels: LabelSet | None = None) -> NDArray[np.int64]:
    labels = mixed() if labels is None else labels
    key = tuple(sorted(formula_atoms))
    return np.flatnonzero([tuple(sorted(row[row > 0])) == key for row in labels.numbers])


H2O, CH2O, CH4O = (8, 1, 1), (6, 8, 1, 1), (6, 8, 1, 1, 1, 1)


def refused(labels: LabelSet, check: Callable[[LabelSet, str], object] = check_labels) -> str:
    with pytest.raises(InputError) as caught:
        check(labels, "mixed.xyz")
    message = str(caught.value)
    assert "\n" not in message
    assert "mixed.xyz" in message
    assert len(message) < 500
    return message


def in_another_order(labels: LabelSet, row: int, seed: int, *, mirror: bool = False) -> LabelSet:
    """One frame turned, shifted and with all its atoms shuffled, in a set of its own."""
    rng = np.random.default_rng(seed)
    size = int(labels.n_atoms[row])
    order = rng.permutation(size)
    while np.array_equal(labels.numbers[row, order], labels.numbers[row, :size]):
        order = rng.permutation(size)
    turn = Rotation.random(rng=rng).as_matrix() * (-1.0 if mirror else 1.0)
    assert labels.energy is not None
    assert labels.forces is not None
    return LabelSet(
        labels.numbers[row, order],
        (labels.positions[row, order] @ turn.T + rng.normal(size=3))[None],
        labels.energy[[row]],
        (labels.forces[row, order] @ turn.T)[None],
        labels.level,
    )


@cache
def small() -> LabelSet:
    return together([part.select(np.arange(20)) for part in parts()])


NAMES = {3: "H2O", 4: "CH2O", 6: "CH4O"}


def scaled(name: str, factor: float, rows: NDArray[np.int64] | None = None, labels: LabelSet | None = None) -> LabelSet:
    labels = mixed() if labels is None else labels
    values = np.array(getattr(labels, name))
    values[slice(None) if rows is None else rows] *= factor
    return replace(labels, **{name: values})
