"""Molecules in periodic boxes: in one piece, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase
import ase.db
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase_water import E, F, R, frames

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_molecule_longer_than_half_its_box_stays_whole(tmp_path: Path) -> None:
    chain = ase.Atoms("C8", positions=[[1.3 * i, 0.4 * (i % 2), 0.0] for i in range(8)], cell=[16, 12, 12], pbc=True)
    chain.calc = SinglePointCalculator(chain, energy=-1.0, forces=np.zeros((8, 3)))
    ase.io.write(tmp_path / "labels.traj", chain)
    declared = Declaration(level="pbe", vacuum_box=True)
    found = read_labels(tmp_path / "labels.traj", declared).labels.positions[0]
    np.testing.assert_allclose(found - found[0], chain.positions - chain.positions[0], atol=1e-12)
    chain.set_cell([10, 5, 5])  # a box that is none, with its pbc off
    chain.pbc = False
    chain.calc = SinglePointCalculator(chain, energy=-1.0, forces=np.zeros((8, 3)))
    ase.io.write(tmp_path / "labels.traj", chain)
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.traj", declared).labels.positions[0], chain.positions)


def test_nothing_repeats_without_a_cell(tmp_path: Path) -> None:
    free = frames()
    for atoms in free:
        results = atoms.calc.results
        atoms.pbc = True
        atoms.calc = SinglePointCalculator(atoms, **results)
    ase.io.write(tmp_path / "labels.traj", free)
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.traj", Declaration(level="pbe")).labels.positions, R)


def test_a_slab_has_no_vacuum_around_it(tmp_path: Path) -> None:
    for length in (6.0, 4.5):
        atoms = ase.Atoms("OH2", R[0], cell=[length, 20, 20], pbc=(True, False, False))
        atoms.calc = SinglePointCalculator(atoms, energy=E[0], forces=F[0])
        ase.io.write(tmp_path / f"{length}.traj", atoms)
    read_labels(tmp_path / "6.0.traj", Declaration(level="pbe", vacuum_box=True))
    with pytest.raises(InputError, match=r"needs 5 Å of vacuum, found 4.* in frame 0"):
        read_labels(tmp_path / "4.5.traj", Declaration(level="pbe", vacuum_box=True))
