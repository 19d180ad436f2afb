"""Labels in whatever else ASE reads: trajectories, vasprun.xml, OUTCAR, outputs of programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase.io
from ase.io.formats import UnknownFileTypeError, filetype, get_ioformat

from asteroid.errors import InputError
from asteroid.io.ase_frames import ase_geometries, ase_labels, read_frames
from asteroid.io.foreign import foreign_parser
from asteroid.io.label_format import LabelFormat
from asteroid.io.program_outputs import check_output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from asteroid.io.declaration import Declaration
    from asteroid.io.file_units import FileGeometries, FileLabels

#: Formats whose readers in ASE convert to eV and Å, or whose files are ASE's own; of others nothing is known.
_IN_ASE_UNITS = frozenset(
    (
        "traj",
        "json",
        "db",
        "bundletrajectory",
        "abinit-out",
        "aims-output",
        "castep-castep",
        "crystal",
        "dftb",
        "elk",
        "espresso-out",
        "exciting",
        "gamess-us-out",
        "gaussian-out",
        "gpaw-out",
        "mopac",
        "nwchem-out",
        "octopus",
        "onetep-out",
        "orca-output",
        "qbox",
        "siesta-xv",
        "turbomole",
        "vasp-out",
        "vasp-xml",
    )
)


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
    name = _format_of(path)
    convention = f"recognised from ASE, which converts to its units ({name})" if name in _IN_ASE_UNITS else None
    return ase_labels(_frames(path, name), path.name, declared, convention)


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    return ase_geometries(_frames(path, _format_of(path)), path.name, declared)


def _format_of(path: Path) -> str:
    with foreign_parser(f"{path.name} must be a file that ASE reads", "convert the file"):
        return str(filetype(str(path)))


def _frames(path: Path, name: str) -> Iterator[Atoms]:
    """All frames of a file; of outputs of programs those of whole jobs, or an error.

    Raises:
        InputError: ASE cannot read it, a job in it is not whole, or ASE reads another number of frames than it has.
    """
    expected = check_output(path, name)
    read = 0
    frames = ase.io.iread(path, index=":", format=name, do_not_split_by_at_sign=True)
    for atoms in read_frames(frames, f"{path.name} must be a file that ASE reads"):
        read += 1
        yield atoms
    if expected is not None and read != expected:
        raise InputError(
            f"{path.name} has {expected} frames with forces, ASE reads {read} of it: convert each output by itself"
        )


FORMAT = LabelFormat(name="file that ASE reads", read=_read, read_geometries=_read_geometries, length_unit="Angstrom")
