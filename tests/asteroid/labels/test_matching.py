from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_frames import ETHANOL, frames
from scipy.spatial.transform import Rotation

import asteroid.labels.fingerprints
import asteroid.labels.matching
from asteroid.errors import InputError
from asteroid.labels.fingerprints import distance_fingerprints, group_norms
from asteroid.labels.label_set import LabelSet
from asteroid.labels.matching import (
    MATCH_TOL_ANG,
    copied_geometries,
    duplicate_pairs,
    kabsch,
    match_geometries,
    matched_force_mae,
    superpose,
)

LIKE_ATOMS = ([0, 1], [2], [3, 4, 5, 6, 7, 8])


def moved(labels: LabelSet, seed: int, *, mirror: bool = False, shuffle: bool = True) -> LabelSet:
    """The same frames turned, shifted, with like atoms exchanged, in single precision; forces turned along."""
    rng = np.random.default_rng(seed)
    turn = Rotation.random(len(labels), rng=rng).as_matrix() * (-1.0 if mirror else 1.0)
    order = np.tile(np.arange(len(labels.numbers)), (len(labels), 1))
    if shuffle:
        for row in order:
            for like in LIKE_ATOMS:
                row[like] = rng.permutation(like)
    assert labels.forces is not None
    positions = np.einsum("nij,naj->nai", turn, labels.positions) + rng.normal(scale=2.0, size=(len(labels), 1, 3))
    forces = np.einsum("nij,naj->nai", turn, labels.forces)
    return LabelSet(
        labels.numbers,
        np.take_along_axis(positions, order[:, :, None], axis=1).astype(np.float32),
        None,
        np.take_along_axis(forces, order[:, :, None], axis=1),
        "ccsd_t/cc-pvtz",
    )


@given(seed=st.integers(0, 10**6), planted=st.integers(1, 12), mirror=st.booleans())
@settings(max_examples=30)
def test_planted_copies_are_all_found_and_nothing_else(seed: int, planted: int, mirror: bool) -> None:
    pool = frames(80, seed)
    rows = np.random.default_rng(seed).permutation(80)[:planted]
    copies = moved(pool.select(rows), seed + 1, mirror=mirror)
    fresh = frames(20, seed + 2)
    mixed = LabelSet(ETHANOL, np.concatenate([fresh.positions, copies.positions]), None, None, "ccsd_t/cc-pvtz")
    rows_a, rows_b = match_geometries(mixed, pool)
    assert rows_a.tolist() == list(range(20, 20 + planted))
    assert rows_b.tolist() == rows.tolist()


@given(seed=st.integers(0, 10**6), moved_ang=st.floats(0.005, 0.05))
@settings(max_examples=30)
def test_near_misses_are_not_copies(seed: int, moved_ang: float) -> None:
    """Successive frames of a trajectory are 5e-3 Å apart or more."""
    pool = frames(30, seed)
    step = np.random.default_rng(seed).normal(size=pool.positions.shape)
    near = LabelSet(ETHANOL, pool.positions + moved_ang * step, None, None, "ccsd_t/cc-pvtz")
    assert len(match_geometries(near, pool)[0]) == 0


def test_coordinates_rounded_to_four_decimals_match() -> None:
    pool = frames(30)
    copies = moved(pool, 1)
    rounded = LabelSet(ETHANOL, np.round(copies.positions, 4), None, None, "x")
    assert match_geometries(rounded, pool)[1].tolist() == list(range(30))
    coarse = LabelSet(ETHANOL, np.round(copies.positions, 3), None, None, "x")
    assert len(match_geometries(coarse, pool)[1]) == 0
    assert match_geometries(coarse, pool, tol_ang=1e-3)[1].tolist() == list(range(30))


@given(seed=st.integers(0, 1000), tol_ang=st.floats(0.02, 0.2))
@settings(max_examples=20)
def test_projections_lose_no_pair(seed: int, tol_ang: float) -> None:
    a, b = frames(25, seed), frames(25, seed + 1)
    difference = distance_fingerprints(a)[:, None] - distance_fingerprints(b)[None]
    expected = np.argwhere(np.sqrt((difference**2).mean(axis=2)) <= tol_ang)
    assert np.column_stack(match_geometries(a, b, tol_ang=tol_ang)).tolist() == expected.tolist()


def test_every_copy_is_listed() -> None:
    pool = frames(5)
    twice = pool.select([3, 0, 3])
    rows_a, rows_b = match_geometries(twice, pool)
    assert list(zip(rows_a.tolist(), rows_b.tolist(), strict=True)) == [(0, 3), (1, 0), (2, 3)]


