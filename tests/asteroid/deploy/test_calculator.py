"""The ASE calculator: energies and forces belong together, spreads where they are asked for, boxes refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase import Atoms
from exported_methanol import force_field, frames

from asteroid.deploy.calculator import AsteroidCalculator, asteroid_model
from asteroid.deploy.folder import write_force_field
from asteroid.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def methanol(row: int = 0) -> Atoms:
    known = frames()
    return Atoms(known.numbers, known.positions[row])


def test_forces_are_the_slope_of_the_energy(tmp_path: Path) -> None:
    write_force_field(force_field(), tmp_path / "model")
    atoms = methanol()
    atoms.calc = asteroid_model(tmp_path / "model")
    direction = np.random.default_rng(0).standard_normal((6, 3))
    slope = -(atoms.get_forces() * direction).sum()
    energies = []
    for step in (1e-4, -1e-4):
        atoms.positions = frames().positions[0] + step * direction
        energies.append(atoms.get_potential_energy())
    assert slope == pytest.approx((energies[0] - energies[1]) / 2e-4, rel=1e-6)
    assert "forces_spread" not in atoms.calc.results


def test_the_spread_is_that_of_the_committee() -> None:
    field = force_field()
    atoms = methanol(3)
    atoms.calc = AsteroidCalculator(field, spread=True)
    atoms.get_forces()
    members = [member.energy_and_forces(atoms.numbers, atoms.positions[None]) for member in field.committee]
    assert atoms.calc.results["forces_spread"] == pytest.approx(np.std([f[0] for _, f in members], axis=0, ddof=1))
    assert atoms.calc.results["energy_spread"] == pytest.approx(np.std([e[0] for e, _ in members], ddof=1))
    with pytest.raises(InputError, match="needs a committee"):
        AsteroidCalculator(force_field(1), spread=True)
    alone = AsteroidCalculator(force_field(1))
    assert alone.get_spread(atoms) is None


def test_a_box_and_another_molecule_are_refused() -> None:
    atoms = methanol()
    atoms.calc = AsteroidCalculator(force_field(1))
    atoms.pbc = True
    with pytest.raises(InputError, match="periodic box"):
        atoms.get_potential_energy()
    atoms.pbc = False
    atoms.get_potential_energy()
    other = Atoms("CH3SH", positions=atoms.positions)
    other.calc = atoms.calc
    with pytest.raises(InputError, match="found CH4S"):
        other.get_potential_energy()
