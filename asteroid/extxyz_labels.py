"""Label files in extended XYZ, through ASE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ase.io
import numpy as np

from asteroid.errors import InputError
from asteroid.file_labels import FileLabels, FileUnits

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from ase import Atoms

#: Keys that mark reference labels, by the custom of MACE and others; without them, ASE's own energy and forces count.
REF_KEYS = ("REF_energy", "REF_forces")
_CONVENTION = FileUnits("eV", "Angstrom", "eV/Angstrom", "recognised from extended XYZ, whose units are ASE's")


def read_extxyz(
    path: Path, *, energy_key: str | None = None, forces_key: str | None = None, group_key: str | None = None
) -> FileLabels:
    """Read the labels of one molecule from an extended XYZ file.

    Args:
        path: the file.
        energy_key: key of the energy in the comment line; default REF_energy, else ASE's `energy`.
        forces_key: name of the forces column; default REF_forces, else ASE's `forces`.
        group_key: key of an integer group in the comment line.

    Raises:
        InputError: not extended XYZ, no frames, a label is missing, frames differ in composition or are periodic.
    """
    if (energy_key is None) != (forces_key is None):
        raise InputError(
            f"energies and forces of {path.name} must be of one level, only {energy_key or forces_key} is named: "
            "name both keys"
        )
    try:
        frames: list[Atoms] = list(ase.io.iread(path, index=":", format="extxyz"))
    except (ValueError, KeyError, IndexError, TypeError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path.name} must be extended XYZ, ASE cannot read it ({reason}): write it with ase.io"
        ) from error
    if not frames:
        raise InputError(f"{path.name} needs frames, found none: check the file")
    refuse_leftovers(path, frames)
    refuse_mixture(frames, path.name)
    marked = all(key in frames[0].info or key in frames[0].arrays for key in REF_KEYS)
    keys = (energy_key, forces_key) if energy_key and forces_key else REF_KEYS if marked else ("energy", "forces")
    try:
        energy = np.array([float(np.squeeze(_label(atoms, keys[0], i, path.name))) for i, atoms in enumerate(frames)])
        forces = np.array([_label(atoms, keys[1], i, path.name) for i, atoms in enumerate(frames)], dtype=np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"labels of {path.name} must be numbers ({error}): repair the file or name other keys"
        ) from error
    return FileLabels(
        numbers=frames[0].numbers,
        positions=np.array([atoms.positions for atoms in frames]),
        energy=energy,
        forces=forces,
        convention=_CONVENTION,
        group=np.array([_label(atoms, group_key, i, path.name) for i, atoms in enumerate(frames)])
        if group_key
        else None,
        notes=(f"labels from {keys[0]} and {keys[1]}",) + ((f"groups from key {group_key}",) if group_key else ()),
    )


def refuse_leftovers(path: Path, frames: list[Atoms]) -> None:
    """ASE stops at a blank line without a word: everything behind it would be lost.

    Raises:
        InputError: there is more in the file than the frames that were read, or its last line is not ended.
    """
    expected = sum(len(atoms) + 2 for atoms in frames)
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    behind = [number for number, line in enumerate(lines[expected:], expected + 1) if line.strip()]
    if behind:
        raise InputError(
            f"{path.name} ends for its reader at line {expected}, found more at line {behind[0]}: remove the blank "
            "line before it"
        )
    if lines[-1].strip():
        raise InputError(
            f"the last line of {path.name} is not ended, so the file may be cut off: end it or write it again"
        )


def refuse_mixture(frames: list[Atoms], what: str) -> None:
    """Frames must be one free molecule.

    Raises:
        InputError: a frame has other atoms, or another order of them, than the first, or is periodic.
    """
    first = frames[0]
    for i, atoms in enumerate(frames):
        if not np.array_equal(atoms.numbers, first.numbers):
            raise InputError(
                f"frames of {what} must be one molecule with one order of atoms, found {first.symbols} in frame 0 and "
                f"{atoms.symbols} in frame {i}: write one file for each"
            )
        if atoms.pbc.any():
            raise InputError(f"frames of {what} must be free molecules, frame {i} is periodic: set pbc to F F F")


def _label(atoms: Atoms, key: str, i: int, what: str) -> npt.NDArray[Any]:
    """Find a frame's value under a key: of the comment line, a column, or ASE's calculator results."""
    results = atoms.calc.results if atoms.calc is not None else {}
    for source in (atoms.info, atoms.arrays, results):
        if key in source:
            return np.asarray(source[key])
    found = sorted({*atoms.info, *atoms.arrays, *results} - {"numbers", "positions"})
    raise InputError(
        f"{what} needs {key} in every frame, frame {i} has {', '.join(found) or 'no labels'}: name energy_key and "
        "forces_key, or label the frame"
    )
