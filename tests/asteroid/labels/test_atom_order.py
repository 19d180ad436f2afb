from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.labels.atom_order import matching_order, refuse_other_molecule, refuse_other_sites, reorder_atoms

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet


@pytest.fixture
def accurate(methanol_sets: tuple[LabelSet, LabelSet]) -> LabelSet:
    return methanol_sets[0]


@pytest.fixture
def cheap(methanol_sets: tuple[LabelSet, LabelSet]) -> LabelSet:
    return methanol_sets[1]


def test_the_same_order_passes(cheap: LabelSet, accurate: LabelSet) -> None:
    refuse_other_molecule(cheap, accurate)
    refuse_other_sites(cheap, accurate)
    assert matching_order(cheap, accurate) == tuple(range(6))


@pytest.mark.parametrize("order", [(1, 0, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0)])
def test_another_order_of_elements_is_refused_with_the_permutation(
    cheap: LabelSet, accurate: LabelSet, order: tuple[int, ...]
) -> None:
    shuffled = reorder_atoms(cheap, order, "cheap")
    with pytest.raises(InputError, match="same order") as caught:
        refuse_other_molecule(shuffled, accurate)
    offered = matching_order(shuffled, accurate)
    assert offered is not None
    assert f"atom_order: {list(offered)}" in str(caught.value)
    restored = reorder_atoms(shuffled, offered, "cheap")
    refuse_other_molecule(restored, accurate)
    refuse_other_sites(restored, accurate)


def test_like_atoms_in_another_order_are_seen_by_their_bonds(cheap: LabelSet, accurate: LabelSet) -> None:
    # Atoms 2 to 5 are hydrogens; which of them is on the oxygen no list of elements tells.
    sites = [matching_order(reorder_atoms(cheap, order, ""), accurate) for order in _hydrogen_orders()]
    moved = [order for order, found in zip(_hydrogen_orders(), sites, strict=True) if found != tuple(range(6))]
    assert 0 < len(moved) < len(_hydrogen_orders())
    for order in moved:
        shuffled = reorder_atoms(cheap, order, "cheap")
        refuse_other_molecule(shuffled, accurate)
        with pytest.raises(InputError, match="has other bonds"):
            refuse_other_sites(shuffled, accurate)
        offered = matching_order(shuffled, accurate)
        assert offered is not None
        refuse_other_sites(reorder_atoms(shuffled, offered, "cheap"), accurate)


def _hydrogen_orders() -> list[tuple[int, ...]]:
    return [(0, 1, *(2 + (np.arange(4) + turn) % 4).tolist()) for turn in range(4)]


def test_labels_move_with_their_atoms(cheap: LabelSet) -> None:
    order = (3, 1, 0, 5, 2, 4)
    moved = reorder_atoms(cheap, order, "cheap")
    assert cheap.forces is not None
    assert moved.forces is not None
    np.testing.assert_array_equal(moved.numbers, cheap.numbers[list(order)])
    np.testing.assert_array_equal(moved.positions[:, 3], cheap.positions[:, 5])
    np.testing.assert_array_equal(moved.forces[:, 0], cheap.forces[:, 3])
    assert moved.energy is not None
    np.testing.assert_array_equal(moved.energy, cheap.energy)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 0, 1, 2, 3, 4), (1, 2, 3, 4, 5, 6)])
def test_an_order_that_is_no_permutation_is_refused(cheap: LabelSet, order: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="6 atoms once"):
        reorder_atoms(cheap, order, "cheap.npz")


def test_other_molecules_are_refused_by_name(cheap: LabelSet, accurate: LabelSet) -> None:
    sulphur = replace(accurate, numbers=np.array([6, 16, 1, 1, 1, 1]))
    with pytest.raises(InputError, match=r"lacks S, found CH4O in gfn2-xtb and CH4S.*: correct one of the files"):
        refuse_other_molecule(cheap, sulphur)
    carbons = replace(accurate, numbers=np.array([6, 8, 6, 1, 1, 1]))
    with pytest.raises(InputError, match=r"same molecule, found CH4O in gfn2-xtb and C2H3O"):
        refuse_other_molecule(cheap, carbons)


def refuse_both(cheap: LabelSet, accurate: LabelSet, applied: tuple[int, ...]) -> None:
    refuse_other_molecule(cheap, accurate, applied)
    refuse_other_sites(cheap, accurate, applied)


@pytest.mark.parametrize("seed", range(5))
def test_an_order_that_is_already_declared_is_corrected(cheap: LabelSet, accurate: LabelSet, seed: int) -> None:
    rng = np.random.default_rng(seed)
    in_file = reorder_atoms(cheap, tuple(rng.permutation(6).tolist()), "cheap")
    wrong = tuple(rng.permutation(6).tolist())
    with pytest.raises(InputError, match=r"correct atom_order under data\.cheap to") as caught:
        refuse_both(reorder_atoms(in_file, wrong, "cheap"), accurate, wrong)
    offered = tuple(map(int, str(caught.value).rpartition("[")[2].rstrip("]").split(", ")))
    refuse_both(reorder_atoms(in_file, offered, "cheap"), accurate, offered)


def test_a_needless_order_is_to_be_removed(cheap: LabelSet, accurate: LabelSet) -> None:
    swapped = (1, 0, 2, 3, 4, 5)
    with pytest.raises(InputError, match=r"remove atom_order under data\.cheap"):
        refuse_other_molecule(reorder_atoms(cheap, swapped, "cheap"), accurate, swapped)
