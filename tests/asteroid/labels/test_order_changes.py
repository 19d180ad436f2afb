from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from guarded_methanol import methanol

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labels.order_changes import order_change, refuse_order_change


@pytest.mark.parametrize("rows", [range(30, 60), range(50, 55)])
def test_like_atoms_in_another_order_are_told_by_their_bonds(rows: range) -> None:
    labels, swapped = methanol(), [0, 1, 2, 5, 4, 3]
    positions, forces = np.array(labels.positions), np.array(labels.forces)
    positions[rows], forces[rows] = positions[rows][:, swapped], forces[rows][:, swapped]
    found = order_change(replace(labels, positions=positions, forces=forces))
    assert found is not None
    assert found.rows.tolist() == list(rows)
    np.testing.assert_array_equal(labels.numbers[list(found.order)], labels.numbers)
    mended = positions[rows][:, list(found.order)]
    both = replace(labels, positions=np.concatenate([positions[: rows[0]], mended, positions[rows[-1] + 1 :]]))
    assert order_change(both) is None
    frame = labels.frame_id[rows[0]]
    with pytest.raises(InputError, match=rf"changed from frame {frame} on, in {len(rows)} of 60 frames"):
        refuse_order_change(replace(labels, positions=positions), "a.npz")


def test_hot_molecules_and_broken_bonds_keep_their_order() -> None:
    assert order_change(load_methanol().cheap) is None
    positions = np.array(methanol().positions)
    positions[4, 5] += 4.0
    assert order_change(replace(methanol(), positions=positions)) is None
