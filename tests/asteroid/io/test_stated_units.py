"""What files state of their units is used, or refused where it is contradicted; it is never passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ase
import ase.db
import numpy as np
import pytest
from ase_water import E, F, R

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.io.stated_units import stated_in_names, stated_in_pair
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG

if TYPE_CHECKING:
    from pathlib import Path

KCAL, BOHR, HARTREE = ENERGY_IN_EV["kcal/mol"], LENGTH_IN_ANG["Bohr"], ENERGY_IN_EV["Hartree"]


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("energy_unit", "kcal/mol", {"energy": "kcal/mol"}),
        ("force_unit", "Hartree/Bohr", {"force": "Hartree/Bohr"}),
        ("forces_unit", "au", {"force": "Hartree/Bohr"}),
        ("EnergyUnits", "Ha", {"energy": "Hartree"}),
        ("units", "kcal/mol, Angstrom", {"energy": "kcal/mol", "length": "Angstrom"}),
        ("units", "energy:kcal/mol,forces:kcal/mol/A", {"energy": "kcal/mol", "force": "kcal/mol/Angstrom"}),
        ("units", '{"E": "Hartree", "R": "Bohr"}', {"energy": "Hartree", "length": "Bohr"}),
        ("units", "time=fs", {}),
        ("kcal/mol", "", {"energy": "kcal/mol"}),
        ("(kJ/mol/A)", "", {"force": "kJ/mol/Angstrom"}),
        ("comment", "energies in Hartree and coordinates in Bohr", {"energy": "Hartree", "length": "Bohr"}),
        ("hidden_units", "64", {}),
        ("time_unit", "fs", {}),
        ("config_type", "bulk", {}),
        ("level", "pbe/def2-svp", {}),
    ],
)
def test_words_are_told_from_other_words(key: str, value: str, found: dict[str, str]) -> None:
    assert {s.about: s.unit for s in stated_in_pair(key, value, "a.xyz", "frame 0")} == found


def test_unknown_units_of_labels_are_refused() -> None:
    with pytest.raises(InputError, match="states 'Rydberg' as the unit of its energies"):
        stated_in_pair("energy_unit", "Rydberg", "a.xyz", "frame 0")


def test_names_of_keys_state_units() -> None:
    assert [s.unit for s in stated_in_names(("E_kcal", "F_kcal_mol_A"))] == ["kcal/mol", "kcal/mol/Angstrom"]
    assert stated_in_names(("REF_energy", "REF_forces")) == ()


def _xyz(path: Path, comment: str, energy: float = 1.0, force: float = 1.0, length: float = 1.0) -> Path:
    text = ""
    for r, e, f in zip(R, E, F, strict=True):
        text += f"3\nProperties=species:S:1:pos:R:3:forces:R:3 energy={float(e / energy)!r} {comment}\n"
        for symbol, place, push in zip("OHH", r / length, f / force, strict=True):
            text += f"{symbol} {' '.join(map(repr, place.tolist()))} {' '.join(map(repr, push.tolist()))}\n"
    path.write_text(text)
    return path


def test_comment_lines_that_state_units_are_used(tmp_path: Path) -> None:
    stated = "energy_unit=kcal/mol force_unit=kcal/mol/Ang"
    loaded = read_labels(_xyz(tmp_path / "a.xyz", stated, KCAL, KCAL), Declaration(level="pbe"))
    np.testing.assert_allclose(loaded.labels.energy, E)
    np.testing.assert_allclose(loaded.labels.forces, F)
    assert "stated in frame 0 (energy_unit=kcal/mol)" in loaded.units
    path = _xyz(tmp_path / "b.xyz", 'units="Hartree, Bohr"', HARTREE, HARTREE / BOHR, BOHR)
    np.testing.assert_allclose(read_labels(path, Declaration(level="pbe")).labels.forces, F)


def test_statements_that_are_contradicted_are_refused(tmp_path: Path) -> None:
    path = _xyz(tmp_path / "a.xyz", "energy_unit=kcal/mol")
    with pytest.raises(InputError, match=r"stated twice and differ: kcal/mol in frame 0 .*, eV \(declared\)"):
        read_labels(path, Declaration(level="pbe", energy_unit="eV", length_unit="A"))
    text = path.read_text()
    path.write_text(text + text.replace("kcal/mol", "kJ/mol"))
    with pytest.raises(InputError, match="states two units of its energies"):
        read_labels(path, Declaration(level="pbe"))
    path = _xyz(tmp_path / "f.xyz", "force_unit=kcal/mol/Ang")
    with pytest.raises(InputError, match="and no unit of its energies"):
        read_labels(path, Declaration(level="pbe"))


def test_metadata_of_a_database_state_units(tmp_path: Path) -> None:
    path = tmp_path / "spk.db"
    with ase.db.connect(path) as database:
        for r, e, f in zip(R, E, F, strict=True):
            database.write(ase.Atoms("OH2", r / BOHR), data={"energy": [e / HARTREE], "forces": f * BOHR / HARTREE})
        database.metadata = {
            "_property_unit_dict": {"energy": "Hartree", "forces": "Hartree/Bohr"},
            "_distance_unit": "Bohr",
        }
    loaded = read_labels(path, Declaration(level="pbe"))
    np.testing.assert_allclose(loaded.labels.positions, R)
    np.testing.assert_allclose(loaded.labels.energy, E)
    np.testing.assert_allclose(loaded.labels.forces, F)


def test_one_unit_in_an_npz_file_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, z=[8, 1, 1], R=R, E=E / KCAL, F=F / KCAL, e_unit="kcal/mol")
    loaded = read_labels(path, Declaration(level="pbe", length_unit="A"))
    np.testing.assert_allclose(loaded.labels.energy, E)
    with pytest.raises(InputError, match="stated twice and differ"):
        read_labels(path, Declaration(level="pbe", energy_unit="eV", length_unit="A"))


@pytest.mark.parametrize(
    "stated",
    [
        {"Eunit": np.array("kcal/mol"), "Runit": np.array("A")},
        {"units": np.array(["kcal/mol", "Angstrom"])},
        {"units": np.array([b"E: kcal/mol", b"R: Angstrom", b"F: kcal/mol/Angstrom"])},
    ],
)
def test_units_of_several_quantities_are_told_apart(tmp_path: Path, stated: dict[str, Any]) -> None:
    positions = np.array([[[0, 0, 0], [0, 0, 0.9 + 0.01 * i]] for i in range(3)])
    np.savez(tmp_path / "a.npz", z=[1, 9], R=positions, E=np.arange(3.0), F=positions, **stated)
    loaded = read_labels(tmp_path / "a.npz", Declaration(level="pbe"))
    assert loaded.units.startswith("energies in kcal/mol, lengths in Angstrom, forces in kcal/mol/Angstrom")
