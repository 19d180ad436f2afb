"""The layout of one row per atom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from npz_files import WATER, E, R, check_values, flattened, refused, saved

from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("energy_shape", [(4,), (4, 1)])
def test_one_row_per_atom(tmp_path: Path, energy_shape: tuple[int, ...]) -> None:
    path = saved(tmp_path, flattened(E=E.reshape(energy_shape), run=np.array([0, 0, 1, 1])))
    loaded = read_labels(path, Declaration(level="mp2", energy_unit="eV", length_unit="A", group_key="run"))
    check_values(loaded.labels)
    assert loaded.labels.frame_id.tolist() == [3, 1, 4, 15]
    assert loaded.labels.group is not None
    assert loaded.labels.group.tolist() == [0, 0, 1, 1]
    assert "states no units" in refused(path)
    assert "declare level" in refused(path, None, energy_unit="eV", length_unit="A")
    bare = read_geometries(path, Declaration(level="mp2", length_unit="A", group_key="run"))
    np.testing.assert_array_equal(bare.positions, R)


def test_molecules_of_a_flattened_file_are_named(tmp_path: Path) -> None:
    units = {"energy_unit": "eV", "length_unit": "A"}
    numbers = np.concatenate([WATER, WATER, [6, 1, 1], [8, 1], [8]])
    sizes = np.array([3, 3, 3, 2, 1])
    message = refused(saved(tmp_path, flattened(Z=numbers, N=sizes, E=np.zeros(5))), **units)
    assert message == (
        "frames of labels.npz must be one molecule with one order of atoms, found OH2 in frame 0 and CH2 in frame 2, "
        "in all H2O (2 frames), CH2 (1 frame), HO (1 frame), O (1 frame): write one file for each"
    )
    assert "found OH2 in frame 0 and HOH in frame 3: write the atoms of every frame in one order" in refused(
        saved(tmp_path, flattened(Z=np.concatenate([np.tile(WATER, 3), [1, 8, 1]]))), **units
    )
