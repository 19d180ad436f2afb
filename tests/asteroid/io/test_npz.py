"""The npz format: which layout a file has, and what belongs to other formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from npz_files import flattened, plain, refused, saved

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.npz import FORMAT

if TYPE_CHECKING:
    from pathlib import Path


def test_both_layouts_hold_the_same_frames(tmp_path: Path) -> None:
    by_frame = FORMAT.read(saved(tmp_path, plain(), "a.npz"), Declaration())
    by_atom = FORMAT.read(saved(tmp_path, flattened(), "b.npz"), Declaration())
    for field in ("numbers", "positions", "energy", "forces"):
        np.testing.assert_array_equal(getattr(by_atom, field), getattr(by_frame, field))
    bare = FORMAT.read_geometries(tmp_path / "b.npz", Declaration(length_unit="Bohr"))
    np.testing.assert_array_equal(bare.positions, by_frame.positions)
    assert bare.length_unit == "Bohr"


def test_an_npz_file_has_no_box_and_says_its_unit_of_length_or_is_asked(tmp_path: Path) -> None:
    path = saved(tmp_path, plain())
    assert "vacuum_box is for files with a cell" in refused(path, vacuum_box=True)
    with pytest.raises(InputError, match="declare length_unit"):
        FORMAT.read_geometries(path, Declaration())
    stated = saved(tmp_path, plain(r_unit=np.array("Bohr")), "c.npz")
    assert FORMAT.read_geometries(stated, Declaration()).length_unit == "Bohr"
