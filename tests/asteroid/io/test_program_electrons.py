"""Charge and multiplicity in the text of inputs, outputs and PDB files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asteroid.errors import InputError
from asteroid.io.program_electrons import electrons_in_text
from study.labelling.geometry_files import read_molecule, stated_electrons

if TYPE_CHECKING:
    from pathlib import Path

PDB = (
    "HETATM    1  O   OH  A   1       0.000   0.000   0.000  1.00  0.00           O{}\n"
    "HETATM    2  H   OH  A   1       0.000   0.000   0.970  1.00  0.00           H\n"
)
GAUSSIAN = "%chk=a\n#p hf/6-31g\n\ntitle 3 2\n\n-1 1\nO 0.0 0.0 0.0\nH 0.0 0.0 0.97\n\n1 2\n"


@pytest.mark.parametrize(
    ("name", "text", "electrons"),
    [
        ("oh.com", GAUSSIAN, (-1, 0)),
        ("oh.pdb", PDB.format("1-"), (-1, 0)),
        ("oh.pdb", PDB.format("  "), (0, 0)),
        ("oh.pdb", f"MODEL 1\n{PDB.format('1-')}ENDMDL\nEND\n", (-1, 0)),
    ],
)
def test_files_of_geometries(tmp_path: Path, name: str, text: str, electrons: tuple[int, int]) -> None:
    (tmp_path / name).write_text(text)
    assert read_molecule(tmp_path / name)[0].tolist() == [8, 1]
    assert stated_electrons(tmp_path / name, None, None)[:2] == electrons


@pytest.mark.parametrize(
    ("name", "text", "charge", "multiplicity"),
    [
        ("gaussian-out", " Charge = -1 Multiplicity = 2\n", -1, 2),
        ("orca-output", " Total Charge           Charge          ....    1\n", 1, None),
        ("orca-output", " Multiplicity           Mult            ....    3\n", None, 3),
        ("nwchem-out", "          Charge           :     2\n    Spin multiplicity:   1\n", 2, 1),
    ],
)
def test_outputs(tmp_path: Path, name: str, text: str, charge: int | None, multiplicity: int | None) -> None:
    (tmp_path / "a.log").write_text(f"somewhere\n{text}")
    found = electrons_in_text(tmp_path / "a.log", name)
    assert found is not None
    assert (found.charge, found.multiplicity) == (charge, multiplicity)
    assert electrons_in_text(tmp_path / "a.log", "vasp-out") is None


def test_jobs_of_two_molecules_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(" Charge =  0 Multiplicity = 1\n Charge =  1 Multiplicity = 2\n")
    with pytest.raises(InputError, match="found charge 0 and 1: split the file"):
        electrons_in_text(tmp_path / "a.log", "gaussian-out")
