"""Labels in ASE databases and in whatever else ASE reads: trajectories, vasprun.xml, OUTCAR, outputs of programs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import ase.io
from ase.db import connect
from ase.io.formats import UnknownFileTypeError

from asteroid.errors import InputError
from asteroid.io.ase_frames import labels_of_frames, read_frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from asteroid.io.file_units import FileLabels


def read_ase(path: Path, **options: Any) -> FileLabels:
    """Read labels from a file that ASE reads.

    Args:
        path: the file; a name ending in .db is an ASE database (SQLite), whose key-value pairs and data can be named
            as keys.
        **options: as in `asteroid.io.ase_frames.labels_of_frames`.

    Raises:
        InputError: ASE knows no such file or cannot read it, a label is missing, or frames are periodic.
    """
    return labels_of_frames(
        ase_frames(path), path.name, convention="recognised from ASE, which converts to its units", **options
    )


def ase_frames(path: Path) -> Iterator[Atoms]:
    """The frames of an ASE database or of any file that ASE reads.

    Raises:
        InputError: ASE knows no such file or cannot read it.
    """
    if path.suffix.lower() == ".db":
        _refuse_other_databases(path)
        return read_frames(_rows(path), f"{path.name} must be an ASE database")
    return read_frames(_any_frames(path), f"{path.name} must be a file that ASE reads")


def _any_frames(path: Path) -> Iterator[Atoms]:
    try:
        yield from ase.io.iread(path, index=":", do_not_split_by_at_sign=True)
    except UnknownFileTypeError as error:
        raise InputError(
            "labels and geometries are read from .npz, .xyz or .extxyz, an ASE database (.db) or a trajectory that ASE "
            f"knows, found {path.name!r}: convert the file"
        ) from error


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
