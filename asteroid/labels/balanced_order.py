"""An order of purchase that is balanced along a known value: every beginning of it covers the value's whole range.

A random draw that happens to hold calm frames makes an error look small (methanol: 30 labels gave 38 % too little
where the stated standard error was 10 %). Where the cheap energy is known for every frame, frames can be drawn along
it: systematically between its strata, at random inside each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

    from asteroid.labels.label_set import FloatArray, IntArray


def balanced_order(along: FloatArray, ties: IntArray, seed: int) -> IntArray:
    """Rows in an order whose first n are spread evenly along a value, for every n.

    The frames, sorted by the value, are halved; the orders of both halves, made likewise, are merged pair by pair with
    a coin for each pair. The first 2^m frames then hold one of each of 2^m strata. Of an odd number a random frame is
    put at a random place. Every frame is equally likely at every place, so means over the first n are unbiased.

    Args:
        along: [N] the value of each frame, such as its cheap energy.
        ties: [N] rows in an order that does not depend on the file (`hash_order`): it decides between equal values.
        seed: of the coins.

    Returns:
        rows, [N]; the same whatever the order of the frames in their file.
    """
    rows = ties[np.argsort(along[ties], kind="stable")]
    return _spread(rows, np.random.default_rng(seed))


def _spread(rows: IntArray, coins: Generator) -> IntArray:
    n = len(rows)
    if n < 2:
        return rows
    if n % 2:
        odd = int(coins.integers(n))
        place = int(coins.integers(n))
        return np.insert(_spread(np.delete(rows, odd), coins), place, rows[odd])
    halves = np.stack([_spread(rows[: n // 2], coins), _spread(rows[n // 2 :], coins)], axis=1)
    swapped = coins.integers(2, size=n // 2).astype(bool)
    halves[swapped] = halves[swapped, ::-1]
    return halves.reshape(-1)
