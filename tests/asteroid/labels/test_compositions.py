"""Frames by composition, and what messages call them."""

from __future__ import annotations

import numpy as np
from varied_sets import (
    in_another_order,
    parts,
    small,
    together,
)

from asteroid.labels.compositions import by_composition


def test_compositions_are_taken_apart_by_the_order_of_their_atoms() -> None:
    labels = together([*parts()[1:], *(in_another_order(small(), row, row) for row in range(6))])
    found = by_composition(labels)
    assert sorted(np.concatenate([composition.rows for composition in found.values()])) == list(range(len(labels)))
    for key, composition in found.items():
        assert tuple(composition.numbers) == key == tuple(sorted(key))
        assert (np.diff(composition.rows) > 0).all()
        orders = composition.orders(labels)
        assert sorted(np.concatenate([part.rows for part in orders])) == composition.rows.tolist()
        for part in orders:
            np.testing.assert_array_equal(part.labels.positions, labels.positions[part.rows, : len(key)])
            np.testing.assert_array_equal(part.labels.numbers, labels.numbers[part.rows[0], : len(key)])
