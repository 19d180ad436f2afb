"""Labels in whatever else ASE reads: trajectories, vasprun.xml, OUTCAR, outputs of programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase.io
from ase.io.formats import UnknownFileTypeError, filetype, get_ioformat

from asteroid.io.ase_frames import ase_geometries, ase_labels, read_frames
from asteroid.io.label_format import LabelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from asteroid.io.declaration import Declaration
    from asteroid.io.file_units import FileGeometries, FileLabels


def recognises(path: Path) -> bool:
    """Whether ASE knows files of such a name or such a beginning."""
    try:
        get_ioformat(filetype(str(path)))
    except UnknownFileTypeError:
        return False
    except Exception:  # of a damaged file: reading it will say why
        return True
    return True


def _read(path: Path, declared: Declaration) -> FileLabels:
    return ase_labels(_frames(path), path.name, declared, "recognised from ASE, which converts to its units")


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    return ase_geometries(_frames(path), path.name, declared)


def _frames(path: Path) -> Iterator[Atoms]:
    frames = ase.io.iread(path, index=":", do_not_split_by_at_sign=True)
    return read_frames(frames, f"{path.name} must be a file that ASE reads")


FORMAT = LabelFormat(name="file that ASE reads", read=_read, read_geometries=_read_geometries, length_unit="Angstrom")
