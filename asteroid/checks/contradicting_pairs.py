"""Pairs of neighbouring frames, one by one: where energies and forces contradict each other in a part of a set.

`asteroid.checks.force_energy` judges all pairs together, and what is wrong in a fifth of the frames is lost in its
average. What a single pair may deviate is known: see `NeighbourPairs.tolerance_ev`.

Measured on the sets and thinnings that the docstring of `asteroid.checks.force_energy_notes` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.neighbour_pairs import PAIRS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.checks.neighbour_pairs import NeighbourPairs
    from asteroid.labels.label_set import BoolArray, FloatArray, IntArray

#: So many pairs without a common frame, so many times further off than their tolerance, are no chance (of up to
#: `PAIRS_MAX` pairs).
TOO_MANY = ((3, 1.1), (2, 1.6), (1, 2.5))
#: Energies and forces that agree to this share are no clear contradiction: on the wall of a diatomic molecule (SH
#: between .77 and 1.1 of its length) the tolerance, made from the usual stiffness, is ten times too small.
_AGREED = 0.1


@dataclass(frozen=True, eq=False)
class Contradictions:
    """Pairs whose energies and forces contradict each other, where these are too many for chance.

    Attributes:
        pairs: number of pairs looked at.
        contradicting: number of those that contradict.
        clear: number of those that do by more than a tenth.
        rows: frames of those pairs, the most suspect first, each in a pair that none before it is in.
    """

    pairs: int
    contradicting: int
    clear: int
    rows: IntArray


def contradictions(found: Sequence[NeighbourPairs], ratio: float = 1.0) -> Contradictions | None:
    """Contradicting pairs of some molecules, judged together; None where there are no more than chance gives.

    Args:
        found: the pairs.
        ratio: a factor between energy differences and forces that is known and not to be counted.
    """
    if not sum(len(pairs) for pairs in found):
        return None
    rows = np.concatenate([pairs.rows for pairs in found])
    off = np.concatenate(
        [np.abs(p.from_energies - ratio * p.from_forces) / (max(abs(ratio), 1.0) * p.tolerance_ev) for p in found]
    )
    more = max(1.0, len(off) / PAIRS_MAX)
    apart = _without_common_frame(off, rows)
    if not any((apart > times).sum() >= round(number * more) for number, times in TOO_MANY):
        return None
    contradicting = off > TOO_MANY[0][1]
    clear = contradicting & np.concatenate([_clearly_off(pairs, ratio) for pairs in found])
    return Contradictions(len(off), int(contradicting.sum()), int(clear.sum()), _suspects(rows, contradicting, off))


def _clearly_off(pairs: NeighbourPairs, ratio: float) -> BoolArray:
    from_forces = ratio * pairs.from_forces
    larger = np.maximum(np.abs(pairs.from_energies), np.abs(from_forces))
    return np.asarray(np.abs(pairs.from_energies - from_forces) > _AGREED * larger)


def _without_common_frame(off: FloatArray, rows: IntArray) -> FloatArray:
    """How far pairs are off, the worst first, without those that share a frame with one before them."""
    taken: set[int] = set()
    apart = []
    for pair in np.argsort(-off, kind="stable"):
        if off[pair] <= TOO_MANY[0][1]:
            break
        if not taken & (both := set(rows[pair].tolist())):
            taken |= both
            apart.append(off[pair])
    return np.array(apart)


def _suspects(rows: IntArray, contradicting: BoolArray, off: FloatArray) -> IntArray:
    """Frames that explain all contradicting pairs, by turns the one with the most contradicting pairs over sound ones.

    A wrong frame contradicts most of its neighbours, a sound one only those that are wrong.
    """
    sound = np.bincount(rows[~contradicting].ravel(), minlength=int(rows.max()) + 1)
    left, off = rows[contradicting], off[contradicting]
    suspects = []
    while len(left):
        against = np.bincount(left.ravel(), minlength=len(sound))
        weight = np.bincount(left.ravel(), np.repeat(off, 2), minlength=len(sound))
        # The size of the contradictions decides ties only.
        suspects.append(int(np.argmax(np.where(against, against - sound + weight / (1 + weight.max()), -np.inf))))
        others = (left != suspects[-1]).all(axis=1)
        left, off = left[others], off[others]
    return np.array(suspects, dtype=np.int64)
