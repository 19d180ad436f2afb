"""Charge and spin that label files state, under whatever key: told, and compared with what stands beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from npz_files import WATER, E, F, R, flattened

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.electrons import Electrons, charge_and_spin
from asteroid.io.read import LoadedLabels, read_labels

if TYPE_CHECKING:
    from pathlib import Path

EV = Declaration(level="pbe", energy_unit="eV", length_unit="Angstrom")


def read(folder: Path, **more: Any) -> LoadedLabels:
    np.savez(folder / "w.npz", **({"z": WATER, "R": R, "E": E, "F": F} | more))
    return read_labels(folder / "w.npz", EV)


def notes(loaded: LoadedLabels) -> list[str]:
    return [note for note in loaded.notes if "states" in note]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"charge": np.array(1)}, "charge +1"),
        ({"charge": np.ones(4)}, "charge +1"),
        ({"charges": -np.ones((4, 1))}, "charge -1"),
        ({"Q": np.full(4, 2)}, "charge +2"),
        ({"total_charge": np.array("-1")}, "charge -1"),
        ({"total_charges": np.full(4, 1)}, "charge +1"),
        ({"multiplicity": np.array([3])}, "no charge and multiplicity 3"),
        ({"charge": np.array(0), "spin": np.array(2)}, "charge +0 and spin 2"),
        ({"about": np.array('{"charge": 1, "multiplicity": 2}')}, "charge +1 and multiplicity 2"),
        ({"charge": np.array(0), "multiplicity": np.array(1)}, ""),
        ({"charges": np.array([[-0.8, 0.4, 0.4]] * 4)}, ""),  # of atoms
        ({"charges": np.array([-0.8, 0.4, 0.4, 0.1])}, ""),
    ],
)
def test_every_usual_key_is_heard(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    assert notes(read(tmp_path, **more)) == ([f"the file states {says}"] if says else [])


def test_frames_of_one_molecule_have_one_charge(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"one charge and spin, found charge \+0 in frame 0 and charge \+1 in frame 2"):
        read(tmp_path, charge=np.array([0, 0, 1, 0]))


def test_one_row_for_each_atom_is_no_obstacle(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", **flattened(charge=np.ones(4), spin=np.array(1)))
    loaded = read_labels(tmp_path / "f.npz", EV)
    assert notes(loaded) == ["the file states charge +1 and spin 1"]
    assert loaded.electrons is not None
    assert loaded.electrons.unpaired(1) == 1  # 2S of nine electrons


def test_what_is_beside_a_file_belongs_to_it(tmp_path: Path) -> None:
    card = {"units": {"R": "Angstrom", "E": "eV"}, "level": "pbe"}
    (tmp_path / "w.meta.json").write_text(json.dumps(card | {"unpaired_electrons": 1}))
    assert notes(read(tmp_path, charge=np.array(1))) == ["the file states charge +1 and multiplicity 2"]
    (tmp_path / "w.meta.json").write_text(json.dumps(card | {"charge": -1}))
    assert read(tmp_path).electrons == Electrons(-1)
    with pytest.raises(InputError, match=r"w\.npz and w\.meta\.json must speak of one molecule, found charge \+1 and"):
        read(tmp_path, charge=np.array(1))


def test_files_of_one_molecule_say_together_what_it_is() -> None:
    assert charge_and_spin([None, Electrons()]) is None
    assert charge_and_spin([Electrons(charge=-1), None, Electrons(multiplicity=2)]) == (-1, 1)
    assert charge_and_spin([Electrons(spin=1.0, protons=9), Electrons(charge=0)]) == (0, 1)
