"""What a model does not know is refused: other molecules, other orders of the atoms, atoms on top of each other."""

from __future__ import annotations

import ast
import re

import numpy as np
import pytest
from exported_methanol import bent, frames

from asteroid.deploy.known_molecules import refuse_impossible, refuse_unknown
from asteroid.errors import InputError

KNOWN = frames()
X = KNOWN.positions[:1]


def test_frames_of_the_molecule_pass_also_where_bonds_are_stretched() -> None:
    refuse_unknown(KNOWN, KNOWN.numbers, KNOWN.positions)
    stretched = X.copy()
    bond = stretched[0, 5] - stretched[0, 1]  # O-H
    stretched[0, 5] = stretched[0, 1] + 1.4 * bond
    refuse_unknown(KNOWN, KNOWN.numbers, stretched)
    stretched[0, 5] = stretched[0, 1] + 2.5 * bond
    with pytest.raises(InputError, match="other bonds"):
        refuse_unknown(KNOWN, KNOWN.numbers, stretched)


def test_another_molecule() -> None:
    with pytest.raises(InputError, match="trained on CH4O, found CH4S"):
        refuse_unknown(KNOWN, np.array([6, 16, 1, 1, 1, 1]), X)


@pytest.mark.parametrize("order", [[1, 0, 2, 3, 4, 5], [0, 1, 5, 2, 3, 4]])
def test_another_order_is_answered_with_the_permutation(order: list[int]) -> None:
    numbers, positions = KNOWN.numbers[order], X[:, order]
    with pytest.raises(InputError, match="reorder them") as caught:
        refuse_unknown(KNOWN, numbers, positions)
    offered = ast.literal_eval(re.findall(r"atoms\[(\[.*\])\]", str(caught.value))[0])
    refuse_unknown(KNOWN, numbers[offered], positions[:, offered])


def test_hydrogens_of_the_methyl_group_may_come_in_any_order() -> None:
    order = [0, 1, 4, 2, 3, 5]
    refuse_unknown(KNOWN, KNOWN.numbers, X[:, order])


def test_impossible_geometries() -> None:
    near = KNOWN.positions[:3].copy()
    near[1, 3] = near[1, 2] + 0.05
    with pytest.raises(InputError, match=r"0\.09 Å between atoms 2 and 3 of frame 1"):
        refuse_impossible(near)
    near[1, 3] = np.nan
    with pytest.raises(InputError, match="NaN or infinity in frame 1"):
        refuse_impossible(near)
    refuse_impossible(bent(KNOWN.positions, 0.01))
