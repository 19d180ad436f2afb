"""Geometries of this project's and of other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase
import ase.db
import numpy as np
import pytest

from asteroid.errors import InputError
from study.labelling.geometry_files import read_frames, read_molecule, stated_electrons

if TYPE_CHECKING:
    from pathlib import Path


def test_geometries_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "one.xyz").write_text("2\n\nH 0 0 0\nH 0 0 0.74\n")
    numbers, start = read_molecule(tmp_path / "one.xyz")
    assert numbers.tolist() == [1, 1]
    assert start[1, 2] == 0.74
    np.savez(tmp_path / "bare.npz", z=[1, 1], R=np.array([[[0, 0, 0], [0, 0, 1.4]]]))
    assert read_frames(tmp_path / "bare.npz", length_unit="Bohr").positions[0, 1, 2] == pytest.approx(0.7408, abs=1e-4)
    with pytest.raises(InputError, match="declare length_unit"):
        read_frames(tmp_path / "bare.npz")
    (tmp_path / "close.xyz").write_text("2\n\nH 0 0 0\nH 0 0 0.074\n")
    with pytest.raises(InputError, match=r"the shortest pair \(H-H, frame 0\) is 0\.074 Å"):
        read_molecule(tmp_path / "close.xyz")
    (tmp_path / "gone.xyz").write_text(
        "3\n\nO 0 0 0\nH 0 0 0.97\nH 0 0.97 0\n" * 3 + "3\n\nO 0 0 0\nH 0 0 1\nH 0 99 0\n"
    )
    with pytest.raises(InputError, match=r"frame 3 of gone\.xyz must be one molecule, found atom 2 \(H\) 99 Å"):
        read_frames(tmp_path / "gone.xyz")
    with pytest.raises(InputError, match="found no file"):
        read_frames(tmp_path / "none.xyz")


def test_of_several_geometries_the_first_is_taken_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "optimised.xyz"
    path.write_text("2\n\nH 0 0 0\nH 0 0 0.80\n2\n\nH 0 0 0\nH 0 0 0.74\n")
    said: list[str] = []
    assert read_molecule(path, on_note=said.append)[1][1, 2] == 0.80
    assert said == ["optimised.xyz holds 2 geometries: the first is taken; for another, give a file of its own"]


def test_bohr_is_refused_before_labels_are_paid_for_and_can_be_declared(tmp_path: Path) -> None:
    (tmp_path / "m.xyz").write_text("2\n\nH 0 0 0\nF 0 0 1.73\n")
    with pytest.raises(InputError, match="give the unit of length by --length-unit"):
        read_frames(tmp_path / "m.xyz")
    numbers, start = read_molecule(tmp_path / "m.xyz", length_unit="Bohr")
    assert numbers.tolist() == [1, 9]
    assert start[1, 2] == pytest.approx(0.9155, abs=1e-4)


def test_a_stated_charge_is_taken_and_another_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.xyz"
    path.write_text("2\ncharge=1 multiplicity=2\nH 0 0 0\nF 0 0 0.92\n")
    assert stated_electrons(path, None, None) == (1, 1, "charge 1 and spin 1: as m.xyz states")
    assert stated_electrons(path, 1, None) == (1, 1, "spin 1: as m.xyz states")
    with pytest.raises(InputError, match=r"m\.xyz states charge 1, found --charge 0"):
        stated_electrons(path, 0, None)
    path.write_text("2\ncharge=0\nH 0 0 0\nF 0 0 0.92\n2\ncharge=1\nH 0 0 0\nF 0 0 0.92\n")
    with pytest.raises(
        InputError, match=r"of one charge and spin, found charge \+0 in frame 0 and charge \+1 in frame 1"
    ):
        stated_electrons(path, None, None)
    np.savez(tmp_path / "m.npz", z=[1, 9], R=np.array([[[0, 0, 0], [0, 0, 0.92]]]), charge=-1)
    assert stated_electrons(tmp_path / "m.npz", None, None)[:2] == (-1, 0)
    (tmp_path / "bare.xyz").write_text("2\n\nH 0 0 0\nF 0 0 0.92\n")
    assert stated_electrons(tmp_path / "bare.xyz", None, 2) == (0, 2, None)


@pytest.mark.parametrize("comment", ["units=Bohr", "coordinates (Bohr)", "set={'length': 'Bohr'}"])
def test_a_comment_states_the_unit_of_lengths(tmp_path: Path, comment: str) -> None:
    (tmp_path / "m.xyz").write_text(f"2\n{comment} E=-1 Hartree or -27.2 eV\nH 0 0 0\nF 0 0 1.73\n")
    assert read_frames(tmp_path / "m.xyz").positions[0, 1, 2] == pytest.approx(0.9155, abs=1e-4)
    with pytest.raises(InputError, match="states lengths in Bohr, found length_unit"):
        read_frames(tmp_path / "m.xyz", length_unit="Angstrom")


def test_a_file_without_frames_has_nothing_to_label(tmp_path: Path) -> None:
    np.savez(tmp_path / "none.npz", z=[1, 1], R=np.empty((0, 2, 3)), r_unit=np.array("Angstrom"))
    with pytest.raises(InputError, match=r"none\.npz needs frames, found none"):
        read_frames(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("comment", "electrons"),
    [
        ('{"charge": -1}', (-1, 0)),
        ('info="{\\"charge\\": 1}"', (1, 0)),
        ("charge: 2", (2, 0)),
        ("charge=2- unpaired=1", (-2, 1)),
    ],
)
def test_charges_are_read_however_they_are_written(tmp_path: Path, comment: str, electrons: tuple[int, int]) -> None:
    (tmp_path / "m.xyz").write_text(f"2\n{comment}\nH 0 0 0\nF 0 0 0.92\n")
    assert stated_electrons(tmp_path / "m.xyz", None, None)[:2] == electrons
    (tmp_path / "m.xyz").write_text("2\nmultiplicity=3 unpaired=1\nH 0 0 0\nF 0 0 0.92\n")
    with pytest.raises(InputError, match="states the multiplicity 3 and 1 unpaired electrons"):
        stated_electrons(tmp_path / "m.xyz", None, None)


def test_charge_and_unit_beside_the_arrays_are_read(tmp_path: Path) -> None:
    frames = {"z": [1, 9], "R": np.array([[[0, 0, 0], [0, 0, 1.73]]])}
    np.savez(tmp_path / "m.npz", **frames, about=np.array('{"charge": "1", "length": "Bohr"}'))
    assert read_frames(tmp_path / "m.npz").positions[0, 1, 2] == pytest.approx(0.9155, abs=1e-4)
    assert stated_electrons(tmp_path / "m.npz", None, None)[0] == 1
    np.savez(tmp_path / "n.npz", **frames, charge=np.array("-1"))
    (tmp_path / "n.meta.json").write_text('{"units": {"R": "Bohr", "E": "eV"}}')
    assert read_frames(tmp_path / "n.npz").positions[0, 1, 2] == pytest.approx(0.9155, abs=1e-4)
    assert stated_electrons(tmp_path / "n.npz", None, None)[0] == -1


@pytest.mark.parametrize(
    ("symbols", "comment", "electrons"),
    [
        ("HF", "spin=1", (0, 0)),  # 2S + 1 of ten electrons
        ("HF", "spin=2", (0, 2)),  # 2S of ten
        ("HF", "spin=3", (0, 2)),  # 2S + 1 of ten
        ("HF", "charge=1 spin=1", (1, 1)),  # 2S of nine
        ("HF", "charge=1 total_spin=2", (1, 1)),  # 2S + 1 of nine
        ("HF", "charge=1 spin=0.5", (1, 1)),  # S of nine
        ("HF", "spin=0", (0, 0)),
        ("HF", "spin: restricted", (0, 0)),
        ("HF", "spin=1 multiplicity=2", (0, 1)),
        ("HF", "SPIN=3", (0, 2)),
        ("HF", "Mult=3", (0, 2)),
        ("HF", "1 2", (1, 1)),  # charge and multiplicity as in inputs
        ("HF", "0 1", (0, 0)),
        ("HF", "1 1", (0, 0)),  # which no cation of nine electrons has
        ("HF", "charge 1 mult 2", (1, 1)),
        ("HF", "hydrogen fluoride, charge -1", (-1, 0)),
        ("HF", "molecular_charge=1 molecular_multiplicity=2", (1, 1)),
        ("HF", "Properties=species:S:1:pos:R:3 charge=1 spin=2", (1, 1)),
    ],
)
def test_a_spin_alone_is_told_by_the_number_of_electrons(
    tmp_path: Path, symbols: str, comment: str, electrons: tuple[int, int]
) -> None:
    (tmp_path / "m.xyz").write_text(f"2\n{comment}\n{symbols[0]} 0 0 0\n{symbols[1]} 0 0 0.92\n")
    assert stated_electrons(tmp_path / "m.xyz", None, None)[:2] == electrons


@pytest.mark.parametrize("where", ["key", "text", "sidecar", "database"])
def test_a_spin_is_found_in_every_format(tmp_path: Path, where: str) -> None:
    frames = {"z": [1, 9], "R": np.array([[[0, 0, 0], [0, 0, 0.92]]]), "r_unit": np.array("Angstrom")}
    path = tmp_path / ("m.db" if where == "database" else "m.npz")
    if where == "database":
        with ase.db.connect(path) as database:
            database.write(ase.Atoms([1, 9], frames["R"][0]), spin=3)
    else:
        more = {"key": {"spin": np.array([3])}, "text": {"about": np.array('{"spin": 3}')}}
        np.savez(path, **frames, **more.get(where, {}))
    if where == "sidecar":
        (tmp_path / "m.meta.json").write_text('{"spin": 3}')
    assert stated_electrons(path, None, None)[:2] == (0, 2)
    with pytest.raises(InputError, match=r"states spin 2, found --spin 0"):
        stated_electrons(path, None, 0)


def test_a_charge_that_is_asked_for_says_what_a_spin_means(tmp_path: Path) -> None:
    (tmp_path / "m.xyz").write_text("2\nspin=2\nH 0 0 0\nF 0 0 0.92\n")
    assert stated_electrons(tmp_path / "m.xyz", None, None)[:2] == (0, 2)
    assert stated_electrons(tmp_path / "m.xyz", 1, None)[:2] == (1, 1)


@pytest.mark.parametrize(
    ("comment", "rule"),
    [
        ("spin=0.7", "spin of a molecule is a whole number, or half of one, found spin=0.7 in frame 0"),
        ("spin=-1", "spin of a molecule is a number of at least 0, found spin=-1"),
        ("mult=0", "multiplicity of a molecule is a number of at least 1, found mult=0"),
        ("uhf=-2", "number of unpaired electrons of a molecule is a number of at least 0, found uhf=-2"),
        ("spin=4 mult=3", "states the multiplicity 3 and the spin 4"),
    ],
)
def test_spins_that_no_molecule_has_are_refused(tmp_path: Path, comment: str, rule: str) -> None:
    (tmp_path / "m.xyz").write_text(f"2\n{comment}\nH 0 0 0\nF 0 0 0.92\n")
    with pytest.raises(InputError, match=rule):
        stated_electrons(tmp_path / "m.xyz", None, None)


def test_a_molecule_alone_in_its_box_is_a_free_one(tmp_path: Path) -> None:
    cell = 'Lattice="{0} 0 0 0 {0} 0 0 0 {0}" Properties=species:S:1:pos:R:3 pbc="T T T"'
    (tmp_path / "box.xyz").write_text(f"2\n{cell.format(12)}\nH 11.8 6 6\nF 0.72 6 6\n")
    np.testing.assert_allclose(np.ptp(read_molecule(tmp_path / "box.xyz")[1], axis=0), [0.92, 0, 0], atol=1e-12)
    (tmp_path / "crystal.xyz").write_text(f"2\n{cell.format(4)}\nH 0 0 0\nF 0.92 0 0\n")
    with pytest.raises(InputError, match="periodic systems are not supported"):
        read_molecule(tmp_path / "crystal.xyz")
