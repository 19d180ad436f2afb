from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asteroid.labels.sites
from asteroid.errors import InputError
from asteroid.labels.sites import bonds, equivalent_sites

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet

#: Staggered ethane-like skeleton with a hydroxyl group, Å: C C O, three H on the first C, two on the second, one on O.
ETHANOL = np.array([6, 6, 8, 1, 1, 1, 1, 1, 1])
FRAME = np.array(
    [
        [-1.23, -0.24, 0.0],
        [0.0, 0.57, 0.0],
        [1.15, -0.29, 0.0],
        [-2.13, 0.39, 0.0],
        [-1.26, -0.88, 0.89],
        [-1.26, -0.88, -0.89],
        [0.04, 1.22, 0.89],
        [0.04, 1.22, -0.89],
        [1.95, 0.25, 0.0],
    ]
)


def groups(labels: tuple[int, ...]) -> set[tuple[int, ...]]:
    return {tuple(a for a, other in enumerate(labels) if other == label) for label in set(labels)}


def test_bonds_of_ethanol() -> None:
    assert bonds(ETHANOL, FRAME[None]) == [(0, 1), (0, 3), (0, 4), (0, 5), (1, 2), (1, 6), (1, 7), (2, 8)]


def test_one_stretched_frame_breaks_no_bond() -> None:
    frames = np.repeat(FRAME[None], 5, 0)
    frames[2, 8] += 3.0
    assert bonds(ETHANOL, frames) == bonds(ETHANOL, FRAME[None])


@pytest.mark.parametrize(
    ("shells", "wanted"),
    [
        (0, {(0, 1), (2,), (3, 4, 5, 6, 7, 8)}),
        (1, {(0,), (1,), (2,), (3, 4, 5, 6, 7), (8,)}),
        (2, {(0,), (1,), (2,), (3, 4, 5), (6, 7), (8,)}),
        (None, {(0,), (1,), (2,), (3, 4, 5), (6, 7), (8,)}),
    ],
)
def test_each_shell_of_bonds_tells_more_atoms_apart(shells: int | None, wanted: set[tuple[int, ...]]) -> None:
    assert groups(equivalent_sites(ETHANOL, FRAME[None], shells=shells)) == wanted


def test_elements_without_bonds_stay_whole() -> None:
    scattered = 10.0 * np.arange(12.0).reshape(1, 4, 3)
    assert equivalent_sites(np.array([8, 1, 1, 8]), scattered) == (1, 0, 0, 1)


def test_like_molecules_of_a_pair_are_alike() -> None:
    pair = np.concatenate([FRAME, FRAME + np.array([0.0, 0.0, 6.0])])
    labels = equivalent_sites(np.tile(ETHANOL, 2), pair[None])
    assert labels[:9] == labels[9:] == equivalent_sites(ETHANOL, FRAME[None])


@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(9)))
def test_labels_follow_their_atoms(order: list[int]) -> None:
    labels = equivalent_sites(ETHANOL, FRAME[None])
    assert equivalent_sites(ETHANOL[order], FRAME[None, order]) == tuple(labels[a] for a in order)


def test_sites_of_the_packaged_methanol(methanol_sets: tuple[LabelSet, LabelSet]) -> None:
    for labels in methanol_sets:
        assert groups(equivalent_sites(labels.numbers, labels.positions)) == {(0,), (1,), (2, 3, 4), (5,)}


def test_no_frame_is_refused() -> None:
    with pytest.raises(InputError, match="at least one frame"):
        equivalent_sites(ETHANOL, np.empty((0, 9, 3)))


def test_bonds_of_many_atoms_are_those_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, frames = np.tile(ETHANOL, 5), FRAME + 0.05 * np.random.default_rng(0).normal(size=(7, 5, 9, 3))
    positions = (frames + 9.0 * np.arange(5)[:, None, None]).reshape(7, 45, 3)
    found = bonds(numbers, positions)
    assert len(found) == 40
    monkeypatch.setattr(asteroid.labels.sites, "_ATOMS_MANY", 100)
    assert bonds(numbers, positions) == found
