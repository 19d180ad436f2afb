"""The layout of ASTEROID's reference code (and of GemNet's): R, Z, N, E, F with one row per atom, N atoms per frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.file_units import FileLabels, one_row_for_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from asteroid.io.declaration import Declaration
    from asteroid.io.npz_arrays import NpzArrays


def is_flattened(arrays: NpzArrays) -> bool:
    """Whether positions come with one row per atom and N says how many rows a frame has."""
    return arrays.keys >= {"R", "Z", "N"} and arrays["R"].ndim == 2


def read_flattened(arrays: NpzArrays, sidecar: Mapping[str, Any] | None, declared: Declaration) -> FileLabels:
    """Read frames from the flattened layout, whose files by custom state no units and no level.

    Args:
        arrays: R [sum of N, 3], Z [sum of N], N [frames], E [frames], F [sum of N, 3]; energies, forces and groups,
            shape [frames], may have other keys.
        sidecar: content of the sidecar with units and level, or None.
        declared: what the file's user says of it.

    Raises:
        InputError: the shapes disagree.
    """
    energy_key, forces_key = declared.label_keys(arrays.source) or ("E", "F")
    group_key = declared.group_key
    sizes, numbers, positions = _flattened(arrays)
    n, rows = len(sizes), len(positions)
    named = "name energy_key and forces_key"
    energy = arrays.first((energy_key,), "energies", named)
    forces = arrays.forces((forces_key,), named)
    if forces is not None and forces.shape != (rows, 3):
        raise InputError(
            f"forces of {arrays.source} need one row per atom, {rows} rows of 3, found {list(forces.shape)}: check the "
            "file"
        )
    ids = arrays["id"] if "id" in arrays.keys else None
    return FileLabels(
        numbers=one_row_for_all(_by_frame(numbers, sizes)),
        positions=_by_frame(positions, sizes),
        energy=energy.reshape(-1) if energy.shape == (n, 1) else energy,
        forces=None if forces is None else _by_frame(forces, sizes),
        level=str(sidecar["level"]) if sidecar is not None and sidecar.get("level") else None,
        theory=arrays.text("theory"),
        stated=arrays.stated(declared.label_keys(arrays.source), sidecar),
        frame_id=ids if ids is not None and ids.shape == (n,) and ids.dtype.kind in "iu" else None,
        group=arrays[group_key] if group_key else None,
        notes=("one row per atom, as ASTEROID's reference code stores frames",)
        + ((f"groups from key {group_key}",) if group_key else ()),
    )


def flattened_geometries(arrays: NpzArrays) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Atomic numbers and positions of a flattened file, in the shapes of `asteroid.io.file_units.FileLabels`.

    Raises:
        InputError: the shapes disagree.
    """
    sizes, numbers, positions = _flattened(arrays)
    return one_row_for_all(_by_frame(numbers, sizes)), _by_frame(positions, sizes)


def _flattened(arrays: NpzArrays) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Atoms of each frame, and one row per atom of atomic numbers and positions."""
    source, positions, numbers, sizes = arrays.source, arrays.positions(), arrays.whole_numbers(), arrays["N"]
    if sizes.dtype.kind not in "iu" or sizes.ndim != 1 or (sizes < 1).any():
        raise InputError(
            f"N of {source} must be the number of atoms of each frame, found {sizes.dtype}: check the file"
        )
    total = int(sizes.sum())
    if positions.shape != (total, 3) or numbers.shape != (total,):
        raise InputError(
            f"{source} must have as many rows of R and Z as N adds up to, {total}, found {list(positions.shape)} and "
            f"{list(numbers.shape)}: check the file"
        )
    if not len(sizes):
        raise InputError(f"{source} needs frames, found none: check the file")
    if not numbers.all():
        raise InputError(
            f"atomic numbers of {source} lie between 1 and 118, found 0 in row {int(numbers.argmin())}: N counts "
            "atoms, remove rows without one"
        )
    return sizes, numbers, positions


def _by_frame(rows: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One row per atom into [N, A, ...], with zeros behind the atoms of smaller frames."""
    n, atoms = len(sizes), int(sizes.max())
    if n * atoms == len(rows):
        return rows.reshape(n, atoms, *rows.shape[1:])
    padded = np.zeros((n, atoms, *rows.shape[1:]), dtype=rows.dtype)
    padded[np.arange(atoms) < sizes[:, None]] = rows
    return padded
