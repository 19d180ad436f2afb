"""Labels in ASE databases, under the names of their key-value pairs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import ase
import ase.db
import ase.io
import numpy as np
import pytest
from ase_water import E, F, frames

from asteroid.errors import InputError
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


@pytest.mark.parametrize(
    "program",
    [
        "ALTER TABLE systems RENAME TO s; CREATE VIEW systems AS WITH RECURSIVE c(x) AS "
        "(SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT s.* FROM s, c;",
        "CREATE TRIGGER t AFTER UPDATE ON systems BEGIN DELETE FROM systems; END;",
    ],
)
def test_programs_in_a_database_are_not_run(tmp_path: Path, program: str) -> None:
    """A view can go on for ever, inside a call that no signal ends."""
    with ase.db.connect(tmp_path / "a.db") as database:
        database.write(ase.Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]))
    with closing(sqlite3.connect(tmp_path / "a.db")) as raw:
        raw.executescript(program)
    with pytest.raises(InputError, match="must be an ASE database, found"):
        read_labels(tmp_path / "a.db", Declaration(level="pbe"))


def test_arrays_have_the_size_that_they_claim(tmp_path: Path) -> None:
    """ASE makes an array of any shape out of one number."""
    with ase.db.connect(tmp_path / "a.db") as database:
        database.write(ase.Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]))
    claim = '{"x": {"__ndarray__": [[1000000000], "float64", [1]]}}'
    with closing(sqlite3.connect(tmp_path / "a.db")) as raw, raw:
        raw.execute("UPDATE systems SET key_value_pairs = ?", (claim,))
    with pytest.raises(
        InputError, match=r"must have the size that they claim, found 1 numbers for the shape \[1000000000\]"
    ):
        read_labels(tmp_path / "a.db", Declaration(level="pbe"))
