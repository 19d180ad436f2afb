"""Pairs that contradict each other: more than chance gives, and the frames to blame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from planted_pairs import pairs_off

from asteroid.checks.contradicting_pairs import contradictions

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_chance_is_no_contradiction_and_one_bad_frame_does_not_count_thrice() -> None:
    rows = np.arange(60).reshape(30, 2)

    def found(*worst: float, at: NDArray[np.int64] = rows, n: int = 30) -> int | None:
        times = np.full(n, 0.3)
        times[: len(worst)] = worst
        judged = contradictions([pairs_off(times, at)])
        return None if judged is None else judged.contradicting

    assert found() is None
    assert found(1.3, 1.3) is None
    assert found(1.3, 1.3, 1.3) == 3
    assert found(2.0, 1.0) is None
    assert found(2.0, 1.7) == 2
    assert found(2.6) == 1
    star = rows.copy()
    star[:4, 0] = 0
    assert found(1.3, 1.3, 1.3, 1.3, at=star) is None
    many = np.arange(1800).reshape(900, 2)
    assert found(1.3, 1.3, 1.3, at=many, n=900) is None
    assert found(*[1.3] * 9, at=many, n=900) == 9
    assert contradictions([]) is None


def test_suspects_are_the_frames_with_contradicting_pairs_and_few_sound_ones() -> None:
    # Frame 7 contradicts three others, which agree among themselves; frame 20 contradicts 21, which has sound pairs.
    rows = np.array([[7, 1], [7, 2], [3, 7], [1, 2], [2, 3], [20, 21], [21, 22], [21, 23]])
    times = np.array([2.0, 2.0, 2.0, 0.1, 0.1, 2.0, 0.1, 0.1])
    judged = contradictions([pairs_off(times, rows)])
    assert judged is not None
    assert judged.rows.tolist() == [7, 20]
    assert (judged.pairs, judged.contradicting) == (8, 4)


def test_differences_that_agree_to_a_tenth_are_no_clear_contradiction() -> None:
    """As on the repulsive wall of a diatomic molecule."""
    pairs = pairs_off(np.full(6, 3.0), np.arange(12).reshape(6, 2))
    for level, clear in ((0.0, 6), (50.0 * float(np.abs(pairs.from_energies - pairs.from_forces).max()), 0)):
        differences = np.full(6, level), level + pairs.from_energies - pairs.from_forces
        judged = contradictions([replace(pairs, from_forces=differences[0], from_energies=differences[1])])
        assert judged is not None
        assert (judged.contradicting, judged.clear) == (6, clear)
