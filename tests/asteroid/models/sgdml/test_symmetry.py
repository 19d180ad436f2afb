from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.models.sgdml.symmetry import find_permutations

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray

    Labels = tuple[IntArray, FloatArray, FloatArray, FloatArray]


def test_permutations_form_a_group_of_like_atoms(methanol: dict[str, Labels]) -> None:
    numbers, positions, _, _ = methanol["pool"]
    group = {tuple(p) for p in find_permutations(numbers, positions[:30], 0).tolist()}
    assert tuple(range(6)) in group
    assert {tuple(a[i] for i in b) for a in group for b in group} == group
    assert all(p[0] == 0 and p[1] == 1 for p in group)


def test_many_frames_are_searched_for_symmetries_by_the_seed(methanol: dict[str, Labels]) -> None:
    numbers, positions, _, _ = methanol["test"]
    group = find_permutations(numbers, positions, 0)
    assert len(positions) > 100
    np.testing.assert_array_equal(group, find_permutations(numbers, positions, 1))
    assert group.shape == (6, 6)
    np.testing.assert_array_equal(group[0], np.arange(6))
