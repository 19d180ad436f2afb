"""The usual layout of npz files, one row for each frame: sGDML and MD17, revised MD17, this project's own, named keys.

This project's own files state everything about themselves: beside z, R, E and F they have `level`, `e_unit`, `r_unit`,
and where known `index` (frame numbers), `group` and `cpu_s`. A sidecar `<stem>.meta.json` may state the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.file_units import FileLabels, FileUnits, named_units, one_row_for_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from asteroid.io.declaration import Declaration
    from asteroid.io.npz_arrays import NpzArrays

_ENERGY = ("E", "energies")
_FORCES = ("F", "forces")
#: Keys that an sGDML dataset has beside z, R, E, F; the MD17 files, CCSD(T) included, are such datasets.
_SGDML_MARKS = {"type", "md5", "theory"}
_REVISED_MD17 = {"nuclear_charges", "coords", "energies", "forces"}
_REVISED_MD17_MARKS = {"old_indices", "old_energies", "old_forces"}


def read_padded(arrays: NpzArrays, sidecar: Mapping[str, Any] | None, declared: Declaration) -> FileLabels:
    """Read frames from arrays with one row for each frame.

    Args:
        arrays: the arrays.
        sidecar: content of the sidecar, or None. With it, or with `level` in the file, the keys `index`, `group` or
            `replica`, and `cpu_s` are frame numbers, groups and measured CPU seconds.
        declared: what the file's user says of it.

    Raises:
        InputError: a key is missing or cannot be read, or rows of atomic numbers have gaps.
    """
    keys = declared.label_keys(arrays.source)
    named = "name energy_key and forces_key"
    rows = _rows(arrays)
    energy = arrays.first(keys[:1] if keys else _ENERGY, "energies", named)
    forces = arrays.forces(keys[1:] if keys else _FORCES, named)
    own = _own_keys(arrays, sidecar)
    groups = declared.group_key or next((key for key in ("group", "replica") if key in own), None)
    return FileLabels(
        numbers=_numbers(rows),
        positions=_without_empty_places(arrays.positions(), rows, f"positions of {arrays.source}"),
        energy=energy[:, 0] if energy.ndim == 2 and energy.shape[1] == 1 else energy,
        forces=None if forces is None else _without_empty_places(forces, rows, f"forces of {arrays.source}"),
        level=_level(arrays, sidecar),
        theory=arrays.text("theory"),
        stated=arrays.stated(keys, {key: value for key, value in (sidecar or {}).items() if key != "units"}),
        declared=_declared(arrays, sidecar),
        convention=_convention(arrays) if keys is None else None,
        needs_total_energy=True,
        frame_id=arrays["index"] if "index" in own else None,
        group=arrays[groups] if groups else None,
        cpu_s=arrays["cpu_s"] if "cpu_s" in own else None,
        notes=(f"groups from key {groups}",) if groups else (),
    )


def _own_keys(arrays: NpzArrays, sidecar: Mapping[str, Any] | None) -> set[str]:
    """Keys that mean what this project means by them: all, where the file or its sidecar is one of its own."""
    return arrays.keys if sidecar is not None or "level" in arrays.keys else set()


def padded_geometries(arrays: NpzArrays) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Atomic numbers and positions of a file, in the shapes of `asteroid.io.file_units.FileLabels`.

    The file has the numbers of all frames once, or one row for each with zeros behind the atoms of a smaller frame.

    Raises:
        InputError: numbers are missing, not whole or have a gap, N says something else, or there is a position where
            no frame has an atom.
    """
    rows = _rows(arrays)
    return _numbers(rows), _without_empty_places(arrays.positions(), rows, f"positions of {arrays.source}")


