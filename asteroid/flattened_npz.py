"""The layout of ASTEROID's reference code (and of GemNet's): R, Z, N, E, F with one row per atom, N atoms per frame."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.symbols import Symbols

from asteroid.errors import InputError
from asteroid.file_labels import FileLabels

if TYPE_CHECKING:
    import numpy.typing as npt

    from asteroid.npz_arrays import NpzArrays

_SHOWN = 4


def is_flattened(arrays: NpzArrays) -> bool:
    """Whether positions come with one row per atom and N says how many rows a frame has."""
    return arrays.keys >= {"R", "Z", "N"} and arrays["R"].ndim == 2


def read_flattened(
    arrays: NpzArrays, energy_key: str | None, forces_key: str | None, group_key: str | None
) -> FileLabels:
    """Read one molecule from the flattened layout, whose files state no units and no level.

    Args:
        arrays: R [sum of N, 3], Z [sum of N], N [frames], E [frames], F [sum of N, 3].
        energy_key: key of the energies where it is not E.
        forces_key: key of the forces where it is not F.
        group_key: key of the groups, shape [frames].

    Raises:
        InputError: the shapes disagree, or there are several compositions.
    """
    numbers, positions = flattened_geometries(arrays)
    n, atoms = positions.shape[:2]
    named = "name energy_key and forces_key"
    energy = arrays.first((energy_key or "E",), "energies", named)
    forces = arrays.first((forces_key or "F",), "forces", named)
    if forces.shape != (n * atoms, 3):
        raise InputError(
            f"forces of {arrays.what} need one row per atom, {n * atoms} rows of 3, found {list(forces.shape)}: check "
            "the file"
        )
    ids = arrays["id"] if "id" in arrays.keys else None
    return FileLabels(
        numbers=numbers,
        positions=positions,
        energy=energy.reshape(-1) if energy.shape == (n, 1) else energy,
        forces=forces.reshape(n, atoms, 3),
        theory=arrays.text("theory"),
        frame_id=ids if ids is not None and ids.shape == (n,) and ids.dtype.kind in "iu" else None,
        group=arrays[group_key] if group_key else None,
        notes=("one row per atom, as ASTEROID's reference code stores frames",)
        + ((f"groups from key {group_key}",) if group_key else ()),
    )


def flattened_geometries(arrays: NpzArrays) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Atomic numbers [A] and positions [N, A, 3] of the one molecule in a flattened file.

    Raises:
        InputError: the shapes disagree, or there are several compositions.
    """
    what, positions, numbers, sizes = arrays.what, arrays.positions(), arrays.whole_numbers(), arrays["N"]
    if sizes.dtype.kind not in "iu" or sizes.ndim != 1 or (sizes < 1).any():
        raise InputError(f"N of {what} must be the number of atoms of each frame, found {sizes.dtype}: check the file")
    if int(sizes.sum()) != len(positions) or len(numbers) != len(positions) or positions.shape[1:] != (3,):
        raise InputError(
            f"{what} must have as many rows of R and Z as N adds up to, {int(sizes.sum())}, found "
            f"{list(positions.shape)} and {list(numbers.shape)}: check the file"
        )
    if not len(sizes):
        raise InputError(f"{what} needs frames, found none: check the file")
    ends = np.cumsum(sizes)
    refuse_compositions([numbers[end - size : end] for size, end in zip(sizes, ends, strict=True)], what)
    return numbers[: sizes[0]], positions.reshape(len(sizes), int(sizes[0]), 3)


def refuse_compositions(numbers: list[npt.NDArray[Any]], what: str) -> None:
    """Refuse several molecules, or several orders of the atoms of one.

    Args:
        numbers: atomic numbers of each frame.
        what: the file's name.

    Raises:
        InputError: the frames differ; the message names the formulas and how many frames each has.
    """
    kinds = Counter(np.ascontiguousarray(z, dtype="<i8").tobytes() for z in numbers)
    if len(kinds) == 1:
        return
    formulas: Counter[str] = Counter()
    for kind, count in kinds.items():
        formulas[str(Symbols(np.frombuffer(kind, dtype="<i8")).get_chemical_formula())] += count
    if len(formulas) == 1:
        first = np.ascontiguousarray(numbers[0], dtype="<i8").tobytes()
        other = next(i for i, z in enumerate(numbers) if np.ascontiguousarray(z, dtype="<i8").tobytes() != first)
        orders = (", ".join(map(str, numbers[i].tolist())) for i in (0, other))
        raise InputError(
            f"frames of {what} must be one molecule with one order of atoms, found atomic numbers {next(orders)} in "
            f"frame 0 and {next(orders)} in frame {other}: write the atoms of every frame in one order"
        )
    listed = ", ".join(f"{formula} ({count:,} frames)" for formula, count in formulas.most_common(_SHOWN))
    more = f" and {len(formulas) - _SHOWN} more" if len(formulas) > _SHOWN else ""
    raise InputError(f"frames of {what} must be one molecule, found {listed}{more}: write one file for each")
