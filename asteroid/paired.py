"""Cheap labels at the geometries of accurate ones: taken from the cheap set where it has them, computed where not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labels import LabelSet
from asteroid.matching import MATCH_TOL_ANG, match_geometries, turned_forces

if TYPE_CHECKING:
    from asteroid.cheap_methods import CheapMethod


def cheap_labels_at(
    accurate: LabelSet,
    cheap: LabelSet,
    method: CheapMethod | None,
    missing_method: str,
    *,
    tol_ang: float = MATCH_TOL_ANG,
) -> LabelSet:
    """Label every accurate geometry at the cheap level.

    A geometry that the cheap set has, perhaps rotated, lends its label; the others are computed.

    Args:
        accurate: the accurate labels.
        cheap: all labels of the cheap set.
        method: the cheap method as a function of positions, or None where it cannot be run.
        missing_method: what would make it runnable, for the message.
        tol_ang: largest difference of geometries that count as the same (see `matching.match_geometries`).

    Returns:
        as many labels as accurate ones, in their order and orientation, at the cheap level.

    Raises:
        InputError: a geometry has no cheap label and the method cannot be run.
    """
    pairs = match_geometries(accurate, cheap, tol_ang=tol_ang)
    rows, first = np.unique(pairs[0], return_index=True)
    pairs = (rows, pairs[1][first])
    missing = np.setdiff1d(np.arange(len(accurate)), rows)
    if len(missing) and method is None:
        raise InputError(
            f"gdml_delta needs a {cheap.level} label at every accurate geometry, {len(missing)} of {len(accurate)} "
            f"have none: {missing_method}, label them at that level, or remove strategy gdml_delta"
        )
    energy = np.empty(len(accurate))
    forces = np.empty(accurate.positions.shape)
    if len(rows):
        assert cheap.energy is not None
        energy[rows], forces[rows] = cheap.energy[pairs[1]], turned_forces(accurate, cheap, pairs)
    if len(missing) and method is not None:
        energy[missing], forces[missing] = method(accurate.numbers, accurate.positions[missing])
    return LabelSet(
        numbers=accurate.numbers,
        positions=accurate.positions,
        energy=energy,
        forces=forces,
        level=cheap.level,
        frame_id=accurate.frame_id,
        group=accurate.group,
    )
