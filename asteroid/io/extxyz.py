"""Label files in extended XYZ, read through ASE; geometries in plain XYZ too."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Any

import ase.io
import numpy as np
from ase.data import chemical_symbols

from asteroid.errors import InputError
from asteroid.io.ase_frames import ase_geometries, ase_labels, read_frames
from asteroid.io.label_format import LabelFormat
from asteroid.labels.selection_rule import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from asteroid.io.declaration import Declaration
    from asteroid.io.file_units import FileGeometries, FileLabels
    from asteroid.labels.label_set import LabelSet
    from asteroid.labels.selection_rule import SelectionRule

_STATED_RULE = re.compile(rf'(?:^|\s){KEY}="?([^"\s]+)')


def _read(path: Path, declared: Declaration) -> FileLabels:
    frames = _frames(path, f"{path.name} must be extended XYZ", format="extxyz")
    return ase_labels(frames, path.name, declared, "recognised from extended XYZ, whose units are ASE's")


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    return ase_geometries(_frames(path, f"{path.name} must be XYZ"), path.name, declared)


def _frames(path: Path, wanted: str, **how: Any) -> Iterator[Atoms]:
    """The frames of an (extended) XYZ file, all of them or an error.

    ASE stops at a blank line without a word: everything behind it would be lost.

    Args:
        path: the file.
        wanted: the rule for messages.
        **how: for `ase.io.iread`.

    Raises:
        InputError: ASE cannot read a frame, there is more in the file than was read, or its last line is not ended.
    """
    if not path.stat().st_size:
        return
    lines_read = 0
    for atoms in read_frames(ase.io.iread(path, index=":", do_not_split_by_at_sign=True, **how), wanted):
        lines_read += len(atoms) + 2
        yield atoms
    with path.open(encoding="utf-8", errors="replace") as file:
        last = ""
        for number, line in enumerate(file, 1):
            if number > lines_read and line.strip():
                raise InputError(
                    f"{path.name} ends for its reader at line {lines_read}, found more at line {number}: remove the "
                    "blank line before it"
                )
            last = line
    if last.strip() and not last.endswith("\n"):
        raise InputError(
            f"the last line of {path.name} is not ended, so the file may be cut off: end it or write it again"
        )


def _write(labels: LabelSet, path: Path, selection_rule: SelectionRule | None) -> None:
    with path.open("w", encoding="utf-8") as stream:
        _write_frames(labels, stream, selection_rule)


def _write_frames(labels: LabelSet, stream: IO[str], selection_rule: SelectionRule | None) -> None:
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
        stream.write(f'{size}\n{" ".join(words)} pbc="F F F"\n')
        columns_of = [values[i, :size] for values in (labels.positions, labels.forces) if values is not None]
        for symbol, row in zip(symbols, np.hstack(columns_of).tolist(), strict=True):
            stream.write(f"{symbol} {' '.join(map(repr, row))}\n")


def _selection_rule(path: Path) -> str:
    """What the comment of the first frame says."""
    with path.open(encoding="utf-8", errors="replace") as text:
        text.readline()
        match = _STATED_RULE.search(text.readline())
    return match.group(1) if match else ""


FORMAT = LabelFormat(
    name="extended XYZ",
    read=_read,
    read_geometries=_read_geometries,
    suffixes=(".xyz", ".extxyz"),
    write=_write,
    selection_rule=_selection_rule,
    length_unit="Angstrom",
)
