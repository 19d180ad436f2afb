from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from npz_files import E, F, plain, refused, saved, sgdml

from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path


def test_theory_without_form_needs_a_level(tmp_path: Path) -> None:
    path = saved(tmp_path, sgdml(theory=np.array("unknown")))
    assert "declare level" in refused(path, None)
    assert read_labels(path, Declaration(level="CCSD/cc-pVDZ")).labels.level == "ccsd/cc-pvdz"


def test_shapes_that_disagree_are_refused_with_the_file_name(tmp_path: Path) -> None:
    units = {"energy_unit": "eV", "length_unit": "A"}
    assert "labels.npz: energy needs the shape [4]" in refused(saved(tmp_path, plain(E=E[:3])), **units)
    assert "labels.npz: forces needs the shape" in refused(saved(tmp_path, plain(F=F[:, :2])), **units)
    assert "energies must be numbers" in refused(saved(tmp_path, plain(E=np.array(["a"] * 4))), **units)


def test_energies_alone_are_read_where_they_are_declared(tmp_path: Path) -> None:
    arrays = {key: value for key, value in plain().items() if key != "F"}
    units = {"energy_unit": "eV", "length_unit": "A", "level": "mp2/cc-pvdz"}
    path = saved(tmp_path, arrays)
    assert "declare forces: none" in refused(path, **units)
    found = read_labels(path, Declaration(forces="none", **units)).labels
    assert found.forces is None
    np.testing.assert_array_equal(found.energy, E)
    named = saved(tmp_path, {("energy_ev" if key == "E" else key): value for key, value in arrays.items()})
    again = read_labels(named, Declaration(forces="none", energy_key="energy_ev", **units)).labels
    np.testing.assert_array_equal(again.energy, E)
    whole = saved(tmp_path, plain())
    np.testing.assert_array_equal(read_labels(whole, Declaration(forces="none", **units)).labels.forces, F)


def test_energies_alone_in_extended_xyz(tmp_path: Path) -> None:
    path, lines = tmp_path / "labels.xyz", []
    for energy in (-1.0, -1.5):
        lines += ["2", f'Properties=species:S:1:pos:R:3 REF_energy={energy} pbc="F F F"', "H 0 0 0", f"H 0 0 {-energy}"]
    path.write_text("\n".join(lines) + "\n")
    assert "declare forces: none" in refused(path, level="mp2/cc-pvdz")
    loaded = read_labels(path, Declaration(forces="none", level="mp2/cc-pvdz"))
    assert loaded.labels.forces is None
    assert loaded.labels.energy.tolist() == [-1.0, -1.5]
    assert "energies from REF_energy, no forces" in loaded.notes


def test_a_level_that_contradicts_the_theory_of_a_file_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, sgdml())
    assert "level pbe is declared for labels.npz, which states ccsd_t/cc-pvtz" in refused(path, "pbe")
    assert read_labels(path, Declaration(level="CCSD(T)/cc-pVTZ")).labels.level == "ccsd_t/cc-pvtz"
