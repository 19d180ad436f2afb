"""Frequencies of springs that are known in closed form, and what is projected out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ase.data import atomic_masses
from springs_force_field import springs_force_field

from asteroid.dynamics.normal_modes import frequencies_of, relaxed_with_modes


def test_a_diatomic_has_one_frequency() -> None:
    numbers, strength, rest = np.array([6, 8]), 120.0, 1.13

    def spring(x: np.ndarray) -> tuple[float, np.ndarray]:
        apart = x[1] - x[0]
        length = np.linalg.norm(apart)
        pull = strength * (length - rest) * apart / length
        return 0.5 * strength * (length - rest) ** 2, np.array([pull, -pull])

    found = relaxed_with_modes(spring, numbers, np.array([[0.0, 0.1, 0.0], [0.3, 0.2, 1.2]]))
    assert np.linalg.norm(found.positions[1] - found.positions[0]) == pytest.approx(rest, abs=1e-4)
    masses = atomic_masses[numbers] * 1.66053907e-27
    reduced = masses.prod() / masses.sum()
    expected = math.sqrt(strength * 16.0217663 / reduced) / (2 * math.pi * 2.99792458e10)
    assert found.frequencies == pytest.approx([expected], rel=1e-4)


def test_a_molecule_has_all_but_its_rigid_motions() -> None:
    field = springs_force_field()
    known = field.trained_on

    def label(x: np.ndarray) -> tuple[float, np.ndarray]:
        energy, forces = field.predict(known.numbers, x[None])
        return float(energy[0]), forces[0]

    found = relaxed_with_modes(label, known.numbers, known.positions[3])
    assert len(found.frequencies) == 12
    assert (np.diff(found.frequencies) >= 0).all()
    assert found.frequencies[0] > 100
    assert found.energy_ev == pytest.approx(0.0, abs=1e-5)


def test_a_maximum_has_negative_frequencies() -> None:
    numbers, at = np.array([1, 1]), np.array([[0.0, 0, 0], [0, 0, 1.0]])
    along = np.array([0, 0, -1.0, 0, 0, 1.0])
    assert frequencies_of(-np.outer(along, along), numbers, at)[0] < -100


@pytest.mark.parametrize("bent_ang", [0.0, 1e-3])
def test_a_linear_molecule_bends_in_two_directions(bent_ang: float) -> None:
    """No relaxation ends with atoms on one axis to the last digit."""
    numbers, at = np.array([8, 6, 8]), np.array([[0.0, 0.0, -1.16], [bent_ang, 0.0, 0.0], [0.0, 0.0, 1.16]])
    bend = np.array([[-0.5, 0, 0], [1, 0, 0], [-0.5, 0, 0]])
    stretch = np.array([[0, 0, -1.0], [0, 0, 0], [0, 0, 1.0]])
    turned = bend[:, [1, 0, 2]]
    hessian = sum(k * np.outer(own, own) for k, own in ((6.0, bend), (6.0, turned), (60.0, stretch)))
    found = frequencies_of(np.asarray(hessian), numbers, at)
    assert found[1] == pytest.approx(found[2], rel=1e-3), "of the stretches one has no spring here"
    assert len(found) == 4
