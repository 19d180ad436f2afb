"""Files that ASE reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase
import ase.db
import ase.io
import numpy as np
import pytest
from ase_water import E, F, R, frames

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels
from asteroid.io.stated_units import names_gradients

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["labels.traj", "labels.db", "labels.json"])
def test_files_of_ase(tmp_path: Path, name: str) -> None:
    ase.io.write(tmp_path / name, frames())
    loaded = read_labels(tmp_path / name, Declaration(level="CCSD(T)"))
    np.testing.assert_array_equal(loaded.labels.positions, R)
    np.testing.assert_array_equal(loaded.labels.energy, E)
    np.testing.assert_array_equal(loaded.labels.forces, F)
    assert "eV/Angstrom: recognised from ASE" in loaded.units
    np.testing.assert_array_equal(read_geometries(tmp_path / name, Declaration(level="mp2")).positions, R)


def test_gradients_are_turned(tmp_path: Path) -> None:
    ase.io.write(tmp_path / "labels.traj", frames())
    loaded = read_labels(tmp_path / "labels.traj", Declaration(level="hf", forces_are="gradients"))
    np.testing.assert_array_equal(loaded.labels.forces, -F)
    assert "gradients turned into forces" in loaded.notes


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


@pytest.mark.parametrize("key", ["gradient", "gradients", "dft_grad", "dE/dx", "dEdR"])
def test_keys_that_name_gradients_are_not_taken_for_forces(tmp_path: Path, key: str) -> None:
    arrays = {"z": [8, 1, 1], "R": R, "E": E, key: -F}
    np.savez(tmp_path / "g.npz", **arrays)
    keys = {"energy_key": "E", "forces_key": key, "energy_unit": "eV", "length_unit": "Angstrom"}
    with pytest.raises(InputError, match=r"names gradients, the negatives of forces: set forces_are: gradients"):
        read_labels(tmp_path / "g.npz", Declaration(level="hf", **keys))
    loaded = read_labels(tmp_path / "g.npz", Declaration(level="hf", forces_are="gradients", **keys))
    np.testing.assert_array_equal(loaded.labels.forces, F)


@pytest.mark.parametrize("key", ["forces", "f_grad", "forces_from_gradient", "upgrade"])
def test_other_keys_are_forces(key: str) -> None:
    assert not names_gradients(key)


def test_a_gradient_of_turbomole_is_in_units_of_ase(tmp_path: Path) -> None:
    (tmp_path / "gradient").write_text(
        "$grad          cartesian gradients\n  cycle =      1    SCF energy =   -100.01   |dE/dxyz| =  0.01\n"
        "  0.0  0.0  0.0  h\n  0.0  0.0  1.7328  f\n  0.0  0.0  -0.01D+00\n  0.0  0.0  0.01D+00\n$end\n"
    )
    loaded = read_labels(tmp_path / "gradient", Declaration(level="hf"))
    assert loaded.labels.forces[0, 0, 2] == pytest.approx(0.01 * 51.42207, rel=1e-5)
    assert loaded.labels.positions[0, 1, 2] == pytest.approx(0.91696, rel=1e-4)
