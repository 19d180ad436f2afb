"""Labels in whatever else ASE reads: trajectories, vasprun.xml, OUTCAR, outputs of programs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import ase.io
from ase.io.formats import UnknownFileTypeError, filetype, get_ioformat

from asteroid.errors import InputError
from asteroid.io.ase_frames import ase_geometries, ase_labels, read_frames
from asteroid.io.electrons import Electrons
from asteroid.io.foreign import foreign_parser
from asteroid.io.label_format import LabelFormat
from asteroid.io.molfiles import MOLFILES, molecules_in
from asteroid.io.program_electrons import electrons_in_text
from asteroid.io.program_outputs import check_output
from asteroid.io.said import Said

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
        "runnerdata",
        "siesta-xv",
        "turbomole",
        "turbomole-gradient",
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
    found = ase_labels(_frames(path, name, check_output(path, name)), path.name, declared, convention)
    stated = electrons_in_text(path, name)
    if stated is None:
        return found
    note = (f"the file states {stated}",) if stated.is_unusual else ()
    return replace(found, electrons=stated, notes=found.notes + note)


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    """Geometries; a job whose energy or forces are missing has some as well."""
    return ase_geometries(_frames(path, _format_of(path), None), path.name, declared)


def _electrons(path: Path) -> Electrons:
    name = _format_of(path)
    stated = electrons_in_text(path, name)
    if stated is not None:
        return stated
    said = Said(path.name)
    for _ in said.listen(_frames(path, name, None)):
        pass
    return next((electrons for electrons, _ in said.electrons.values()), Electrons())


def _format_of(path: Path) -> str:
    with foreign_parser(f"{path.name} must be a file that ASE reads", "convert the file"):
        return str(filetype(str(path)))


def _frames(path: Path, name: str, expected: int | None) -> Iterator[Atoms]:
    """All frames of a file.

    Args:
        path: the file.
        name: ASE's name of its format.
        expected: how many frames with forces it has, where that is known (`check_output`) and matters.

    Raises:
        InputError: ASE cannot read it, or reads another number of frames than it has.
    """
    read = 0
    if name in MOLFILES:
        frames = molecules_in(path)
    else:
        frames = ase.io.iread(path, index=":", format=name, do_not_split_by_at_sign=True)
    for atoms in read_frames(frames, f"{path.name} must be a file that ASE reads"):
        if name == "proteindatabank" and read and not len(atoms):
            continue  # what ASE finds between the last ENDMDL and END
        read += 1
        yield atoms
    if expected is not None and read != expected:
        raise InputError(
            f"{path.name} has {expected} frames with forces, ASE reads {read} of it: convert each output by itself"
        )


FORMAT = LabelFormat(
    name="file that ASE reads",
    read=_read,
    read_geometries=_read_geometries,
    length_unit="Angstrom",
    electrons=_electrons,
)
