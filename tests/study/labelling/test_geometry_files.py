"""Geometries of this project's and of other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.errors import InputError
from study.labelling.geometry_files import read_frames, read_molecule

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
    with pytest.raises(InputError, match=r"found 0\.07 Å between atoms 0 and 1"):
        read_molecule(tmp_path / "close.xyz")
    with pytest.raises(InputError, match="found no file"):
        read_frames(tmp_path / "none.xyz")
