"""Molecules alone in a periodic box, as plane-wave codes and molecular dynamics have them, taken out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt
    from ase import Atoms

#: Empty space that makes a molecule in a periodic box a free one, in Å.
VACUUM_ANG = 5.0


def free_positions(atoms: Atoms, i: int, source: str, *, vacuum_box: bool) -> npt.NDArray[Any]:
    """Positions of a molecule that no periodic image touches, shape [A, 3] in Å.

    Args:
        atoms: a frame.
        i: its number, for messages.
        source: the file's name, for messages.
        vacuum_box: take the molecule out of its box, in one piece where the box cuts it.

    Raises:
        InputError: the frame is periodic and shall not be taken out of its box, or its images are too near.
    """
    rank = int(np.linalg.matrix_rank(atoms.cell.array))
    if not rank or not (atoms.pbc.any() or (vacuum_box and rank == 3)):  # nothing repeats without a cell
        return np.array(atoms.positions)
    if not vacuum_box:
        raise InputError(
            f"frames of {source} must be free molecules, frame {i} is periodic: set pbc to F F F, or declare "
            "vacuum_box: true for a molecule alone in its box"
        )
    # The box may cut the molecule in two.
    cell = np.asarray(atoms.cell.complete().array)
    reciprocal = np.linalg.inv(cell)
    repeats = atoms.pbc if atoms.pbc.any() else np.ones(3, dtype=np.bool_)  # pbc is often set off behind the program
    fractional = _in_one_piece(atoms.positions @ reciprocal, cell, repeats)
    gap = ((1 - np.ptp(fractional, axis=0)) / np.linalg.norm(reciprocal, axis=0))[repeats]
    if gap.min() < VACUUM_ANG:
        if not atoms.pbc.any():
            return np.array(atoms.positions)
        raise InputError(
            f"a molecule alone in its box needs {VACUUM_ANG:g} Å of vacuum, found {gap.min():.2g} Å in frame {i} of "
            f"{source}: periodic systems are not supported"
        )
    return np.asarray(fractional @ cell)


def _in_one_piece(
    fractional: npt.NDArray[np.float64], cell: npt.NDArray[np.float64], repeats: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Every atom where it is nearest to one that has its place already, the nearest first: molecules may be long."""
    placed, distance = np.array(fractional), np.full(len(fractional), np.inf)
    last, left = 0, np.ones(len(fractional), dtype=np.bool_)
    for _ in range(len(fractional) - 1):
        left[last] = False
        step = fractional - placed[last]
        step -= np.rint(step) * repeats
        length = np.linalg.norm(step @ cell, axis=1)
        nearer = left & (length < distance)
        distance[nearer], placed[nearer] = length[nearer], placed[last] + step[nearer]
        last = int(np.argmin(np.where(left, distance, np.inf)))
    return placed
