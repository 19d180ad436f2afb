"""Farthest-point order: spread out, nested, growing, and blind to what does not change a molecule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labels import farthest_point as farthest
from asteroid.labels.farthest_point import farthest_order
from asteroid.labels.fingerprints import distance_fingerprints
from asteroid.labels.label_set import LabelSet, geometry_hashes

NUMBERS = np.array([6, 8, 1, 1, 1, 1])
SHAPE = np.random.default_rng(5).normal(size=(6, 3)) * 1.5


def frames(positions: np.ndarray, numbers: np.ndarray = NUMBERS) -> LabelSet:
    return LabelSet(numbers, positions, None, None, "unlabelled")


def noisy(n: int = 60, seed: int = 0, scale: float = 0.1) -> LabelSet:
    return frames(SHAPE + scale * np.random.default_rng(seed).normal(size=(n, 6, 3)))


def clusters(sizes: tuple[int, ...], seed: int = 1) -> tuple[LabelSet, np.ndarray]:
    """Conformers of unequal weight, each with small vibrations."""
    rng = np.random.default_rng(seed)
    which = np.repeat(np.arange(len(sizes)), sizes)
    centres = SHAPE + 0.6 * rng.normal(size=(len(sizes), 6, 3))
    return frames(centres[which] + 0.01 * rng.normal(size=(len(which), 6, 3))), which


def test_every_cluster_is_visited_before_any_twice() -> None:
    sizes = (500, 200, 40, 5, 2, 1)
    pool, which = clusters(sizes)
    assert sorted(which[farthest_order(pool, len(sizes))]) == list(range(len(sizes)))
    at_random = which[np.random.default_rng(0).permutation(len(which))[: len(sizes)]]
    assert len(set(at_random)) < len(sizes), "the planted pool is no test"


@pytest.mark.parametrize("scale", [0.1, 1e-3])
def test_each_frame_is_the_farthest_from_those_before_it(scale: float) -> None:
    pool = noisy(scale=scale)
    points = distance_fingerprints(pool)
    points = (points - points.mean(axis=0)) / points.std(axis=0)
    order = farthest_order(pool, 20)
    assert order[0] == np.argmin(np.linalg.norm(points, axis=1))
    for k in range(1, 20):
        near = np.linalg.norm(points[:, None] - points[order[:k]], axis=2).min(axis=1)
        assert near[order[k]] == pytest.approx(near.max(), rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_a_shorter_order_is_the_beginning_of_a_longer_one(seed: int, n: int) -> None:
    pool = noisy(seed=seed)
    whole = farthest_order(pool, 60)
    assert sorted(whole) == list(range(60))
    np.testing.assert_array_equal(farthest_order(pool, n), whole[:n])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 39))
def test_going_on_with_labelled_frames_is_a_longer_order(seed: int, n: int) -> None:
    pool = noisy(seed=seed)
    whole = farthest_order(pool, 40)
    bought, rest = whole[:n], np.setdiff1d(np.arange(60), whole[:n])
    np.testing.assert_array_equal(rest[farthest_order(pool.select(rest), 40 - n, pool.select(bought))], whole[n:])
    np.testing.assert_array_equal(farthest_order(pool, 40 - n, pool.select(bought)), whole[n:])


def test_the_next_frames_keep_away_from_labelled_ones() -> None:
    pool, which = clusters((50, 50, 50, 50))
    labelled = pool.select(np.flatnonzero((which == 0) | (which == 2))[::7])
    assert set(which[farthest_order(pool, 2, labelled)]) == {1, 3}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_order_of_rows(seed: int) -> None:
    pool, shuffled = noisy(seed=seed), np.random.default_rng(seed).permutation(60)
    np.testing.assert_array_equal(shuffled[farthest_order(pool.select(shuffled), 30)], farthest_order(pool, 30))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_place_orientation_and_order_of_like_atoms(seed: int) -> None:
    pool, rng = noisy(seed=seed), np.random.default_rng(seed)
    turns = Rotation.random(60, rng=rng).as_matrix()
    moved = np.einsum("nij,naj->nai", turns, pool.positions) + 30 * rng.normal(size=(60, 1, 3))
    for i in range(60):
        moved[i, 2:] = moved[i, 2 + rng.permutation(4)]  # the hydrogens of each frame by themselves
    np.testing.assert_array_equal(farthest_order(frames(moved), 30), farthest_order(pool, 30))


def test_unlike_atoms_are_told_apart() -> None:
    """Exchanging carbon and oxygen makes another molecule, far from all others."""
    positions = noisy(scale=0.01).positions.copy()
    positions[17, [0, 1]] = positions[17, [1, 0]]
    assert 17 in farthest_order(frames(positions), 2)


def test_copies_come_last_whatever_their_orientation() -> None:
    pool = noisy(30)
    turned = np.einsum("nij,naj->nai", Rotation.random(30, rng=np.random.default_rng(1)).as_matrix(), pool.positions)
    both = frames(np.concatenate([pool.positions, turned, pool.positions[:10]]))
    order = farthest_order(both, len(both))
    assert sorted(order) == list(range(70))
    assert len(set(order[:30] % 30)) == 30
    assert (order[60:] >= 60).sum() + (order[60:] < 10).sum() == 10, "exact copies are behind the turned ones"
    hashes = geometry_hashes(both)
    assert [hashes[i] for i in order[60:]] == sorted(hashes[i] for i in order[60:])
    after = farthest_order(pool, 30, frames(turned[:5]))
    assert set(after[25:]) == set(range(5))


def test_equal_distances_are_decided_by_the_hash() -> None:
    stretched = np.array([[[0, 0, 0], [0, 0, d]] for d in (1.0, 1.5, 0.5)])
    pool = frames(stretched, np.array([1, 1]))
    for rows in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        mixed = pool.select(rows)
        order = farthest_order(mixed, 3)
        hashes = [geometry_hashes(mixed)[i] for i in order]
        assert rows[order[0]] == 0
        assert hashes[1] < hashes[2]


def test_a_stiff_bond_counts_as_much_as_a_soft_distance() -> None:
    """One frame is odd in a distance that hardly moves elsewhere; absolute distances would miss it."""
    rng = np.random.default_rng(0)
    positions = np.zeros((200, 3, 3))
    positions[:, 1, 0] = 1.0 + 0.001 * rng.uniform(-1, 1, 200)
    positions[:, 2, 0] = -4.0 + rng.uniform(-1, 1, 200)
    positions[77, 1, 0] = 1.02
    assert 77 in farthest_order(frames(positions, np.array([6, 8, 1])), 3)


def test_few_atoms_few_frames_and_mistakes() -> None:
    atom = frames(np.random.default_rng(0).normal(size=(5, 1, 3)), np.array([2]))
    assert sorted(farthest_order(atom, 5)) == list(range(5))
    assert len(farthest_order(noisy(3), 0)) == 0
    assert len(farthest_order(frames(np.empty((0, 6, 3))), 0)) == 0
    for n in (-1, 4):
        with pytest.raises(InputError, match=f"among 3 frames, found n = {n}"):
            farthest_order(noisy(3), n)
    with pytest.raises(InputError, match="of the molecule to label"):
        farthest_order(noisy(3), 1, frames(np.zeros((1, 2, 3)), np.array([1, 1])))
    other_order = replace(noisy(3), numbers=NUMBERS[::-1].copy(), positions=noisy(3).positions[:, ::-1])
    assert farthest_order(noisy(3), 1, other_order).shape == (1,)


def test_wide_descriptors_are_averaged_and_still_visit_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farthest, "_COLUMNS", 6)
    monkeypatch.setattr(farthest, "_FRAMES", 50)
    monkeypatch.setattr(farthest, "_BLOCK_BYTES", 1000)
    pool, which = clusters((100, 20, 3, 1))
    assert sorted(which[farthest_order(pool, 4)]) == [0, 1, 2, 3]


def test_the_size_of_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, _ = clusters((60, 30, 10))
    whole = farthest_order(pool, 50)
    monkeypatch.setattr(farthest, "_FRAMES", 7)
    monkeypatch.setattr(farthest, "_BLOCK_BYTES", 700)
    np.testing.assert_array_equal(farthest_order(pool, 50), whole)


def test_real_frames_lie_farther_apart_than_random_ones() -> None:
    pool = load_methanol().cheap.select(np.arange(0, 20_000, 10))
    points = distance_fingerprints(pool)
    points /= points.std(axis=0)

    def reach(rows: np.ndarray) -> float:
        return float(np.linalg.norm(points[:, None] - points[rows], axis=2).min(axis=1).max())

    assert reach(farthest_order(pool, 40)) < 0.8 * reach(np.arange(0, 2_000, 50))
