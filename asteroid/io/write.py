"""Labels out: npz and extended XYZ that read back as they were: level, units, groups, frame numbers and times too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from ase.data import chemical_symbols

from asteroid.errors import InputError
from asteroid.labels.selection_rule import KEY

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet
    from asteroid.labels.selection_rule import SelectionRule

_SUFFIXES = (".npz", ".xyz", ".extxyz")


def write_labels(labels: LabelSet, path: str | Path, *, selection_rule: SelectionRule | None = None) -> None:
    """Write labels to a file that `asteroid.io.read.read_labels` reads back to the last digit.

    An npz file holds z [A], R [N, A, 3], E [N], F [N, A, 3], index [N], group [N], cpu_s [N] (double precision, as far
    as there are any) and level, e_unit, r_unit. Extended XYZ holds `REF_energy` and `REF_forces` with all digits that
    double precision has, and level, frame_id, group and cpu_s in the comment lines. Units are eV and Å in both, and
    both have `selection_rule` where one is given. The file is there complete or not at all.

    A set of several molecules has z [N, A] in an npz file, and zeros in z, R and F behind the atoms of smaller frames;
    each frame of extended XYZ has its own atoms. Where all of its frames are of one molecule, it reads back as a set of
    one molecule.

    Args:
        labels: the frames; energies and forces may be missing, then the file is for `read_geometries`.
        path: a name ending in .npz, .xyz or .extxyz; a file of that name is replaced.
        selection_rule: how the frames were chosen, where that is known.

    Raises:
        InputError: another ending, no such folder, or a sidecar of other labels lies beside the name.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise InputError(f"labels are written to .npz, .xyz or .extxyz, found {path.name!r}: choose one of these")
    if not path.parent.is_dir():
        raise InputError(f"labels are written into a folder, found none named {str(path.parent)!r}: make it first")
    sidecar = path.with_name(path.stem + ".meta.json")
    if suffix == ".npz" and sidecar.exists():
        raise InputError(f"{path.name} would be read by the units in {sidecar.name}: remove it or choose another name")
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if suffix == ".npz":
            with half.open("wb") as file:
                np.savez(file, **_arrays(labels, selection_rule))
        else:
            with half.open("w", encoding="utf-8") as text:
                _write_extxyz(labels, text, selection_rule)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _arrays(labels: LabelSet, selection_rule: SelectionRule | None) -> dict[str, Any]:
    arrays = {
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
    return {key: array for key, array in arrays.items() if array is not None}


def _write_extxyz(labels: LabelSet, file: IO[str], selection_rule: SelectionRule | None) -> None:
    """One frame after the other; Python's repr of a float reads back to the same float."""
    columns = "species:S:1:pos:R:3" + (":REF_forces:R:3" if labels.forces is not None else "")
    atoms = np.broadcast_to(labels.numbers, labels.positions.shape[:2])
    for i, size in enumerate(labels.n_atoms.tolist()):
        symbols = [chemical_symbols[z] for z in atoms[i, :size]]
        words = [f"Properties={columns}"]
        if labels.energy is not None:
            words.append(f"REF_energy={float(labels.energy[i])!r}")
        words += [f'level="{labels.level}"', f"frame_id={labels.frame_id[i]}"]
        if labels.group is not None:
            words.append(f"group={labels.group[i]}")
        if labels.cpu_s is not None:
            words.append(f"cpu_s={float(labels.cpu_s[i])!r}")
        if selection_rule is not None:
            words.append(f"{KEY}={selection_rule}")
        file.write(f'{size}\n{" ".join(words)} pbc="F F F"\n')
        columns_of = [values[i, :size] for values in (labels.positions, labels.forces) if values is not None]
        for symbol, row in zip(symbols, np.hstack(columns_of).tolist(), strict=True):
            file.write(f"{symbol} {' '.join(map(repr, row))}\n")
