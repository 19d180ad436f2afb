"""Label files in NumPy's npz format: sGDML and MD17, revised MD17, this project's own, and arrays under named keys.

This project's own files state everything about themselves: beside z, R, E and F they have `level`, `e_unit`, `r_unit`,
and where known `index` (frame numbers), `group` and `cpu_s`. A sidecar `<stem>.meta.json` may state the same.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.file_units import FileLabels, FileUnits, named_units, one_row_for_all
from asteroid.io.flattened_npz import is_flattened, read_flattened
from asteroid.io.npz_arrays import open_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from asteroid.io.npz_arrays import NpzArrays

_ENERGY = ("E", "energies")
_FORCES = ("F", "forces")
#: Keys that an sGDML dataset has beside z, R, E, F; the MD17 files, CCSD(T) included, are such datasets.
_SGDML_MARKS = {"type", "md5", "theory"}
_REVISED_MD17 = {"nuclear_charges", "coords", "energies", "forces"}
_REVISED_MD17_MARKS = {"old_indices", "old_energies", "old_forces"}


def read_npz(
    source: IO[bytes],
    what: str,
    meta: Mapping[str, Any] | None,
    *,
    energy_key: str | None = None,
    forces_key: str | None = None,
    group_key: str | None = None,
) -> FileLabels:
    """Read one level of labels from an npz file. Pickled objects are never loaded.

    Args:
        source: an open binary file; everything needed is read before returning.
        what: the file's name for messages.
        meta: content of the sidecar `<stem>.meta.json` (units, level), or None. With it, or with `level` in the file,
            the keys `index`, `group` or `replica`, and `cpu_s` are frame numbers, groups and measured CPU seconds.
        energy_key: key of the energies where it is none of the usual ones; needs forces_key too.
        forces_key: key of the forces.
        group_key: key of the groups.

    Raises:
        InputError: not an npz file, damaged, pickled, a key is missing, or rows of atomic numbers have gaps.
    """
    if (energy_key is None) != (forces_key is None):
        raise InputError(
            f"energies and forces of {what} must be of one level, only {energy_key or forces_key} is named: name both"
        )
    with open_arrays(source, what) as arrays:
        if is_flattened(arrays):
            return read_flattened(arrays, energy_key, forces_key, group_key)
        return _labels(arrays, meta, energy_key, forces_key, group_key)


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Content of `<stem>.meta.json` beside a label file, or None where there is none.

    Raises:
        InputError: it is not a JSON object.
    """
    sidecar = path.with_name(path.stem + ".meta.json")
    if not sidecar.exists():
        return None
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{sidecar.name} must be JSON, found a mistake at {_one_line(error)}: correct it") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{sidecar.name} must be a JSON object, found a {type(content).__name__}: write units and level"
        )
    return {**content, "sidecar": sidecar.name}


def _labels(
    arrays: NpzArrays,
    meta: Mapping[str, Any] | None,
    energy_key: str | None,
    forces_key: str | None,
    group_key: str | None,
) -> FileLabels:
    named = "name energy_key and forces_key"
    rows = _rows(arrays)
    energy = arrays.first((energy_key,) if energy_key else _ENERGY, "energies", named)
    forces = arrays.first((forces_key,) if forces_key else _FORCES, "forces", named)
    own = _own_keys(arrays, meta)
    groups = group_key or next((key for key in ("group", "replica") if key in own), None)
    return FileLabels(
        numbers=_numbers(rows),
        positions=_without_empty_places(arrays.positions(), rows, f"positions of {arrays.what}"),
        energy=energy[:, 0] if energy.ndim == 2 and energy.shape[1] == 1 else energy,
        forces=_without_empty_places(forces, rows, f"forces of {arrays.what}"),
        level=_level(arrays, meta),
        theory=arrays.text("theory"),
        declared=_declared(arrays, meta),
        convention=_convention(arrays) if energy_key is None else None,
        needs_total_energy=True,
        frame_id=arrays["index"] if "index" in own else None,
        group=arrays[groups] if groups else None,
        cpu_s=arrays["cpu_s"] if "cpu_s" in own else None,
        notes=(f"groups from key {groups}",) if groups else (),
    )


