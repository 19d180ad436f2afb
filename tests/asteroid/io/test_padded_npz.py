"""The npz layouts with one row for each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from npz_files import KCAL, WATER, E, F, R, check_values, plain, refused, revised, saved, sgdml

from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.units import LENGTH_IN_ANG

if TYPE_CHECKING:
    from pathlib import Path


def test_sgdml_without_units_is_recognised_by_its_total_energies(tmp_path: Path) -> None:
    loaded = read_labels(saved(tmp_path, sgdml()))
    check_values(loaded.labels)
    assert loaded.labels.level == "ccsd_t/cc-pvtz"
    assert "recognised from the keys of sGDML and MD17 and from total energies of" in loaded.units
    assert loaded.units.startswith("energies in kcal/mol, lengths in Angstrom, forces in kcal/mol/Angstrom:")
    assert loaded.notes == ("level ccsd_t/cc-pvtz read from 'Psi4: CCSD(T), cc-pVTZ'",)


def test_sgdml_may_declare_its_units(tmp_path: Path) -> None:
    bohr = LENGTH_IN_ANG["Bohr"]
    content = sgdml(R=R / bohr, E=E / 27.211386024367243, F=F * bohr / 27.211386024367243, type=None)
    path = saved(tmp_path, {**content, "r_unit": np.array(b"Bohr"), "e_unit": np.array(b"Ha")})
    loaded = read_labels(path)
    np.testing.assert_allclose(loaded.labels.energy, E, rtol=1e-9)
    np.testing.assert_allclose(loaded.labels.forces, F, rtol=1e-9)
    np.testing.assert_allclose(loaded.labels.positions, R, rtol=1e-9)
    assert "Hartree/Bohr: declared by e_unit and r_unit in the file" in loaded.units
    assert "stated twice" in refused(path, None, energy_unit="eV")
    check_values(
        read_labels(saved(tmp_path, plain()), Declaration(level="hf", energy_unit="eV", length_unit="A")).labels
    )


def test_revised_md17(tmp_path: Path) -> None:
    loaded = read_labels(saved(tmp_path, revised()))
    check_values(loaded.labels)
    assert loaded.labels.level == "pbe/def2-svp"
    assert "recognised from the keys of revised MD17" in loaded.units
    assert loaded.labels.group is None
    unmarked = saved(tmp_path, revised(old_indices=None))
    assert "declare level" in refused(unmarked, None)
    assert "states pbe/def2-svp" in refused(saved(tmp_path, revised()), "pbe")


def test_named_keys(tmp_path: Path) -> None:
    content = {"z": WATER, "R": R, "E_pbe_svp": E, "F_pbe_svp": F, "E_pbe_ts": 2 * E, "F_pbe_ts": 2 * F}
    path = saved(tmp_path, {**content, "md17_index": np.arange(4)})
    units = {"energy_unit": "eV", "length_unit": "A"}
    loaded = read_labels(path, Declaration(level="pbe", energy_key="E_pbe_svp", forces_key="F_pbe_svp", **units))
    check_values(loaded.labels)
    assert loaded.labels.frame_id.tolist() == [0, 1, 2, 3]
    assert "found the keys E_pbe_svp, E_pbe_ts, F_pbe_svp" in refused(path, **units)
    assert "name both" in refused(path, energy_key="E_pbe_svp", **units)
    missing = refused(path, energy_key="E_pbe", forces_key="F_pbe_svp", **units)
    assert "energies under E_pbe, found the keys" in missing
    assert "no key 'run'" in refused(path, energy_key="E_pbe_svp", forces_key="F_pbe_svp", group_key="run", **units)


def test_one_row_of_elements_per_frame(tmp_path: Path) -> None:
    units = {"energy_unit": "eV", "length_unit": "A"}
    rows = {"Z": np.tile(WATER, (4, 1)), "N": np.full(4, 3), "R": R, "E": E, "F": F, "Q": np.zeros(4), "D": R[:, 0]}
    check_values(read_labels(saved(tmp_path, rows), Declaration(level="mp2", **units)).labels)
    other = np.tile(WATER, (4, 1))
    other[2, 1] = 9
    assert "must be one molecule" in refused(saved(tmp_path, {**rows, "Z": other}), **units)
    assert "found 2 in frame 2, whose row of atomic numbers has 3" in refused(
        saved(tmp_path, {**rows, "N": np.array([3, 3, 2, 3])}), **units
    )
    for same in (np.array(["O", "H", "H"]), np.array([[b"o", b"h", b"H "]] * 4), WATER.astype(np.float32)):
        found = read_labels(saved(tmp_path, {**rows, "Z": same}), Declaration(level="mp2", **units)).labels
        np.testing.assert_array_equal(found.numbers, WATER)
    assert "those of elements, found 'W1'" in refused(
        saved(tmp_path, {**rows, "Z": np.array(["O", "H", "W1"])}), **units
    )
    assert "must be whole" in refused(saved(tmp_path, {**rows, "Z": WATER + 0.5}), **units)
    assert "must be those of elements" in refused(
        saved(tmp_path, {**rows, "Z": np.array([b"O", b"H", b"\xe2"])}), **units
    )


def test_files_of_this_project_need_no_declarations(tmp_path: Path) -> None:
    own = {"level": np.array("mp2/cc-pvdz"), "e_unit": np.array("kcal/mol"), "r_unit": np.array("Angstrom")}
    content = plain(E=E / KCAL, F=F / KCAL, index=np.array([7, 3, 5, 0]), group=np.array([0, 0, 1, 1]), **own)
    loaded = read_labels(saved(tmp_path, {**content, "cpu_s": np.full(4, 6.0)}))
    check_values(loaded.labels)
    assert loaded.labels.level == "mp2/cc-pvdz"
    assert loaded.labels.frame_id.tolist() == [7, 3, 5, 0]
    assert loaded.labels.cpu_s is not None
    assert loaded.notes == ("groups from key group",)
