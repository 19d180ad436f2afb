"""Frames without labels, for strategies that learn from how often geometries occur: whatever labels are read from."""

from __future__ import annotations

from pathlib import Path

from asteroid.errors import InputError
from asteroid.io.ase_files import ase_frames
from asteroid.io.ase_frames import gather, one_of_each
from asteroid.io.extxyz import xyz_frames
from asteroid.io.file_units import refuse_several_molecules
from asteroid.io.flattened_npz import flattened_geometries, is_flattened
from asteroid.io.md17 import is_md17, read_md17
from asteroid.io.npz import padded_geometries
from asteroid.io.npz_arrays import open_arrays
from asteroid.labels.label_set import LabelSet, normalise_level
from asteroid.units import LENGTH_IN_ANG
from asteroid.units import length_unit as canonical_length


def read_geometries(
    path: str | Path,
    *,
    level: str,
    length_unit: str | None = None,
    group_key: str | None = None,
    vacuum_box: bool = False,
    data_folder: Path | None = None,
) -> LabelSet:
    """Read frames of one molecule, energies and forces left aside.

    Args:
        path: .npz, .xyz, .extxyz, an ASE database, a trajectory that ASE reads, or a name of MD17.
        level: the level of theory that sampled the frames.
        length_unit: of an npz file; everything else is in Å.
        group_key: key of the groups: an array of an npz file, or a value of each of ASE's frames.
        vacuum_box: take a molecule out of its periodic box.
        data_folder: where sets of MD17 are.

    Raises:
        InputError: the file is missing or damaged, a key or the unit is missing, positions are no numbers, or frames
            are periodic or differ in composition.
    """
    if is_md17(path):
        file, _ = read_md17(str(path), data_folder, group_key=group_key)
        return LabelSet(file.numbers, file.positions, None, None, normalise_level(level), group=file.group)
    path = Path(path)
    if not path.is_file():
        raise InputError(f"a file of geometries must exist, found no file {str(path)!r}: correct the path")
    if path.suffix.lower() == ".npz":
        return _read_npz(path, level, length_unit, group_key)
    if path.suffix.lower() in (".xyz", ".extxyz"):
        frames = xyz_frames(path, f"{path.name} must be XYZ")
    else:
        frames = ase_frames(path)
    if length_unit is not None and canonical_length(length_unit) != "Angstrom":
        raise InputError(f"{path.name} is in Å by its format, found length_unit {length_unit!r}: remove it")
    keys = () if group_key is None else (group_key,)
    found = gather(frames, path.name, keys, vacuum_box=vacuum_box)
    group = None if group_key is None else one_of_each(found.values[group_key], group_key, path.name)
    return _one_molecule(
        LabelSet(found.numbers, found.positions, None, None, normalise_level(level), group=group), path.name
    )


def _read_npz(path: Path, level: str, length_unit: str | None, group_key: str | None) -> LabelSet:
    with path.open("rb") as source, open_arrays(source, path.name) as arrays:
        unit = length_unit or arrays.text("r_unit")
        if not unit:
            raise InputError(
                f"{path.name} does not state its unit of length: declare length_unit, for instance Angstrom"
            )
        if is_flattened(arrays):
            numbers, positions = flattened_geometries(arrays)
        else:
            numbers, positions = padded_geometries(arrays)
        group = None if group_key is None else arrays[group_key]
    if positions.dtype.kind not in "fiu":
        raise InputError(f"positions of {path.name} must be numbers, found {positions.dtype}: check the key")
    positions = positions * LENGTH_IN_ANG[canonical_length(unit)]
    return _one_molecule(LabelSet(numbers, positions, None, None, normalise_level(level), group=group), path.name)


def _one_molecule(frames: LabelSet, what: str) -> LabelSet:
    refuse_several_molecules(frames, what)
    return frames