def test_other_molecules_and_empty_sets_share_nothing() -> None:
    pool = frames(4)
    other = frames(4, numbers=np.array([6, 6, 7, 1, 1, 1, 1, 1, 1]))
    assert len(match_geometries(pool, other)[0]) == 0
    assert len(match_geometries(pool, pool.select([]))[0]) == 0


def test_files_may_order_their_atoms_differently() -> None:
    pool = frames(6)
    order = np.array([2, 8, 0, 3, 1, 4, 5, 6, 7])
    other = LabelSet(ETHANOL[order], pool.positions[:, order], None, None, "x")
    assert match_geometries(other, pool)[1].tolist() == list(range(6))
    laid = superpose(other, pool, (np.arange(6), np.arange(6)))
    assert (laid.atom_order == order).all()
    assert laid.rmsd_ang.max() < 1e-6


def test_duplicates_point_to_their_first_copy() -> None:
    labels = frames(10)
    copies = moved(labels.select([2, 2, 7]), 3).positions
    both = np.concatenate([labels.positions, copies, labels.positions[2:3], copies[2:3]])
    first, later = duplicate_pairs(LabelSet(ETHANOL, both, None, None, "x"))
    assert later.tolist() == [10, 11, 12, 13, 14]
    assert first.tolist() == [2, 2, 7, 2, 7]


def test_one_frame_repeated_many_times_is_cheap() -> None:
    labels = frames(1)
    many = LabelSet(ETHANOL, np.repeat(labels.positions, 20_000, axis=0), None, None, "x")
    first, later = duplicate_pairs(many)
    assert len(later) == 19_999
    assert not first.any()


def test_single_atoms_and_pairs_of_atoms() -> None:
    atoms = LabelSet(np.array([10]), np.random.default_rng(0).normal(size=(2, 1, 3)), None, None, "x")
    assert list(zip(*(v.tolist() for v in match_geometries(atoms, atoms)), strict=True)) == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]
    distance = np.array([0.74, 0.75, 0.74])
    bonds = LabelSet(
        np.array([1, 1]), np.stack([np.zeros((3, 3)), distance[:, None] * np.eye(3)], axis=1), None, None, "x"
    )
    assert duplicate_pairs(bonds)[1].tolist() == [2]


@given(seed=st.integers(0, 10**6), mirror=st.booleans())
@settings(max_examples=30)
def test_kabsch_recovers_a_planted_rotation(seed: int, mirror: bool) -> None:
    rng = np.random.default_rng(seed)
    b = rng.normal(size=(3, 7, 3))
    turn = Rotation.random(3, rng=rng).as_matrix() * (-1.0 if mirror else 1.0)
    a = np.einsum("pij,paj->pai", turn, b) + rng.normal(size=(3, 1, 3))
    rotation, rmsd = kabsch(a, b, mirror=mirror)
    np.testing.assert_allclose(rotation, turn, atol=1e-7)
    np.testing.assert_allclose(np.linalg.det(rotation), -1.0 if mirror else 1.0)
    assert rmsd.max() < 1e-7
    assert kabsch(a, b, mirror=not mirror)[1].min() > 1e-5


def test_kabsch_minimises_the_rmsd() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(1, 6, 3)), rng.normal(size=(1, 6, 3))
    _, best = kabsch(a, b)
    a, b = a - a.mean(axis=1), b - b.mean(axis=1)
    for turn in Rotation.random(300, rng=rng).as_matrix():
        assert np.sqrt(((a - b @ turn.T) ** 2).sum() / 6) >= best[0] - 1e-12


@given(seed=st.integers(0, 10**6), mirror=st.booleans(), shuffle=st.booleans())
@settings(max_examples=30)
def test_forces_are_compared_in_one_orientation(seed: int, mirror: bool, shuffle: bool) -> None:
    a = frames(6, seed)
    assert a.forces is not None
    error = np.random.default_rng(seed).normal(size=a.forces.shape)
    wrong = LabelSet(ETHANOL, a.positions, None, a.forces + error, "pbe/def2-svp")
    b = moved(wrong, seed + 1, mirror=mirror, shuffle=shuffle)
    pairs = match_geometries(a, b)
    assert len(pairs[0]) == 6
    laid = superpose(a, b, pairs)
    assert laid.mirrored.tolist() == [mirror] * 6
    assert laid.rmsd_ang.max() < 1e-5
    assert matched_force_mae(a, b, pairs) == pytest.approx(np.abs(error).mean(), rel=1e-5)


