"""The formats of label files, one file each: a new one is written beside these and added to `FORMATS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io import any_ase_file, ase_database, extxyz, md17, npz, orca_engrad
from asteroid.io.xyz_text import is_xyz

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.io.label_format import LabelFormat

#: Beginnings of files that came in place of others, what they are, and the remedy.
_INSTEAD = (
    (b"version https://git-lfs", "a pointer of Git LFS to the file", "fetch the file by git lfs pull"),
    (b"<!doctype html", "a web page", "download the file itself"),
    (b"<html", "a web page", "download the file itself"),
)

FORMATS = (npz.FORMAT, extxyz.FORMAT, ase_database.FORMAT, orca_engrad.FORMAT, md17.FORMAT)


def format_by_name(path: Path) -> LabelFormat | None:
    """The format that the name of a file states; None for files that only ASE may recognise."""
    return next((known for known in FORMATS if known.has_name(path)), None)


def format_to_read(path: Path) -> LabelFormat:
    """The format of a file of labels or geometries, or of a set of MD17 by name.

    Raises:
        InputError: there is no such file, or nothing here reads it.
    """
    known = format_by_name(path)
    if known is not None and known.prefix is not None:
        return known
    try:
        if path.is_dir():
            raise InputError(
                f"labels are read from a file, found the folder {str(path)!r}: name a file in it, or convert it (sets "
                "of DeePMD-kit with dpdata, to extended XYZ)"
            )
        if not path.is_file():
            raise InputError(f"a label file must exist, found no file {str(path)!r}: correct the path")
        _refuse_what_came_instead(path)
        known = known or _format_by_beginning(path)
    except OSError as error:  # a name that is too long, a loop of links
        raise InputError(f"a label file must exist, found no file {str(path)!r} ({error.strerror})") from error
    if known is None and not any_ase_file.recognises(path):
        suffixes = ", ".join(suffix for known in FORMATS for suffix in known.suffixes)
        raise InputError(
            f"labels and geometries are read from {suffixes} or another file that ASE knows, found {path.name!r}: "
            "convert the file"
        )
    return known or any_ase_file.FORMAT


def _refuse_what_came_instead(path: Path) -> None:
    """Name what downloads often are in place of the file.

    Raises:
        InputError: it is a pointer of Git LFS or a web page.
    """
    with path.open("rb") as stream:
        beginning = stream.read(64).lstrip().lower()
    for start, what, remedy in _INSTEAD:
        if beginning.startswith(start):
            raise InputError(f"{path.name} must hold labels or geometries, found {what}: {remedy}")


def _format_by_beginning(path: Path) -> LabelFormat | None:
    """The format of a file without a name that tells it: what a file holds does not depend on what it is called."""
    with path.open("rb") as stream:
        beginning = stream.read(16)
    if beginning.startswith(b"SQLite format 3"):
        return ase_database.FORMAT
    if beginning.startswith(b"PK") and npz.is_npz(path):
        return npz.FORMAT
    return extxyz.FORMAT if is_xyz(path) else None


def format_to_write(path: Path) -> LabelFormat:
    """The format that a name to write labels to asks for.

    Raises:
        InputError: no format that can be written has such a name.
    """
    known = format_by_name(path)
    if known is None or known.write is None or path.suffix.lower() not in known.suffixes:
        *first, last = [suffix for known in FORMATS if known.write is not None for suffix in known.suffixes]
        raise InputError(
            f"labels are written to {', '.join(first)} or {last}, found {path.name!r}: choose such an ending"
        )
    return known