def _own_keys(arrays: NpzArrays, meta: Mapping[str, Any] | None) -> set[str]:
    """Keys that mean what this project means by them: all, where the file or its sidecar is one of its own."""
    return arrays.keys if meta is not None or "level" in arrays.keys else set()


def padded_geometries(arrays: NpzArrays) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Atomic numbers and positions of a file, in the shapes of `asteroid.io.file_units.FileLabels`.

    The file has the numbers of all frames once, or one row for each with zeros behind the atoms of a smaller frame.

    Raises:
        InputError: numbers are missing, not whole or have a gap, N says something else, or there is a position where
            no frame has an atom.
    """
    rows = _rows(arrays)
    return _numbers(rows), _without_empty_places(arrays.positions(), rows, f"positions of {arrays.what}")


def _rows(arrays: NpzArrays) -> npt.NDArray[Any]:
    """Atomic numbers as they stand in the file: of all frames, shape [A], or one row of the file's width for each."""
    rows = arrays.whole_numbers()
    if rows.ndim != 2:
        return rows
    if not len(rows):
        raise InputError(f"{arrays.what} needs frames, found none: check the file")
    sizes = np.count_nonzero(rows, axis=1)
    broken = np.flatnonzero(((np.arange(rows.shape[1]) < sizes[:, None]) != (rows > 0)).any(axis=1) | (sizes == 0))
    if broken.size:
        raise InputError(
            f"atomic numbers of a frame in {arrays.what} come first and zeros behind them, found "
            f"{', '.join(map(str, rows[broken[0]].tolist()))} in frame {broken[0]}: reorder or remove the frame"
        )
    if "N" in arrays.keys:
        _refuse_other_sizes(arrays["N"], sizes, arrays.what)
    return rows


def _numbers(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Atomic numbers as `FileLabels` has them."""
    return rows if rows.ndim != 2 else one_row_for_all(rows[:, rows.any(axis=0)])


def _refuse_other_sizes(stated: npt.NDArray[Any], sizes: npt.NDArray[Any], what: str) -> None:
    if stated.shape != sizes.shape or stated.dtype.kind not in "iu":
        raise InputError(
            f"N of {what} must be the number of atoms of each frame, found {stated.dtype} of shape "
            f"{list(stated.shape)}: check the file"
        )
    wrong = np.flatnonzero(stated != sizes)
    if wrong.size:
        raise InputError(
            f"N of {what} must be the number of atoms of each frame, found {stated[wrong[0]]} in frame {wrong[0]}, "
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


def _level(arrays: NpzArrays, meta: Mapping[str, Any] | None) -> str | None:
    if meta is not None and meta.get("level"):
        return str(meta["level"])
    if arrays.text("level"):
        return arrays.text("level")
    return "pbe/def2-svp" if arrays.keys >= _REVISED_MD17 | _REVISED_MD17_MARKS else None


def _declared(arrays: NpzArrays, meta: Mapping[str, Any] | None) -> FileUnits | None:
    """Units from the sidecar, else from an sGDML dataset's own keys."""
    within = None
    if arrays.text("e_unit") and arrays.text("r_unit"):
        within = named_units(
            arrays.text("e_unit"), arrays.text("r_unit"), None, "declared by e_unit and r_unit in the file"
        )
    if meta is None or "units" not in meta:
        return within
    units, where = meta["units"], meta.get("sidecar", "the sidecar")
    if not isinstance(units, dict) or not {"R", "E"} <= set(units):
        raise InputError(f"units in {where} need R and E, found {units!r}: write the unit of each array")
    beside = named_units(str(units["E"]), str(units["R"]), units.get("F"), f"declared in {where}")
    if within is not None and replace(within, how="") != replace(beside, how=""):
        raise InputError(
            f"units of {arrays.what} are stated twice and differ: {within.energy}, {within.length} in the file, "
            f"{beside.energy}, {beside.length} in {where}: correct or remove {where}"
        )
    return beside


def _convention(arrays: NpzArrays) -> FileUnits | None:
    if arrays.keys >= _REVISED_MD17:
        return named_units("kcal/mol", "Angstrom", None, "recognised from the keys of revised MD17")
    if arrays.keys >= _SGDML_MARKS:
        return named_units("kcal/mol", "Angstrom", None, "recognised from the keys of sGDML and MD17")
    return None


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))
