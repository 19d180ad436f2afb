"""What is usual for a force field, read off frames of its sampling that it was not trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.deploy.record import CalibrationRecord

if TYPE_CHECKING:
    from asteroid.deploy.force_field import ForceField
    from asteroid.labels.label_set import LabelSet

#: Share of the held-out frames that count as inside, and frames that suffice to tell it.
_INSIDE, MOST_FRAMES, _FEWEST_FRAMES = 0.97, 500, 30


def calibrated(force_field: ForceField, held_out: LabelSet) -> ForceField:
    """The force field with the distance beyond which frames are outside, and what its spread stands for.

    The spread of a committee is brought to the size of the error: the factor makes the mean spread of the held-out
    frames equal to the force MAE that the card states.

    Args:
        force_field: a force field.
        held_out: geometries of the same sampling as its labels; at random. With fewer than 30, or of several molecules,
            nothing is told.
    """
    region = force_field.region
    if region is None or len(held_out) < _FEWEST_FRAMES:
        return force_field
    positions = held_out.positions[:MOST_FRAMES]
    limit = float(np.quantile(region.distances(positions), _INSIDE))
    spread, error = force_field.spread(held_out.numbers, positions), force_field.card.error.force_mae_ev_ang
    scale = None if spread is None or error is None else error / float(spread.forces.mean())
    record = CalibrationRecord(distance_limit=limit, error_per_spread=scale, n_frames=len(positions))
    return replace(force_field, calibration=record)
