from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet
from asteroid.labels.splits import (
    Purchase,
    buy_accurate,
    buy_cheap,
    cheap_pool_rows,
    cross_validation_folds,
    fewest_for_folds,
    purchase_order,
    split_test,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def frames(n: int, seed: int = 0, groups: int | None = 4) -> LabelSet:
    rng = np.random.default_rng(seed)
    return LabelSet(
        numbers=np.array([6, 8, 1, 1]),
        positions=rng.normal(size=(n, 4, 3)),
        energy=None,
        forces=None,
        level="gfn2-xtb",
        group=None if groups is None else np.arange(n) % groups,
    )


@given(small=st.integers(5, 60), more=st.integers(0, 60), seed=st.integers(0, 10**6))
def test_purchases_nest_across_budgets(small: int, more: int, seed: int) -> None:
    pool = frames(120)
    few, many = buy_accurate(pool, small, seed), buy_accurate(pool, small + more, seed)
    assert len(few) == small
    assert len(few.val) == small // 5
    assert many.train[: len(few.train)].tolist() == few.train.tolist()
    assert many.val[: len(few.val)].tolist() == few.val.tolist()
    assert len({*many.train.tolist(), *many.val.tolist()}) == small + more


@given(seed=st.integers(0, 10**6), shuffle=st.integers(0, 100))
def test_purchases_nest_when_frames_are_added_and_reordered(seed: int, shuffle: int) -> None:
    order = np.random.default_rng(shuffle).permutation(100)
    grown = frames(100).select(order)
    old = grown.select(np.flatnonzero(order < 60))
    budget = 20
    everything = buy_accurate(old, budget, seed)
    bought = set(old.frame_id[[*everything.train, *everything.val]].tolist())
    grown_order = buy_accurate(grown, 100, seed)
    positions = {int(grown.frame_id[row]): i for i, row in enumerate(_in_order(grown_order.train, grown_order.val))}
    old_in_grown_order = sorted(old.frame_id.tolist(), key=lambda frame: positions[frame])
    assert set(old_in_grown_order[:budget]) == bought


def _in_order(train: np.ndarray, val: np.ndarray) -> list[int]:
    """Undo the division: four training rows, then one validation row."""
    t, v = iter(train.tolist()), iter(val.tolist())
    return [next(v) if i % 5 == 4 else next(t) for i in range(len(train) + len(val))]


def test_every_tenth_cheap_frame_is_held_out() -> None:
    bought = buy_cheap(frames(200), 101, 7)
    assert (len(bought.train), len(bought.val)) == (91, 10)


@pytest.mark.parametrize("split", [0, 1, 2])
@pytest.mark.parametrize("n_folds", [2, 3, 10])
def test_every_label_is_scored_once_by_a_fold_that_never_sees_it(n_folds: int, split: int) -> None:
    pool, budget = frames(60), fewest_for_folds(n_folds)
    along = np.arange(60.0)
    for bought in (budget, budget + 1, 37):
        folds = cross_validation_folds(pool, bought, 4, n_folds, split=split, along=along)
        owned = purchase_order(pool, 4, along)[:bought]
        assert sorted(np.concatenate([fold.score for fold in folds]).tolist()) == sorted(owned.tolist())
        for fold in folds:
            assert len(fold.val) > 0
            assert sorted([*fold.train, *fold.val, *fold.score]) == sorted(owned.tolist())
    with pytest.raises(InputError, match=f"found budget {budget - 1}"):
        cross_validation_folds(pool, budget - 1, 4, n_folds, split=split)


def test_other_splits_divide_the_same_labels_otherwise() -> None:
    divisions = [
        {frozenset(fold.score.tolist()) for fold in cross_validation_folds(frames(60), 30, 4, 5, split=split)}
        for split in range(3)
    ]
    assert divisions[0] != divisions[1] != divisions[2] != divisions[0]
    assert {frozenset(fold.score.tolist()) for fold in cross_validation_folds(frames(60), 30, 4, 5)} == divisions[0]


@pytest.mark.parametrize(("buy", "n"), [(buy_accurate, 31), (buy_cheap, 31), (buy_accurate, 4), (buy_cheap, 9)])
def test_impossible_purchases_are_refused(buy: Callable[[LabelSet, int, int], Purchase], n: int) -> None:
    message = "largest possible is 30" if n == 31 else "or more"
    with pytest.raises(InputError, match=message) as caught:
        buy(frames(30), n, 0)
    assert str(n) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whole_groups_become_the_test_set() -> None:
    labels = frames(40)
    assert labels.group is not None
    test, pool = split_test(labels, groups=(1, 3), share=None)
    assert set(labels.group[test]) == {1, 3}
    assert set(labels.group[pool]) == {0, 2}
    assert sorted([*test, *pool]) == list(range(40))


@given(n=st.integers(30, 80), more=st.integers(1, 60), share=st.floats(0.2, 0.8))
def test_a_share_has_its_size_and_follows_one_order_when_frames_are_added(n: int, more: int, share: float) -> None:
    both = frames(n + more, groups=None)
    test, pool = split_test(both, groups=None, share=share)
    before, _ = split_test(both.select(np.arange(n)), groups=None, share=share)
    assert len(test) == round(share * (n + more))
    assert len(before) == round(share * n)
    assert sorted([*test, *pool]) == list(range(n + more))
    # Of the frames that were known, the test set lost some or won some, never both.
    known = set(test[test < n].tolist())
    assert known <= set(before.tolist()) or known >= set(before.tolist())


def test_a_share_of_thirty_is_nine() -> None:
    for first in range(20):
        labels = frames(60, groups=None).select(np.arange(first, first + 30))
        assert len(split_test(labels, groups=None, share=0.3)[0]) == 9


def test_no_test_set_is_possible() -> None:
    test, pool = split_test(frames(7), groups=None, share=None)
    assert len(test) == 0
    assert pool.tolist() == list(range(7))


@pytest.mark.parametrize(
    ("groups", "share", "message"),
    [
        ((1,), 0.2, "found both"),
        ((7,), None, "no gfn2-xtb frame of test group 7: choose among 0, 1, 2, 3"),
        ((), None, "choose among"),
        ((0, 1, 2, 3), None, "leaves no pool"),
        (None, 0.0, "between 0 and 1"),
        (None, 1.0, "between 0 and 1"),
        (None, 1e-9, "leaves no test set"),
        (None, 1 - 1e-12, "leaves no pool"),
    ],
)
def test_impossible_splits_are_refused(groups: tuple[int, ...] | None, share: float | None, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        split_test(frames(12), groups=groups, share=share)
    assert "\n" not in str(caught.value)


def test_groups_need_grouped_labels() -> None:
    with pytest.raises(InputError, match="use a test share"):
        split_test(frames(12, groups=None), groups=(1,), share=None)


def test_cheap_pool_leaves_out_test_groups_and_turned_copies_of_accurate_frames() -> None:
    cheap = frames(100)
    assert cheap.group is not None
    labelled = np.array([4, 9, 50, 51])
    turned = Rotation.random(4, rng=np.random.default_rng(5)).as_matrix()
    moved = np.einsum("nij,naj->nai", turned, cheap.positions[labelled]) + 3.0
    accurate = LabelSet(cheap.numbers, moved, None, None, "ccsd_t/cc-pvdz")
    rows = cheap_pool_rows(cheap, accurate, test_groups=(3,))
    assert rows.tolist() == [i for i in range(100) if i % 4 != 3 and i not in labelled]
    without_groups = LabelSet(cheap.numbers, cheap.positions, None, None, "gfn2-xtb")
    rows = cheap_pool_rows(without_groups, accurate, test_groups=(3,))
    assert rows.tolist() == [i for i in range(100) if i not in labelled]


def test_test_share_leaves_the_cheap_pool_too() -> None:
    cheap = frames(60)
    accurate = cheap.select(np.arange(0, 60, 3))
    test, _ = split_test(accurate, groups=None, share=0.5)
    kept = cheap_pool_rows(cheap, accurate, test_groups=None)
    assert not set(accurate.frame_id[test].tolist()) & set(cheap.frame_id[kept].tolist())
    assert len(kept) == 40


def test_cheap_pool_refuses_another_order_of_atoms_and_an_empty_pool() -> None:
    cheap = frames(8)
    other = LabelSet(cheap.numbers[::-1], cheap.positions, None, None, "mp2")
    with pytest.raises(InputError, match="same order") as caught:
        cheap_pool_rows(cheap, other, test_groups=None)
    assert "6, 8, 1, 1" in str(caught.value)
    with pytest.raises(InputError, match="every gfn2-xtb frame is at a geometry that has an accurate label"):
        cheap_pool_rows(cheap, cheap, test_groups=None)
    grouped = replace(cheap, group=np.full(8, 3))
    with pytest.raises(InputError, match=r"no gfn2-xtb frame is left .*: sample more than the 8 cheap frames"):
        cheap_pool_rows(grouped, cheap.select(np.arange(2)), test_groups=(3,))
