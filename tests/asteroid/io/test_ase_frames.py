"""Frames of ASE: which energies and forces count, and molecules in periodic boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase
import ase.db
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase_water import E, F, R, frames

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
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


@pytest.mark.parametrize("cell", [[12, 12, 12], [[12, 0, 0], [4, 12, 0], [0, 5, 12]]])
def test_a_molecule_alone_in_its_box(tmp_path: Path, cell: list[object]) -> None:
    boxed = frames()
    for atoms in boxed:
        atoms.set_cell(cell)
        atoms.pbc = True
        results = atoms.calc.results
        atoms.wrap()  # the corner cuts the molecule in pieces
        atoms.calc = SinglePointCalculator(atoms, **results)
    assert np.ptp(boxed[0].positions, axis=0).max() > 5
    ase.io.write(tmp_path / "labels.traj", boxed)
    with pytest.raises(InputError, match=r"frame 0 is periodic.*vacuum_box: true"):
        read_labels(tmp_path / "labels.traj", Declaration(level="pbe"))
    positions = read_labels(tmp_path / "labels.traj", Declaration(level="pbe", vacuum_box=True)).labels.positions
    np.testing.assert_allclose(positions - positions[:, :1], R - R[:, :1], atol=1e-12)
    bare = read_geometries(tmp_path / "labels.traj", Declaration(level="pbe", vacuum_box=True))
    np.testing.assert_array_equal(bare.positions, positions)


def test_a_box_whose_pbc_is_off_cuts_no_molecule_where_it_is_declared(tmp_path: Path) -> None:
    boxed = frames()
    for atoms in boxed:
        results = atoms.calc.results
        atoms.set_cell([12, 12, 12])
        atoms.positions = np.mod(atoms.positions, 12.0)
        atoms.calc = SinglePointCalculator(atoms, **results)
    assert np.ptp(boxed[0].positions, axis=0).max() > 5
    ase.io.write(tmp_path / "labels.traj", boxed)
    positions = read_labels(tmp_path / "labels.traj", Declaration(level="pbe", vacuum_box=True)).labels.positions
    np.testing.assert_allclose(positions - positions[:, :1], R - R[:, :1], atol=1e-12)


def test_nothing_repeats_without_a_cell(tmp_path: Path) -> None:
    free = frames()
    for atoms in free:
        results = atoms.calc.results
        atoms.pbc = True
        atoms.calc = SinglePointCalculator(atoms, **results)
    ase.io.write(tmp_path / "labels.traj", free)
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.traj", Declaration(level="pbe")).labels.positions, R)


@pytest.mark.parametrize(
    ("energy", "says"), [("-5.0 eV", "energy=-5.0 eV in frame 0"), ("1.0 2.0", "2 numbers as energy in frame 0")]
)
def test_labels_that_are_no_numbers_are_shown(energy: str, says: str, tmp_path: Path) -> None:
    rows = "O 0 0 0 0 0 0.1\nH 0 0 1 0 0 -0.1\n"
    (tmp_path / "a.xyz").write_text(f'2\nProperties=species:S:1:pos:R:3:forces:R:3 energy="{energy}"\n{rows}')
    with pytest.raises(InputError, match=f"must be numbers, found {says}: repair the file"):
        read_labels(tmp_path / "a.xyz", Declaration(level="hf"))


def test_a_slab_has_no_vacuum_around_it(tmp_path: Path) -> None:
    for length in (6.0, 4.5):
        atoms = ase.Atoms("OH2", R[0], cell=[length, 20, 20], pbc=(True, False, False))
        atoms.calc = SinglePointCalculator(atoms, energy=E[0], forces=F[0])
        ase.io.write(tmp_path / f"{length}.traj", atoms)
    read_labels(tmp_path / "6.0.traj", Declaration(level="pbe", vacuum_box=True))
    with pytest.raises(InputError, match=r"needs 5 Å of vacuum, found 4.* in frame 0"):
        read_labels(tmp_path / "4.5.traj", Declaration(level="pbe", vacuum_box=True))
