"""Labels in ASE databases, under the names of their key-value pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase
import ase.db
import ase.io
import numpy as np
from ase_water import E, F, frames

from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path


def test_keys_of_a_database(tmp_path: Path) -> None:
    with ase.db.connect(tmp_path / "labels.db") as database:
        for i, atoms in enumerate(frames()):
            database.write(atoms, run=i // 2, e_cc=2 * E[i], data={"f_cc": 3 * F[i]})
    loaded = read_labels(
        tmp_path / "labels.db", Declaration(level="ccsd", energy_key="e_cc", forces_key="f_cc", group_key="run")
    )
    np.testing.assert_array_equal(loaded.labels.energy, 2 * E)
    np.testing.assert_array_equal(loaded.labels.forces, 3 * F)
    np.testing.assert_array_equal(loaded.labels.group, [0, 0, 1, 1])
    bare = read_geometries(tmp_path / "labels.db", Declaration(level="x", group_key="run"))
    np.testing.assert_array_equal(bare.group, [0, 0, 1, 1])
