"""Label files in extended XYZ, through ASE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ase.io

from asteroid.errors import InputError
from asteroid.io.ase_frames import labels_of_frames, read_frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from asteroid.io.file_units import FileLabels


def read_extxyz(path: Path, **options: Any) -> FileLabels:
    """Read labels from an extended XYZ file.

    Args:
        path: the file.
        **options: as in `asteroid.io.ase_frames.labels_of_frames`.

    Raises:
        InputError: not extended XYZ, no frames, a label is missing, or frames are periodic.
    """
    frames = xyz_frames(path, f"{path.name} must be extended XYZ", format="extxyz")
    return labels_of_frames(
        frames, path.name, convention="recognised from extended XYZ, whose units are ASE's", **options
    )


def xyz_frames(path: Path, wanted: str, **how: Any) -> Iterator[Atoms]:
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
