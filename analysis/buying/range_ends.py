"""Errors of labels at the ends of a balanced draw, which a model without them must extrapolate to.

Labels that are drawn balanced along the cheap energy lie one in each of n equal shares of the pool. Leave the highest
one out, and the model has seen nothing above the second highest: with a share as the unit of length and places uniform
inside it, the label lies 1 beyond the range that was trained on, on average, and always. A new frame of the same share
lies beyond the highest label by E[max(v - u, 0)] = 1/6 only. Where errors grow along the range (formaldehyde up to
2,000 K) one label makes a cross-validated error too large by .1 to .2 in the log. So a label beyond all that its model
has seen is scored as its nearest neighbours inside are, with a sixth of what it exceeds them by:

    e  ->  inside + (e - inside) / 6.

Labels drawn at random need no such thing: a new frame is as often, and as far, beyond n labels as one of n + 1 is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.labels.splits import folds_in_turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: How far a new frame lies beyond the range, over how far a label that is left out does.
_NEW_FRAME_SHARE = 1 / 6
#: Neighbours inside the range whose mean error stands for the error at its end.
_NEIGHBOURS = 3


def as_new_frames(errors: NDArray[np.float64], along: NDArray[np.float64], n_folds: int) -> NDArray[np.float64]:
    """Out-of-fold errors, those of labels beyond all that their model has seen corrected.

    Args:
        errors: [n] in the order of purchase, divided by `folds_in_turn`.
        along: [n] the value that they were drawn balanced along.
        n_folds: parts of the division.

    Returns:
        [n]; as they were where too few labels lie inside the range.
    """
    corrected = errors.copy()
    fold = folds_in_turn(len(errors), n_folds)
    for value in (along, -along):
        highest = np.array([value[fold != own].max(initial=-np.inf) for own in range(n_folds)])
        beyond = value > highest[fold]
        inside = np.flatnonzero(~beyond)
        if len(inside) >= _NEIGHBOURS:
            nearest = inside[np.argsort(-value[inside], kind="stable")[:_NEIGHBOURS]]
            level = errors[nearest].mean()
            corrected[beyond] = level + _NEW_FRAME_SHARE * (errors[beyond] - level)
    return corrected
