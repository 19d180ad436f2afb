"""Label files in NumPy's npz format: sGDML and MD17, revised MD17, this project's own, and arrays under named keys."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.file_labels import FileLabels, FileUnits, named_units

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

NUMBERS_KEYS = ("z", "Z", "nuclear_charges")
POSITIONS_KEYS = ("R", "coords")
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
        meta: content of the sidecar `<stem>.meta.json` (units, level), or None. With it, the keys `index`, `replica`
            and `cpu_s` are frame numbers, groups and measured CPU seconds.
        energy_key: key of the energies where it is none of the usual ones; needs forces_key too.
        forces_key: key of the forces.
        group_key: key of the groups.

    Raises:
        InputError: not an npz file, damaged, pickled, a key is missing, or frames differ in composition.
    """
    if (energy_key is None) != (forces_key is None):
        raise InputError(
            f"energies and forces of {what} must be of one level, only {energy_key or forces_key} is named: name both"
        )
    try:
        archive = np.load(source, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{what} must be an npz file of plain arrays, found something else, perhaps a pickle (never loaded, it can "
            "run code): save it with numpy.savez"
        ) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise InputError(f"{what} must be an npz file with named arrays, found one array: use numpy.savez")
    with archive:
        return _labels(_Arrays(archive, what), meta, energy_key, forces_key, group_key)


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


class _Arrays:
    """Arrays of an open npz file by key, read when asked for, with errors in one line."""

    def __init__(self, archive: np.lib.npyio.NpzFile, what: str) -> None:
        self.archive, self.what, self.keys = archive, what, set(archive.files)

    def __getitem__(self, key: str) -> npt.NDArray[Any]:
        if key not in self.keys:
            raise InputError(f"{self.what} has no key {key!r}, found {self.listed()}: name one of them")
        try:
            return np.asarray(self.archive[key])
        except ValueError as error:
            raise InputError(
                f"{key!r} in {self.what} must be a plain array, found pickled objects (never loaded, they can run "
                "code): save plain arrays with numpy.savez"
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise InputError(f"{key!r} in {self.what} cannot be read, the file is damaged: fetch it again") from error

    def first(self, keys: tuple[str, ...], name: str, remedy: str) -> npt.NDArray[Any]:
        for key in keys:
            if key in self.keys:
                return self[key]
        wanted = " or ".join(keys)
        raise InputError(f"{self.what} needs {name} under {wanted}, found the keys {self.listed()}: {remedy}")

    def text(self, key: str) -> str:
        """Text under a key, stored as str or bytes; "" where there is none."""
        if key not in self.keys:
            return ""
        value = self[key].reshape(-1)[:1].tolist()
        if value and isinstance(value[0], bytes):
            return value[0].decode("utf-8", "replace")
        return str(value[0]) if value else ""

    def listed(self) -> str:
        return ", ".join(sorted(self.keys))


def _labels(
    arrays: _Arrays,
    meta: Mapping[str, Any] | None,
    energy_key: str | None,
    forces_key: str | None,
    group_key: str | None,
) -> FileLabels:
    named = "name energy_key and forces_key"
    positions = arrays.first(POSITIONS_KEYS, "positions", "rename the key")
    energy = arrays.first((energy_key,) if energy_key else _ENERGY, "energies", named)
    forces = arrays.first((forces_key,) if forces_key else _FORCES, "forces", named)
    own = arrays.keys if meta is not None else set()
    groups = group_key or ("replica" if "replica" in own else None)
    return FileLabels(
        numbers=_one_composition(arrays),
        positions=positions,
        energy=energy[:, 0] if energy.ndim == 2 and energy.shape[1] == 1 else energy,
        forces=forces,
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


def _one_composition(arrays: _Arrays) -> npt.NDArray[Any]:
    """Atomic numbers, shape [A], from [A] or from one row per frame."""
    numbers = arrays.first(NUMBERS_KEYS, "atomic numbers", "rename the key")
    if numbers.dtype.kind not in "iu":
        raise InputError(f"atomic numbers of {arrays.what} must be whole, found {numbers.dtype}: write 6 for carbon")
    if numbers.ndim != 2:
        return numbers
    sizes = arrays["N"] if "N" in arrays.keys else np.full(len(numbers), numbers.shape[1])
    if not len(numbers) or (numbers != numbers[0]).any() or (sizes != numbers.shape[1]).any():
        raise InputError(f"frames of {arrays.what} must be one molecule, found several: write one file for each")
    return np.asarray(numbers[0])


def _level(arrays: _Arrays, meta: Mapping[str, Any] | None) -> str | None:
    if meta is not None and meta.get("level"):
        return str(meta["level"])
    return "pbe/def2-svp" if arrays.keys >= _REVISED_MD17 | _REVISED_MD17_MARKS else None


def _declared(arrays: _Arrays, meta: Mapping[str, Any] | None) -> FileUnits | None:
    """Units from the sidecar, else from an sGDML dataset's own keys."""
    if meta is not None and "units" in meta:
        units, where = meta["units"], meta.get("sidecar", "the sidecar")
        if not isinstance(units, dict) or not {"R", "E"} <= set(units):
            raise InputError(f"units in {where} need R and E, found {units!r}: write the unit of each array")
        return named_units(str(units["E"]), str(units["R"]), units.get("F"), f"declared in {where}")
    if arrays.text("e_unit") and arrays.text("r_unit"):
        return named_units(
            arrays.text("e_unit"), arrays.text("r_unit"), None, "declared by e_unit and r_unit in the file"
        )
    return None


def _convention(arrays: _Arrays) -> FileUnits | None:
    if arrays.keys >= _REVISED_MD17:
        return named_units("kcal/mol", "Angstrom", None, "recognised from the keys of revised MD17")
    if arrays.keys >= _SGDML_MARKS:
        return named_units("kcal/mol", "Angstrom", None, "recognised from the keys of sGDML and MD17")
    return None


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))