def test_comparing_forces_refuses_what_cannot_be_compared() -> None:
    a = frames(3)
    bare = LabelSet(ETHANOL, a.positions, None, None, "mp2")
    none = np.empty(0, dtype=np.int64)
    for other, pairs, message in (
        (bare, (np.arange(3), np.arange(3)), "mp2 has none"),
        (a, (none, none), "found 0"),
        (a, (np.array([0]), np.array([1])), "must superpose"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            matched_force_mae(a, other, pairs)
        assert "\n" not in str(caught.value)


def test_the_tolerance_lies_between_rounding_and_the_next_frame() -> None:
    assert 10 * 9e-7 < MATCH_TOL_ANG < 3e-4


@given(seed=st.integers(0, 10**6), n=st.integers(1, 60))
@settings(max_examples=10, deadline=None)
def test_copies_of_large_molecules_are_all_found_and_nothing_else(seed: int, n: int) -> None:
    pool = frames(60, seed, np.full(40, 6))
    rows = np.random.default_rng(seed).permutation(60)[:n]
    turn = Rotation.random(n, rng=np.random.default_rng(seed)).as_matrix()
    copies = LabelSet(pool.numbers, np.einsum("nij,naj->nai", turn, pool.positions[rows]), None, None, "x")
    found_a, found_b = match_geometries(pool, copies)
    np.testing.assert_array_equal(found_a, np.sort(rows))
    np.testing.assert_array_equal(rows[found_b], found_a)


def test_frames_of_a_large_molecule_are_compared_as_those_of_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tells large frames apart at a glance loses no copy, and large tables of distances are the same."""
    rng = np.random.default_rng(5)
    numbers = np.repeat([6, 1, 8], [14, 24, 2])
    positions = rng.normal(scale=4.0, size=(20, 40, 3))
    positions[11:14] = positions[3] + 1e-6 * rng.normal(size=(3, 40, 3))
    labels = LabelSet(numbers, positions, np.zeros(20), np.zeros((20, 40, 3)), "pbe")
    other = moved(labels.select(np.arange(5, 14)), 1, mirror=True, shuffle=False)
    found = duplicate_pairs(labels), match_geometries(labels, other)
    assert found[0][0].tolist() == [3, 3, 3]
    assert sorted(set(found[1][0].tolist())) == [3, *range(5, 14)]
    every = distance_fingerprints(labels)
    norms = np.linalg.norm(group_norms(labels)[:, None] - group_norms(labels), axis=2)
    assert (norms <= np.linalg.norm(every[:, None] - every, axis=2) * (1 + 1e-9) + 1e-9).all()
    monkeypatch.setattr(asteroid.labels.matching, "_ATOMS_MANY", 100)
    monkeypatch.setattr(asteroid.labels.fingerprints, "_COLUMNS_MAX", 10**6)
    np.testing.assert_allclose(distance_fingerprints(labels), every, rtol=1e-13)
    for before, after in zip(found, (duplicate_pairs(labels), match_geometries(labels, other)), strict=True):
        np.testing.assert_array_equal(before, after)


def diatomic(n: int, seed: int) -> LabelSet:
    """Frames of a diatomic molecule, turned at random: among thousands many bonds agree to 1e-4 Å."""
    rng = np.random.default_rng(seed)
    axis = rng.standard_normal((n, 3))
    bond = rng.normal(1.1, 0.04, (n, 1)) * axis / np.linalg.norm(axis, axis=1, keepdims=True)
    return LabelSet(np.array([7, 7]), np.stack([-bond / 2, bond / 2], axis=1), None, None, "gfn2-xtb")


def test_bonds_of_a_diatomic_molecule_agree_by_chance() -> None:
    frames = diatomic(2000, 0)
    assert len(duplicate_pairs(frames, MATCH_TOL_ANG)[1]) > 100
    assert not len(duplicate_pairs(frames)[1])
    assert not len(copied_geometries(frames, diatomic(500, 1))[0])
    turned = replace(frames, positions=frames.positions[..., [2, 0, 1]])
    own = np.arange(2000)
    np.testing.assert_array_equal(copied_geometries(frames, turned)[0], own)
    rounded = replace(frames, positions=frames.positions.round(8))
    rows = np.stack(match_geometries(frames, rounded))
    assert len(rows[0]) < 2100
    assert {(row, row) for row in range(2000)} <= set(map(tuple, rows.T.tolist()))
