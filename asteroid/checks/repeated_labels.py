"""Labels that stand twice: another geometry with the energy and forces of a frame before, to the last digit.

A job that failed and left the output of the one before, and copies of a frame that were shaken without being labelled
again, have such labels. Copies of geometries are `asteroid.checks.guards.check_distinct`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labels.compositions import FRAMES_SHOWN, frame_name, listed

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet

#: Fewer force components that are not zero may agree in two frames by chance, where they are rounded.
_COMPONENTS_MIN = 5


def refuse_repeated_labels(labels: LabelSet, source: str) -> None:
    """Refuse frames with the very label of another frame; call it on geometries that are distinct.

    Raises:
        InputError: there are such frames.
    """
    if labels.energy is None or labels.forces is None or not len(labels):
        return
    rows = np.flatnonzero(np.count_nonzero(labels.forces, axis=(1, 2)) >= _COMPONENTS_MIN)
    first: dict[tuple[float, bytes], int] = {}
    same = []
    # Energies first: hashing all forces would take as long as everything else.
    energies, counts = np.unique(labels.energy[rows], return_counts=True)
    for row in rows[np.isin(labels.energy[rows], energies[counts > 1])].tolist():
        before = first.setdefault((float(labels.energy[row]), labels.forces[row].tobytes()), row)
        if before != row:
            same.append((before, row))
    if same:
        shown = [f"{frame_name(labels, one)} = {frame_name(labels, other)}" for one, other in same[:FRAMES_SHOWN]]
        raise InputError(
            f"frames of {source} must have labels of their own, found the energy and forces of another frame to the "
            f"last digit in {len(same)} (frames {listed(shown, len(same))}), whose geometries differ: label them again "
            "or remove them"
        )
