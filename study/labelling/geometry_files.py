"""Geometries to label or to start from, read from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.checks.guards import check_finite
from asteroid.checks.plausibility import check_lengths
from asteroid.checks.single_frames import refuse_broken_geometries
from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.formats import format_to_read
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels
from asteroid.labels.label_set import LabelSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.labels.label_set import FloatArray, IntArray

_NO_LEVEL = "unlabelled"


def read_frames(
    path: Path, *, length_unit: str | None = None, group_key: str | None = None, notes: list[str] | None = None
) -> LabelSet:
    """Read geometries; labels that the file may have are left aside.

    Files of this project keep their groups and frame numbers, so that labels of several levels for the same frames stay
    paired.

    Args:
        path: a file of any format of `asteroid.io.formats`.
        length_unit: of a file that does not say it.
        group_key: key of the groups in a file of somebody else's.
        notes: what else the reader should know is added here.

    Raises:
        InputError: as `asteroid.io.geometries.read_geometries`, a number is not finite, or positions cannot be in Å:
            labels cost hours, and those of impossible geometries are worth nothing.
    """
    frames = None
    if length_unit is None and group_key is None:
        frames = _own_frames(path, notes)
    if frames is None:
        # What is computed here is a free molecule, whatever box it lies alone in.
        declared = Declaration(level=_NO_LEVEL, length_unit=length_unit, group_key=group_key, vacuum_box=True)
        frames = read_geometries(path, declared, notes)
    if not len(frames):
        raise InputError(f"{path.name} needs frames, found none: check the file")
    check_finite(frames, path.name)
    remedy = "correct or remove it"
    refuse_broken_geometries(frames, path.name, remedy=remedy)
    check_lengths(frames, path.name, remedy="give the unit of length by --length-unit (Angstrom, Bohr or nm)")
    return frames


def stated_electrons(path: Path, charge: int | None, unpaired: int | None) -> tuple[int, int, str | None]:
    """Charge and unpaired electrons of a file's molecule: what was asked for, else what the file states, else none.

    Args:
        path: a file of geometries.
        charge: total charge that was asked for, or None.
        unpaired: number of unpaired electrons that was asked for, or None.

    Returns:
        (charge, unpaired electrons, a note where the file's were taken).

    Raises:
        InputError: frames state different charges, or others than were asked for.
    """
    found = format_to_read(path).electrons(path)
    of_file = found.unpaired(charge if charge is not None else found.charge or 0)
    taken = []
    for option, asked, stated in (("--charge", charge, found.charge), ("--spin", unpaired, of_file)):
        if asked is not None and stated is not None and asked != stated:
            raise InputError(
                f"{path.name} states {option[2:]} {stated}, found {option} {asked}: leave it out or correct the file"
            )
        if asked is None and stated:
            taken.append(f"{option[2:]} {stated}")
    charge = charge if charge is not None else found.charge or 0
    unpaired = unpaired if unpaired is not None else of_file or 0
    return charge, unpaired, f"{' and '.join(taken)}: as {path.name} states" if taken else None


def _own_frames(path: Path, notes: list[str] | None) -> LabelSet | None:
    """Frames of a file whose labels can be read without a word from the user; None for any other file."""
    for level in (None, _NO_LEVEL):
        try:
            loaded = read_labels(path, Declaration(level=level))
        except InputError:  # read_geometries will say what is wrong, if anything is
            continue
        labels = loaded.labels
        if notes is not None:
            notes += [note for note in loaded.notes if "single atom" in note]
        return LabelSet(
            labels.numbers,
            labels.positions,
            None,
            None,
            _NO_LEVEL,
            frame_id=labels.frame_id,
            group=labels.group,
        )
    return None


def read_molecule(
    path: Path, *, length_unit: str | None = None, on_note: Callable[[str], None] | None = None
) -> tuple[IntArray, FloatArray]:
    """Atomic numbers [A] and the first geometry [A, 3] in Å of a file.

    Args:
        path: as in `read_frames`.
        length_unit: likewise.
        on_note: told where the file holds more geometries than one.

    Raises:
        InputError: as `read_frames`.
    """
    frames = read_frames(path, length_unit=length_unit)
    if len(frames) > 1 and on_note is not None:
        on_note(
            f"{path.name} holds {len(frames):,} geometries: the first is taken; for another, give a file of its own"
        )
    start = frames.positions[0]
    return frames.numbers, start
