"""Frames without labels, for strategies that learn from how often geometries occur: whatever labels are read from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.file_units import refuse_several_molecules
from asteroid.io.formats import format_to_read
from asteroid.labels.atom_order import reorder_atoms
from asteroid.labels.label_set import LabelSet
from asteroid.labels.level_names import normalise_level
from asteroid.labels.molecules import one_molecule_without_single_atoms, single_atom_notes
from asteroid.units import LENGTH_IN_ANG
from asteroid.units import length_unit as canonical_length

if TYPE_CHECKING:
    from asteroid.io.declaration import Declaration


def read_geometries(path: str | Path, declared: Declaration, notes: list[str] | None = None) -> LabelSet:
    """Read frames of one molecule, energies and forces left aside.

    Args:
        path: a file of any format of `asteroid.io.formats`, or a name of MD17.
        declared: what the file's user says of it: always the level of theory that sampled the frames, and the unit of
            length of a file that does not state it; keys of energies and forces do not matter.
        notes: what else the reader should know is added here.

    Raises:
        InputError: the file is missing or damaged, the level, a key or the unit is missing, positions are no numbers,
            or frames are periodic or differ in composition.
    """
    path = Path(path)
    if declared.level is None:
        raise InputError(f"{path.name} needs the level of theory that sampled it: add for instance level: gfn2-xtb")
    known, unit = format_to_read(path), declared.length_unit
    found = known.read_geometries(path, declared)
    if unit is not None and canonical_length(unit) != canonical_length(found.length_unit):
        raise InputError(
            f"{path.name} states lengths in {found.length_unit}, found length_unit {unit!r}: correct one of them"
        )
    if found.positions.dtype.kind not in "fiu":
        raise InputError(f"positions of {path.name} must be numbers, found {found.positions.dtype}: check the key")
    positions = found.positions * LENGTH_IN_ANG[canonical_length(found.length_unit)]
    frames = LabelSet(found.numbers, positions, None, None, normalise_level(declared.level), group=found.group)
    frames, single = one_molecule_without_single_atoms(frames)
    if notes is not None:
        notes += single_atom_notes(single)
    refuse_several_molecules(frames, path.name)
    return frames if declared.atom_order is None else reorder_atoms(frames, declared.atom_order, path.name)
