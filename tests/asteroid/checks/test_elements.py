"""Elements in another order than the positions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import molecule
from ase.collections import g2
from ase.data.s22 import create_s22_system, s22
from guarded_methanol import methanol, refused
from varied_sets import WATER, springs, together

from asteroid.checks.elements import refuse_elements_out_of_place
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet


def exchanged(labels: LabelSet) -> LabelSet:
    """Carbon called oxygen and the other way round."""
    numbers = np.where(labels.numbers == 6, 8, np.where(labels.numbers == 8, 6, labels.numbers))
    return replace(labels, numbers=numbers)


def test_elements_in_another_order_are_refused() -> None:
    assert "found atom 0 (O) with 4 bonds: put them in that order" in refused(exchanged(methanol()))
    reverse = replace(methanol(), numbers=methanol().numbers[::-1])
    assert "atomic numbers of labels.npz must be in the order of the positions" in refused(reverse)


def test_hydrogens_where_none_can_be_are_refused() -> None:
    methane = molecule("CH4")
    numbers = np.array([1, 6, 1, 1, 1])
    with pytest.raises(InputError, match=r"found atoms 0 and 2 \(both H\) 1.09 Å apart"):
        refuse_elements_out_of_place(LabelSet(numbers, methane.positions[None], None, None, "hf"), "a.xyz")


def test_of_several_molecules_the_one_is_named() -> None:
    both = together([springs(WATER, 10, 0), exchanged(methanol(12))])
    with pytest.raises(InputError, match=r"atomic numbers of CH4O in mixed\.xyz must be"):
        refuse_elements_out_of_place(both, "mixed.xyz")


def test_molecules_and_complexes_pass() -> None:
    for name in g2.names:
        refuse_elements_out_of_place(LabelSet(*_arrays(molecule(name)), None, None, "hf"), name)
    for name in s22:
        refuse_elements_out_of_place(LabelSet(*_arrays(create_s22_system(name)), None, None, "hf"), name)


def _arrays(atoms: object) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(atoms.numbers), np.asarray(atoms.positions)[None]  # type: ignore[attr-defined]
