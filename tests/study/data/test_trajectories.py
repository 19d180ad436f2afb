"""Cheap frames that are left out because of their group number: the user is told unless geometries confirm it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from two_level_files import methanol

from study.data.trajectories import trajectory_notes

ACCURATE = methanol().accurate.select(np.arange(0, 1360, 8))


def test_geometries_of_both_files_confirm_that_groups_are_the_same_trajectories() -> None:
    assert methanol().cheap.group is not None
    assert trajectory_notes(ACCURATE, methanol().cheap, (3,)) == []


def test_without_test_groups_or_groups_of_both_files_nothing_is_left_out() -> None:
    cheap = methanol().cheap.select(np.arange(100))
    assert trajectory_notes(ACCURATE, cheap, None) == []
    assert trajectory_notes(ACCURATE, replace(cheap, group=None), (3,)) == []
    assert trajectory_notes(replace(ACCURATE, group=None), cheap, (3,)) == []


def test_numbers_that_nothing_confirms_are_named_with_their_remedy() -> None:
    cheap = methanol().cheap
    elsewhere = cheap.select(np.arange(0, 20_000, 40))
    elsewhere = replace(elsewhere, positions=elsewhere.positions * 1.01)
    (note,) = trajectory_notes(ACCURATE, elsewhere, (3,))
    assert "125 gfn2-xtb frames are left out because their group number" in note
    assert "no geometry of both files" in note
    assert "leave group_key out of data.cheap" in note
    assert trajectory_notes(ACCURATE, replace(elsewhere, group=np.full(500, 7)), (3,)) == [], "nothing is left out"


def test_numbers_that_geometries_contradict_are_named_with_the_frame() -> None:
    cheap = methanol().cheap
    assert cheap.group is not None
    (note,) = trajectory_notes(ACCURATE, replace(cheap, group=(cheap.group + 1) % 4), (3,))
    assert "in group 3 and the same geometry of gfn2-xtb in group 0" in note
    assert "5,000 gfn2-xtb frames are left out" in note
