"""Frames of ASE: which energies and forces count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase
import ase.db
import ase.io
import numpy as np
import pytest
from ase.constraints import FixAtoms
from ase_water import E, F, frames

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["labels.traj", "labels.db", "labels.xyz"])
def test_constraints_do_not_zero_forces(tmp_path: Path, name: str) -> None:
    fixed = frames()
    for atoms in fixed:
        atoms.set_constraint(FixAtoms([0]))
        assert not atoms.get_forces()[0].any(), "what a reader would get that applies constraints"
    ase.io.write(tmp_path / name, fixed)
    np.testing.assert_allclose(read_labels(tmp_path / name, Declaration(level="hf")).labels.forces, F, atol=1e-8)


def test_forces_belong_to_the_free_energy(tmp_path: Path) -> None:
    ase.io.write(tmp_path / "labels.traj", frames(free_energy=-5.0))
    loaded = read_labels(tmp_path / "labels.traj", Declaration(level="pbe"))
    assert loaded.labels.energy is not None
    assert loaded.labels.energy.tolist() == [-5.0] * 4
    assert loaded.notes == ("labels from free_energy and forces",)
    named = read_labels(tmp_path / "labels.traj", Declaration(level="pbe", energy_key="energy", forces_key="forces"))
    np.testing.assert_array_equal(named.labels.energy, E)


@pytest.mark.parametrize(
    ("energy", "says"), [("-5.0 eV", "energy=-5.0 eV in frame 0"), ("1.0 2.0", "2 numbers as energy in frame 0")]
)
def test_labels_that_are_no_numbers_are_shown(energy: str, says: str, tmp_path: Path) -> None:
    rows = "O 0 0 0 0 0 0.1\nH 0 0 1 0 0 -0.1\n"
    (tmp_path / "a.xyz").write_text(f'2\nProperties=species:S:1:pos:R:3:forces:R:3 energy="{energy}"\n{rows}')
    with pytest.raises(InputError, match=f"must be numbers, found {says}: repair the file"):
        read_labels(tmp_path / "a.xyz", Declaration(level="hf"))
