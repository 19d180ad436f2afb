"""Geometries to label or to start from, read from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels
from asteroid.labels.label_set import LabelSet

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import FloatArray, IntArray

_NO_LEVEL = "unlabelled"


def read_frames(path: Path, *, length_unit: str | None = None, group_key: str | None = None) -> LabelSet:
    """Read geometries; labels that the file may have are left aside.

    Files of this project keep their groups and frame numbers, so that labels of several levels for the same frames stay
    paired.

    Args:
        path: a file of any format of `asteroid.io.formats`.
        length_unit: of an npz file that does not say it.
        group_key: key of the groups in a file of somebody else's.

    Raises:
        InputError: as `asteroid.io.geometries.read_geometries`, or a number is not finite.
    """
    frames = None
    if length_unit is None and group_key is None:
        frames = _own_frames(path)
    if frames is None:
        frames = read_geometries(path, Declaration(level=_NO_LEVEL, length_unit=length_unit, group_key=group_key))
    broken = np.flatnonzero(~np.isfinite(frames.positions).all(axis=(1, 2)))
    if len(broken):
        raise InputError(
            f"positions of {path.name} must be finite, found NaN or infinity in frame {broken[0]}: remove it"
        )
    return frames


def _own_frames(path: Path) -> LabelSet | None:
    """Frames of a file whose labels can be read without a word from the user; None for any other file."""
    for level in (None, _NO_LEVEL):
        try:
            labels = read_labels(path, Declaration(level=level)).labels
        except InputError:  # read_geometries will say what is wrong, if anything is
            continue
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


def read_molecule(path: Path) -> tuple[IntArray, FloatArray]:
    """Atomic numbers [A] and the first geometry [A, 3] in Å of a file.

    Raises:
        InputError: as `read_frames`, or two atoms are in one place.
    """
    frames = read_frames(path)
    start = frames.positions[0]
    distance = np.linalg.norm(start[:, None] - start[None], axis=2) + np.eye(len(start)) * 99
    if len(start) and distance.min() < 0.3:
        i, j = np.unravel_index(distance.argmin(), distance.shape)
        raise InputError(
            f"atoms of {path.name} must lie apart, found {distance.min():.2f} Å between atoms {i} and {j}: check the "
            "unit of length (Å) and the geometry"
        )
    return frames.numbers, start
