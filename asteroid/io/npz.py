"""Label files in NumPy's npz format, in either of two layouts; written in the one of `asteroid.io.padded_npz`."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.electrons import Electrons, electrons_in
from asteroid.io.file_units import FileGeometries, FileLabels
from asteroid.io.flattened_npz import flattened_geometries, is_flattened, read_flattened
from asteroid.io.label_format import LabelFormat
from asteroid.io.npz_arrays import open_arrays
from asteroid.io.padded_npz import padded_geometries, read_padded
from asteroid.io.said import Said
from asteroid.io.sidecar import read_sidecar
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.labels.selection_rule import KEY
from asteroid.units import length_unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from asteroid.io.declaration import Declaration
    from asteroid.io.npz_arrays import NpzArrays
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import LabelSet
    from asteroid.labels.selection_rule import SelectionRule


def read_npz(stream: IO[bytes], source: str, sidecar: Mapping[str, Any] | None, declared: Declaration) -> FileLabels:
    """Read one level of labels from an npz file. Pickled objects are never loaded.

    Args:
        stream: an open binary file; everything needed is read before returning.
        source: its name for messages.
        sidecar: from `asteroid.io.sidecar.read_sidecar`: units, level, or None.
        declared: what the file's user says of it.

    Raises:
        InputError: not an npz file, damaged, pickled, a key is missing, or rows of atomic numbers have gaps.
    """
    declared.label_keys(source)
    with open_arrays(stream, source, declared) as arrays:
        file = (read_flattened if is_flattened(arrays) else read_padded)(arrays, sidecar, declared)
        electrons, notes = _stated_electrons(arrays, file.numbers, file.positions, sidecar)
        return replace(file, electrons=electrons, notes=file.notes + notes)


def is_npz(path: Path) -> bool:
    """Whether a zip file holds arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".npy") for name in archive.namelist())
    except Exception:  # damaged: whoever reads it will say so
        return False


def _read(path: Path, declared: Declaration) -> FileLabels:
    if declared.vacuum_box:
        raise InputError(f"vacuum_box is for files with a cell, found {path.name}: remove it")
    with path.open("rb") as stream:
        return read_npz(stream, path.name, read_sidecar(path), declared)


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    with path.open("rb") as stream, open_arrays(stream, path.name, declared) as arrays:
        stated = arrays.stated(None, read_sidecar(path))
        said = None if stated is None else stated.length
        unit = declared.length_unit or said
        if said is not None and declared.length_unit is not None and length_unit(declared.length_unit) != said:
            raise InputError(
                f"the unit of length of {path.name} is stated twice and differs: {said} in the file, "
                f"{declared.length_unit} declared: correct one"
            )
        if not unit:
            raise InputError(
                f"{path.name} does not state its unit of length: declare length_unit, for instance Angstrom"
            )
        numbers, positions = flattened_geometries(arrays) if is_flattened(arrays) else padded_geometries(arrays)
        group = None if declared.group_key is None else arrays[declared.group_key]
    return FileGeometries(numbers, positions, unit, group)


def _write(labels: LabelSet, path: Path, selection_rule: SelectionRule | None, electrons: ChargeAndSpin) -> None:
    arrays: dict[str, Any] = {
        "z": labels.numbers,
        "R": labels.positions,
        "E": labels.energy,
        "F": labels.forces,
        "index": labels.frame_id,
        "group": labels.group,
        "cpu_s": labels.cpu_s,
        "level": np.array(labels.level),
        "e_unit": np.array("eV"),
        "r_unit": np.array("Angstrom"),
        KEY: None if selection_rule is None else np.array(selection_rule),
    }
    if electrons != CLOSED_SHELL:
        arrays |= {"charge": np.array(electrons.charge), "multiplicity": np.array(electrons.unpaired + 1)}
    with path.open("wb") as stream:
        np.savez(stream, **{key: array for key, array in arrays.items() if array is not None})


def _electrons(path: Path) -> Electrons:
    with path.open("rb") as stream, open_arrays(stream, path.name) as arrays:
        numbers, positions = flattened_geometries(arrays) if is_flattened(arrays) else padded_geometries(arrays)
        return _stated_electrons(arrays, numbers, positions, read_sidecar(path))[0]


def _stated_electrons(
    arrays: NpzArrays, numbers: npt.NDArray[Any], positions: npt.NDArray[Any], sidecar: Mapping[str, Any] | None
) -> tuple[Electrons, tuple[str, ...]]:
    """Charge and spin that the file and its sidecar state, and a note where they are unusual.

    Raises:
        InputError: they differ, or those of frames of one composition.
    """
    said = arrays.electrons(numbers, len(positions) if positions.ndim else 0)
    if sidecar is None:
        return said.common(), said.charge_notes()
    name = str(sidecar.get("sidecar"))
    beside = electrons_in(sidecar, name, 0)
    if len(said.electrons) > 1:
        return said.common(), said.charge_notes()
    both = said.common().and_of(beside, f"{arrays.source} and {name}")
    if beside != Electrons():
        said = Said(arrays.source)
        said.hear_electrons(both, numbers if numbers.ndim < 2 else numbers[0], 0)
    return both, said.charge_notes()


def _selection_rule(path: Path) -> str:
    with path.open("rb") as stream, open_arrays(stream, path.name) as arrays:
        return arrays.text(KEY)


FORMAT = LabelFormat(
    name="npz",
    read=_read,
    read_geometries=_read_geometries,
    suffixes=(".npz",),
    write=_write,
    selection_rule=_selection_rule,
    electrons=_electrons,
    sidecar_states_units=True,
)
