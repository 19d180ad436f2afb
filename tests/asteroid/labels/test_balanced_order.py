"""A balanced order covers the range of its value from the start, leaves every frame the same chance, and nests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asteroid.labels.balanced_order import balanced_order


def order_of(n: int, seed: int) -> np.ndarray:
    along = np.random.default_rng(1).normal(size=n)
    return balanced_order(along, np.random.default_rng(2).permutation(n), seed)


@given(n=st.integers(1, 200), seed=st.integers(0, 1000))
def test_it_is_an_order_that_the_file_does_not_change(n: int, seed: int) -> None:
    along, ties = np.round(np.random.default_rng(n).normal(size=n), 1), np.random.default_rng(n + 1).permutation(n)
    found = balanced_order(along, ties, seed)
    assert sorted(found.tolist()) == list(range(n))
    shuffle = np.random.default_rng(seed).permutation(n)  # row i of the file becomes row place[i]
    place = np.argsort(shuffle)
    assert balanced_order(along[shuffle], place[ties], seed).tolist() == place[found].tolist()


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_the_first_frames_have_one_of_each_stratum(m: int) -> None:
    n = 2**m
    along = np.arange(256.0)[::-1]
    for seed in range(20):
        first = balanced_order(along, np.arange(256), seed)[:n]
        assert sorted((along[first] // (256 // n)).tolist()) == list(range(n))


@pytest.mark.parametrize("n", [8, 11])
def test_every_frame_is_equally_likely_at_every_place(n: int) -> None:
    draws = 4000
    counts = np.zeros((n, n))
    for seed in range(draws):
        counts[np.arange(n), order_of(n, seed)] += 1
    expected = draws / n
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_means_of_beginnings_scatter_less_and_are_not_biased() -> None:
    along = np.random.default_rng(0).normal(size=301)
    ties = np.arange(301)
    value = along + np.random.default_rng(1).normal(size=301)
    balanced = np.array([value[balanced_order(along, ties, seed)[:20]].mean() for seed in range(400)])
    random = np.array([np.random.default_rng(seed).choice(value, 20, replace=False).mean() for seed in range(400)])
    assert balanced.mean() == pytest.approx(value.mean(), abs=5 * balanced.std() / 20)
    assert balanced.std() < 0.85 * random.std()  # half of the variance is along the value
