"""Frames without labels, for strategies that learn from how often geometries occur: npz, XYZ and extended XYZ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import ase.io
import numpy as np
from ase.io.formats import UnknownFileTypeError

from asteroid.errors import InputError
from asteroid.extxyz_labels import refuse_leftovers, refuse_mixture
from asteroid.labels import LabelSet, normalise_level
from asteroid.npz_labels import NUMBERS_KEYS, POSITIONS_KEYS
from asteroid.units import LENGTH_IN_ANG
from asteroid.units import length_unit as canonical_length

if TYPE_CHECKING:
    from ase import Atoms


def read_geometries(
    path: str | Path, *, level: str, length_unit: str | None = None, group_key: str | None = None
) -> LabelSet:
    """Read frames of one molecule, energies and forces left aside.

    Args:
        path: .npz, .xyz or .extxyz.
        level: the level of theory that sampled the frames.
        length_unit: of an npz file; (extended) XYZ is in Å.
        group_key: key of the groups: an array of an npz file, or of the comment lines of extended XYZ.

    Raises:
        InputError: the file is missing or damaged, a key or the unit is missing, positions are no numbers, or frames
            are periodic or differ in composition.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"a file of geometries must exist, found no file {str(path)!r}: correct the path")
    if path.suffix.lower() == ".npz":
        return _read_npz(path, level, length_unit, group_key)
    if path.suffix.lower() not in (".xyz", ".extxyz"):
        raise InputError(f"geometries are read from .npz, .xyz or .extxyz, found {path.name!r}: convert the file")
    if length_unit is not None and canonical_length(length_unit) != "Angstrom":
        raise InputError(f"{path.name} is in Å by its format, found length_unit {length_unit!r}: remove it")
    if not path.stat().st_size:
        raise InputError(f"{path.name} needs frames, found none: check the file")
    try:
        frames: list[Atoms] = list(ase.io.iread(path, index=":"))
    except (ValueError, KeyError, IndexError, TypeError, OSError, RuntimeError, UnknownFileTypeError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path.name} must be XYZ, ASE cannot read it ({reason}): write it with ase.io") from error
    if not frames:
        raise InputError(f"{path.name} needs frames, found none: check the file")
    refuse_leftovers(path, frames)
    refuse_mixture(frames, path.name)
    lacking = [i for i, atoms in enumerate(frames) if group_key is not None and group_key not in atoms.info]
    if lacking:
        raise InputError(f"{path.name} needs {group_key} in every frame, frame {lacking[0]} has none: name another key")
    group = None if group_key is None else np.array([atoms.info[group_key] for atoms in frames])
    positions = np.array([atoms.positions for atoms in frames])
    return LabelSet(frames[0].numbers, positions, None, None, normalise_level(level), group=group)


def _read_npz(path: Path, level: str, length_unit: str | None, group_key: str | None) -> LabelSet:
    if length_unit is None:
        raise InputError(f"{path.name} does not state its unit of length: declare length_unit, for instance Angstrom")
    try:
        with path.open("rb") as source, np.load(source, allow_pickle=False) as archive:
            keys = [next((k for k in names if k in archive), None) for names in (NUMBERS_KEYS, POSITIONS_KEYS)]
            if None in keys or (group_key is not None and group_key not in archive):
                wanted = group_key if None not in keys else "atomic numbers (z) and positions (R)"
                raise InputError(f"{path.name} needs {wanted}, found keys {', '.join(archive.files)}: rename the key")
            numbers, positions = (archive[key] for key in keys if key is not None)
            group = None if group_key is None else archive[group_key]
    except (BadZipFile, ValueError, OSError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())
        raise InputError(f"{path.name} must be an npz file, cannot be read ({reason}): write it again") from error
    unit = LENGTH_IN_ANG[canonical_length(length_unit)]
    if positions.dtype.kind not in "fiu":
        raise InputError(f"positions of {path.name} must be numbers, found {positions.dtype}: check the key")
    return LabelSet(np.squeeze(numbers), positions * unit, None, None, normalise_level(level), group=group)
