from __future__ import annotations

from typing import TYPE_CHECKING

import ase
import ase.db
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path

REST = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])
RNG = np.random.default_rng(0)
R, E, F = REST + 0.05 * RNG.normal(size=(4, 3, 3)), -2000 + RNG.normal(size=4), RNG.normal(size=(4, 3, 3))


def frames(**results: float) -> list[ase.Atoms]:
    out = []
    for i in range(4):
        atoms = ase.Atoms("OH2", R[i])
        atoms.calc = SinglePointCalculator(atoms, energy=E[i], forces=F[i], **results)
        out.append(atoms)
    return out


@pytest.mark.parametrize("name", ["labels.traj", "labels.db", "labels.json"])
def test_files_of_ase(tmp_path: Path, name: str) -> None:
    ase.io.write(tmp_path / name, frames())
    loaded = read_labels(tmp_path / name, Declaration(level="CCSD(T)"))
    np.testing.assert_array_equal(loaded.labels.positions, R)
    np.testing.assert_array_equal(loaded.labels.energy, E)
    np.testing.assert_array_equal(loaded.labels.forces, F)
    assert "eV/Angstrom: recognised from ASE" in loaded.units
    np.testing.assert_array_equal(read_geometries(tmp_path / name, Declaration(level="mp2")).positions, R)


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


def test_keys_of_a_database(tmp_path: Path) -> None:
    with ase.db.connect(tmp_path / "labels.db") as database:
        for i, atoms in enumerate(frames()):
            database.write(atoms, run=i // 2, e_cc=2 * E[i], data={"f_cc": 3 * F[i]})
    loaded = read_labels(
        tmp_path / "labels.db", Declaration(level="ccsd", energy_key="e_cc", forces_key="f_cc", group_key="run")
    )
    np.testing.assert_array_equal(loaded.labels.energy, 2 * E)
    np.testing.assert_array_equal(loaded.labels.forces, 3 * F)
    np.testing.assert_array_equal(loaded.labels.group, [0, 0, 1, 1])
    bare = read_geometries(tmp_path / "labels.db", Declaration(level="x", group_key="run"))
    np.testing.assert_array_equal(bare.group, [0, 0, 1, 1])


def test_gradients_are_turned(tmp_path: Path) -> None:
    ase.io.write(tmp_path / "labels.traj", frames())
    loaded = read_labels(tmp_path / "labels.traj", Declaration(level="hf", forces_are="gradients"))
    np.testing.assert_array_equal(loaded.labels.forces, -F)
    assert "gradients turned into forces" in loaded.notes


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


def test_a_slab_has_no_vacuum_around_it(tmp_path: Path) -> None:
    for length in (6.0, 4.5):
        atoms = ase.Atoms("OH2", R[0], cell=[length, 20, 20], pbc=(True, False, False))
        atoms.calc = SinglePointCalculator(atoms, energy=E[0], forces=F[0])
        ase.io.write(tmp_path / f"{length}.traj", atoms)
    read_labels(tmp_path / "6.0.traj", Declaration(level="pbe", vacuum_box=True))
    with pytest.raises(InputError, match=r"needs 5 Å of vacuum, found 4.* in frame 0"):
        read_labels(tmp_path / "4.5.traj", Declaration(level="pbe", vacuum_box=True))


VASPRUN = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <generator><i name="version" type="string">6.0</i></generator>
 <kpoints><varray name="kpointlist"><v>0 0 0</v></varray><varray name="weights"><v>1</v></varray></kpoints>
 <parameters><separator name="electronic"><i name="NBANDS">4</i></separator></parameters>
 <atominfo><atoms>3</atoms>
  <array name="atoms"><set><rc><c>O</c><c>1</c></rc><rc><c>H</c><c>2</c></rc><rc><c>H</c><c>2</c></rc></set></array>
 </atominfo>
 <structure name="initialpos">
  <crystal><varray name="basis"><v>12 0 0</v><v>0 12 0</v><v>0 0 12</v></varray></crystal>
  <varray name="positions"><v>0 0 0</v><v>0 0.06 0.96</v><v>0 0.94 0.96</v></varray>
 </structure>
 <calculation>
  <scstep><energy><i name="e_fr_energy">-14.3</i><i name="e_wo_entrp">-14.2</i><i name="e_0_energy">-14.1</i></energy>
  </scstep>
  <structure>
   <crystal><varray name="basis"><v>12 0 0</v><v>0 12 0</v><v>0 0 12</v></varray></crystal>
   <varray name="positions"><v>0 0 0.01</v><v>0 0.06 0.97</v><v>0 0.94 0.97</v></varray>
  </structure>
  <varray name="forces"><v>0 0 1</v><v>0 0.5 -0.5</v><v>0 -0.5 -0.5</v></varray>
  <energy><i name="e_fr_energy">-14.3</i></energy>
 </calculation>
</modeling>
"""


def test_vasprun(tmp_path: Path) -> None:
    (tmp_path / "vasprun.xml").write_text(VASPRUN)
    labels = read_labels(tmp_path / "vasprun.xml", Declaration(level="pbe", vacuum_box=True)).labels
    assert labels.numbers.tolist() == [8, 1, 1]
    np.testing.assert_allclose(labels.forces, [[[0, 0, 1], [0, 0.5, -0.5], [0, -0.5, -0.5]]])
    np.testing.assert_allclose(labels.energy, [-14.3])
    from_oxygen = labels.positions[0] - labels.positions[0, 0]
    np.testing.assert_allclose(from_oxygen, [[0, 0, 0], [0, 0.72, -0.48], [0, -0.72, -0.48]], atol=1e-12)
