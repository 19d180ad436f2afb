"""Labels in ASE databases (SQLite); their key-value pairs and data can be named as keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from ase.db import connect

from asteroid.errors import InputError
from asteroid.io.ase_frames import ase_geometries, ase_labels, read_frames
from asteroid.io.label_format import LabelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from asteroid.io.declaration import Declaration
    from asteroid.io.file_units import FileGeometries, FileLabels


def _read(path: Path, declared: Declaration) -> FileLabels:
    return ase_labels(_frames(path), path.name, declared, "recognised from ASE, which converts to its units")


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    return ase_geometries(_frames(path), path.name, declared)


def _frames(path: Path) -> Iterator[Atoms]:
    _refuse_other_databases(path)
    return read_frames(_rows(path), f"{path.name} must be an ASE database")


def _rows(path: Path) -> Iterator[Atoms]:
    with connect(path, use_lock_file=False) as database:  # type: ignore[no-untyped-call]
        for row in database.select():
            atoms = row.toatoms()
            atoms.info |= {**row.key_value_pairs, **row.data}
            yield atoms


def _refuse_other_databases(path: Path) -> None:
    """ASE would write its tables into any other SQLite file: look before it does."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'systems'").fetchone()
    except sqlite3.Error as error:
        raise InputError(f"{path.name} must be an ASE database, found none ({error}): write it with ase.db") from error
    if not found[0]:
        raise InputError(f"{path.name} must be an ASE database, found no table 'systems': write it with ase.db")


FORMAT = LabelFormat(
    name="ASE database", read=_read, read_geometries=_read_geometries, suffixes=(".db",), length_unit="Angstrom"
)
