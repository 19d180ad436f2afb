"""What the cheap level knows of the test frames: whether their draw is calmer or wilder than the frames it stands for.

A model's error on a frame goes with the frame's cheap energy and mean cheap force (methanol, GFN2-xTB: correlations .5
to .7), and these are known for every frame that might have been drawn. They tell a draw of calm test labels from a
good model, and serve as control variates of the mean error (`asteroid.stages.evaluation`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.labels.matching import match_geometries

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, LabelSet

#: The controls in the order of their columns.
CONTROLS = ("energy", "mean force")


def draw_controls(test: LabelSet, cheap: LabelSet) -> FloatArray | None:
    """Cheap energy and mean cheap force component of each test frame, against those of all cheap frames.

    Args:
        test: the test frames, of one composition.
        cheap: all cheap frames, those of the test geometries among them.

    Returns:
        [n, 2] in standard deviations of the cheap frames from their mean; None where the cheap level is not known at
        every test frame, has several compositions or no spread.
    """
    everywhere, own = cheap_values(cheap), cheap_values_at(test, cheap)
    if everywhere is None or not len(test) or np.isnan(own).any():
        return None
    spread = everywhere.std(axis=0)
    return np.asarray((own - everywhere.mean(axis=0)) / spread) if (spread > 0).all() else None


def cheap_values(cheap: LabelSet) -> FloatArray | None:
    """Energy (eV) and mean absolute force component (eV/Å) of each cheap frame.

    Returns:
        [N, 2]; None where they are not known, or not comparable, in a set of several molecules.
    """
    if cheap.varied or cheap.energy is None or cheap.forces is None:
        return None
    return np.stack([cheap.energy, np.abs(cheap.forces).mean(axis=(1, 2))], axis=1)


def cheap_values_at(frames: LabelSet, cheap: LabelSet) -> FloatArray:
    """The same at the geometries of other frames, perhaps rotated.

    Args:
        frames: frames of any level.
        cheap: all cheap frames.

    Returns:
        [n, 2]; NaN where the cheap set does not have the geometry or `cheap_values` has none.
    """
    found = np.full((len(frames), 2), np.nan)
    values = cheap_values(cheap)
    if values is not None and not frames.varied:
        rows, cheap_rows = match_geometries(frames, cheap)
        found[rows] = values[cheap_rows]
    return found


def draw_scores(controls: FloatArray) -> tuple[float, float]:
    """z-scores of the test frames' mean cheap energy and mean cheap force; below zero: calmer than the cheap frames.

    Args:
        controls: [n, 2] from `draw_controls`.
    """
    energy, force = (float(mean) for mean in controls.mean(axis=0) * np.sqrt(len(controls)))
    return energy, force