def _rows(arrays: NpzArrays) -> npt.NDArray[Any]:
    """Atomic numbers as they stand in the file: of all frames, shape [A], or one row of the file's width for each."""
    rows = arrays.whole_numbers()
    if rows.ndim != 2:
        return rows
    if not len(rows):
        raise InputError(f"{arrays.source} needs frames, found none: check the file")
    sizes = np.count_nonzero(rows, axis=1)
    broken = np.flatnonzero(((np.arange(rows.shape[1]) < sizes[:, None]) != (rows > 0)).any(axis=1) | (sizes == 0))
    if broken.size:
        raise InputError(
            f"atomic numbers of a frame in {arrays.source} come first and zeros behind them, found "
            f"{', '.join(map(str, rows[broken[0]].tolist()))} in frame {broken[0]}: reorder or remove the frame"
        )
    if "N" in arrays.keys:
        _refuse_other_sizes(arrays["N"], sizes, arrays.source)
    return rows


def _numbers(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Atomic numbers as `FileLabels` has them."""
    return rows if rows.ndim != 2 else one_row_for_all(rows[:, rows.any(axis=0)])


def _refuse_other_sizes(stated: npt.NDArray[Any], sizes: npt.NDArray[Any], source: str) -> None:
    if stated.shape != sizes.shape or stated.dtype.kind not in "iu":
        raise InputError(
            f"N of {source} must be the number of atoms of each frame, found {stated.dtype} of shape "
            f"{list(stated.shape)}: check the file"
        )
    wrong = np.flatnonzero(stated != sizes)
    if wrong.size:
        raise InputError(
            f"N of {source} must be the number of atoms of each frame, found {stated[wrong[0]]} in frame {wrong[0]}, "
            f"whose row of atomic numbers has {sizes[wrong[0]]}: correct one of them"
        )


def _without_empty_places(values: npt.NDArray[Any], rows: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Cut [N, width, 3] behind the atoms of the largest frame, where the file is wider than that."""
    if rows.ndim != 2 or values.shape[1:] != (rows.shape[1], 3) or values.dtype.kind not in "fiu":
        return values  # what is wrong with it shows when the labels are put together
    empty = ~rows.any(axis=0)
    if values[:, empty].any():
        raise InputError(f"{name} are zero where a frame has no atom, found other numbers: write zeros")
    return values[:, ~empty] if empty.any() else values


def _level(arrays: NpzArrays, sidecar: Mapping[str, Any] | None) -> str | None:
    if sidecar is not None and sidecar.get("level"):
        return str(sidecar["level"])
    if arrays.text("level"):
        return arrays.text("level")
    return "pbe/def2-svp" if arrays.keys >= _REVISED_MD17 | _REVISED_MD17_MARKS else None


def _declared(arrays: NpzArrays, sidecar: Mapping[str, Any] | None) -> FileUnits | None:
    """Units from the sidecar, else from an sGDML dataset's own keys."""
    in_file = None
    if arrays.text("e_unit") and arrays.text("r_unit"):
        in_file = named_units(
            arrays.text("e_unit"), arrays.text("r_unit"), None, "declared by e_unit and r_unit in the file"
        )
    if sidecar is None or "units" not in sidecar:
        return in_file
    units, where = sidecar["units"], sidecar.get("sidecar", "the sidecar")
    if not isinstance(units, dict) or not {"R", "E"} <= set(units):
        raise InputError(f"units in {where} need R and E, found {units!r}: write the unit of each array")
    in_sidecar = named_units(str(units["E"]), str(units["R"]), units.get("F"), f"declared in {where}")
    if in_file is not None and replace(in_file, how="") != replace(in_sidecar, how=""):
        raise InputError(
            f"units of {arrays.source} are stated twice and differ: {in_file.energy}, {in_file.length} in the file, "
            f"{in_sidecar.energy}, {in_sidecar.length} in {where}: correct or remove {where}"
        )
    return in_sidecar


def _convention(arrays: NpzArrays) -> FileUnits | None:
    if arrays.keys >= _REVISED_MD17:
        return named_units("kcal/mol", "Angstrom", None, "recognised from the keys of revised MD17")
    if arrays.keys >= _SGDML_MARKS:
        return named_units("kcal/mol", "Angstrom", None, "recognised from the keys of sGDML and MD17")
    return None
