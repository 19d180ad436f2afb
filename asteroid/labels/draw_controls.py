"""What the cheap level knows of the test frames: whether their draw is calmer or wilder than the frames it stands for.

A model's error on a frame goes with the frame's cheap energy and mean cheap force (methanol, GFN2-xTB: correlations .5
to .7), and these are known for every frame that might have been drawn. They tell a lucky draw of test labels from a
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
    if test.varied or cheap.varied or cheap.energy is None or cheap.forces is None or not len(test):
        return None
    test_rows, cheap_rows = match_geometries(test, cheap)
    row_of = dict(zip(test_rows.tolist(), cheap_rows.tolist(), strict=True))
    if len(row_of) < len(test):
        return None
    values = np.stack([cheap.energy, np.abs(cheap.forces).mean(axis=(1, 2))], axis=1)
    spread = values.std(axis=0)
    if not (spread > 0).all():
        return None
    own = values[[row_of[row] for row in range(len(test))]]
    return np.asarray((own - values.mean(axis=0)) / spread)


def draw_scores(controls: FloatArray) -> tuple[float, float]:
    """z-scores of the test frames' mean cheap energy and mean cheap force; below zero: calmer than the cheap frames.

    Args:
        controls: [n, 2] from `draw_controls`.
    """
    energy, force = (float(mean) for mean in controls.mean(axis=0) * np.sqrt(len(controls)))
    return energy, force
