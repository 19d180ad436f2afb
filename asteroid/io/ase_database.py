"""Labels in ASE databases (SQLite); their key-value pairs and data can be named as keys."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from ase.db import connect

from asteroid.errors import InputError
from asteroid.io.ase_frames import ase_geometries, ase_labels, read_frames
from asteroid.io.electrons import Electrons
from asteroid.io.foreign import foreign_parser
from asteroid.io.label_format import LabelFormat
from asteroid.io.nested_units import stated_in_mapping
from asteroid.io.said import Said
from asteroid.io.stated_units import stated_in_pair
from asteroid.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from asteroid.io.declaration import Declaration
    from asteroid.io.file_units import FileGeometries, FileLabels
    from asteroid.io.stated_units import Statement

#: Columns of a row that ASE reads as JSON with arrays in it.
_JSON_COLUMNS = ("key_value_pairs", "data", "calculator_parameters", "constraints")


def _read(path: Path, declared: Declaration) -> FileLabels:
    refuse_other_databases(path)
    stated = _stated(path, declared.label_keys(path.name) or ("energy", "forces"))
    convention = "recognised from ASE, which converts to its units"
    return ase_labels(_frames(path), path.name, declared, convention, stated)


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    refuse_other_databases(path)
    return ase_geometries(_frames(path), path.name, declared, _stated(path, ("energy", "forces")))


def _electrons(path: Path) -> Electrons:
    said = Said(path.name)
    for _ in said.listen(_frames(path)):
        pass
    return next((electrons for electrons, _ in said.electrons.values()), Electrons())


def _frames(path: Path) -> Iterator[Atoms]:
    return read_frames(_rows(path), _rule(path))


def _rows(path: Path) -> Iterator[Atoms]:
    with connect(path, use_lock_file=False) as database:  # type: ignore[no-untyped-call]
        for row in database.select():
            atoms = row.toatoms()
            atoms.info |= {**row.key_value_pairs, **row.data}
            yield atoms


def _stated(path: Path, keys: tuple[str, str | None]) -> tuple[Statement, ...]:
    """Units in the database's metadata; SchNetPack keeps those of every property and of distances there.

    Raises:
        InputError: the metadata cannot be read, or a unit is not known.
    """
    source = path.name
    with (
        foreign_parser(_rule(path), "write it with ase.db"),
        connect(path, use_lock_file=False) as database,  # type: ignore[no-untyped-call]
    ):
        metadata = dict(database.metadata)
    of_properties = metadata.get("_property_unit_dict")
    of_others = {k: v for k, v in metadata.items() if v is not True and k != "_property_unit_dict"}
    found = stated_in_mapping(of_others, source, "its metadata")
    if isinstance(of_properties, dict):
        for key, about in zip(keys, ("energy", "force"), strict=True):
            if isinstance(unit := of_properties.get(key), str):
                found += stated_in_pair(f"{about}_unit", unit, source, f"its metadata, {key}")
    return found


def refuse_other_databases(path: Path) -> None:
    """Look into a SQLite file before ASE does: ASE would write its tables into any other, and make claimed arrays.

    Raises:
        InputError: it is no ASE database, or a value claims to be an array of another size than it has.
    """
    with (
        foreign_parser(_rule(path), "write it with ase.db"),
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database,
    ):
        # A view is a program, which may never end.
        kinds = dict(database.execute("SELECT name, type FROM sqlite_master"))
        if kinds.get("systems") != "table":
            raise InputError(f"{path.name} must be an ASE database, found no table 'systems': write it with ase.db")
        if programs := sorted(name for name, kind in kinds.items() if kind in ("view", "trigger")):
            raise InputError(
                f"{path.name} must be an ASE database, found the view or trigger "
                f"{one_line(programs[0], 40)!r}: write it with ase.db"
            )
        for column in _JSON_COLUMNS:
            query = f"SELECT id, {column} FROM systems WHERE {column} LIKE '%__ndarray__%'"  # noqa: S608 - our names
            for number, text in database.execute(query):
                if isinstance(text, str):
                    _refuse_claimed_arrays(json.loads(text), f"row {number} of {path.name}")


def _refuse_claimed_arrays(value: object, where: str) -> None:
    """ASE makes an array of the shape that is written beside its numbers, however few these are."""
    if isinstance(value, list):
        for item in value:
            _refuse_claimed_arrays(item, where)
    elif isinstance(value, dict):
        claim = value.get("__ndarray__")
        if isinstance(claim, list) and len(claim) == 3 and isinstance(claim[0], list) and isinstance(claim[2], list):
            shape = [size for size in claim[0] if isinstance(size, int)]
            if math.prod(shape) != len(claim[2]):
                raise InputError(
                    f"arrays of {where} must have the size that they claim, found {len(claim[2])} numbers for the "
                    f"shape {shape}: write it again"
                )
        for item in value.values():
            _refuse_claimed_arrays(item, where)


def _rule(path: Path) -> str:
    return f"{path.name} must be an ASE database"


FORMAT = LabelFormat(
    name="ASE database",
    read=_read,
    read_geometries=_read_geometries,
    suffixes=(".db",),
    electrons=_electrons,
    length_unit="Angstrom",
)
