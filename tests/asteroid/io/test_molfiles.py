"""Molfiles and SD files: all molecules, and charges wherever they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.errors import InputError
from study.labelling.geometry_files import read_frames, read_molecule, stated_electrons

if TYPE_CHECKING:
    from pathlib import Path

ATOMS = "    0.0000    0.0000    0.0000 O   0{:3d}\n    0.0000    0.0000    {:.4f} H   0  0\n  1  2  1  0\n"


def molfile(properties: str = "", *, code: int = 0, length: float = 0.97, head: str = "by hand") -> str:
    atoms = ATOMS.format(code, length)
    return f"\n  {head}\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n{atoms}{properties}M  END\n"


@pytest.mark.parametrize(
    ("name", "text", "electrons"),
    [
        ("oh.mol", molfile("M  CHG  1   1  -1\n"), (-1, 0)),
        ("oh.sdf", molfile("M  RAD  1   1   2\n") + "> <note>\nM  CHG  1   1   3\n\n$$$$\n", (0, 1)),
        ("ylide.mol", molfile("M  CHG  2   1   1   2  -1\n"), (0, 0)),
        ("old.mol", molfile(code=5), (-1, 0)),
        ("radical.mol", molfile(code=4), (0, 1)),
        ("newer.mol", molfile("M  CHG  1   1   1\n", code=5), (1, 0)),
    ],
)
def test_charges_and_radicals(tmp_path: Path, name: str, text: str, electrons: tuple[int, int]) -> None:
    (tmp_path / name).write_text(text)
    assert read_molecule(tmp_path / name)[0].tolist() == [8, 1]
    assert stated_electrons(tmp_path / name, None, None)[:2] == electrons


def test_all_molecules_of_an_sd_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "conformers.sdf"
    path.write_text("".join(molfile(length=length) + "> <energy>\n-75.0\n\n$$$$\n" for length in (0.9, 1.0, 1.1)))
    np.testing.assert_allclose(read_frames(path).positions[:, 1, 2], [0.9, 1.0, 1.1])
    path.write_text(molfile("M  CHG  1   1  -1\n") + "$$$$\n" + molfile(length=1.0) + "$$$$\n")
    with pytest.raises(InputError, match="must have one charge and spin, found charge -1, nothing: split the file"):
        stated_electrons(path, None, None)


def test_drawings_are_no_geometries(tmp_path: Path) -> None:
    (tmp_path / "flat.mol").write_text(molfile(head="DRAWING 1128261200".ljust(18) + "2D"))
    with pytest.raises(InputError, match=r"found a drawing \(2D\) as molecule 0 of flat.mol: make a geometry"):
        read_frames(tmp_path / "flat.mol")
