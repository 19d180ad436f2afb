"""Labels of two levels that are the same labels: one file that was named twice, or a copy under another name."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet

#: Energies that two levels share by chance are few: beyond this share of the smaller set, and so many, none do.
_SHARE, _SHARED_MIN = 0.5, 10


def refuse_labels_of_two_levels(*sets: LabelSet) -> None:
    """Refuse sets of different levels that hold the same energies, to the last digit.

    Raises:
        InputError: most energies of a set are those of another.
    """
    for one, other in itertools.combinations(sets, 2):
        if one.energy is None or other.energy is None:
            continue
        shared, smaller = len(np.intersect1d(one.energy, other.energy)), min(len(one), len(other))
        if shared >= max(_SHARED_MIN, _SHARE * smaller):
            raise InputError(
                f"labels of two levels must differ, found {shared} energies of {one.level} that are those of "
                f"{other.level} to the last digit: name the file of each"
            )
