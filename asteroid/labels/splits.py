"""Who may see which label: test frames, the pool, what a budget buys, and the cheap frames that may be trained on.

Every choice follows an order that the frames' own geometries and the seed fix, so that sets nest across budgets and
stay put, or nearly, when frames are added to a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labels.atom_order import refuse_other_molecule
from asteroid.labels.balanced_order import balanced_order
from asteroid.labels.label_set import FloatArray, IntArray, LabelSet, hash_order
from asteroid.labels.matching import match_geometries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

#: Every n-th frame in the seed's order is held out for early stopping.
ACCURATE_VAL_EVERY = 5
CHEAP_VAL_EVERY = 10


@dataclass(frozen=True, eq=False)
class Purchase:
    """Frames bought from a pool, as rows of the pool in the seed's order.

    Attributes:
        train: rows that gradients see, shape [n_train].
        val: rows held out for early stopping, shape [n_val]; bought and paid for like the others.
    """

    train: IntArray
    val: IntArray

    def __len__(self) -> int:
        return len(self.train) + len(self.val)


def split_test(accurate: LabelSet, *, groups: tuple[int, ...] | None, share: float | None) -> tuple[IntArray, IntArray]:
    """Divide accurate labels into test frames and the pool, both as rows in the order of the file.

    Args:
        accurate: all accurate labels.
        groups: these whole groups (replicas, time blocks) are the test set; None for no test groups.
        share: the first share * N frames (rounded) of an order that the frames' own geometries fix are
            the test set. When frames are added, only those next to its end change their role: the size of a small set
            matters more than that (each by its own chance, 30 frames gave 6 to 16 for a share of .3). None for no
            share. With neither, the test set is empty.

    Returns:
        (test_rows, pool_rows).

    Raises:
        InputError: both are given, a group does not exist, the share is not inside (0, 1), or either set is empty.
    """
    if groups is not None and share is not None:
        raise InputError(f"a test set is made of groups or of a share, found both {groups} and {share}: keep one")
    if groups is None and share is None:
        return np.empty(0, dtype=np.int64), np.arange(len(accurate), dtype=np.int64)
    if groups is not None:
        is_test = np.isin(_groups_of(accurate, groups), groups)
        asked = f"groups {_listed(groups)}"
    else:
        assert share is not None
        if not 0.0 < share < 1.0:
            raise InputError(f"the test share lies between 0 and 1, found {share}: write for instance 0.2")
        is_test = np.zeros(len(accurate), dtype=np.bool_)
        is_test[hash_order(accurate, 0, "test")[: round(share * len(accurate))]] = True
        asked = f"a share of {share:g}"
    for empty, name, remedy in ((not is_test.any(), "test set", "more"), (bool(is_test.all()), "pool", "less")):
        if empty:
            raise InputError(f"{asked} of {len(accurate)} {accurate.level} frames leaves no {name}: ask for {remedy}")
    return np.flatnonzero(is_test).astype(np.int64), np.flatnonzero(~is_test).astype(np.int64)


def purchase_order(pool: LabelSet, seed: int, along: FloatArray | None = None) -> IntArray:
    """Rows of the pool in the order in which a seed buys them, shape [N]; a budget is its beginning.

    Args:
        pool: the accurate labels that can be bought.
        seed: of the order.
        along: [N] a value of each frame that every beginning of the order is balanced along (`balanced_order`); None:
            frames are drawn at random.
    """
    order = hash_order(pool, seed)
    return order if along is None else balanced_order(along, order, seed)


def buy_accurate(pool: LabelSet, budget: int, seed: int, along: FloatArray | None = None) -> Purchase:
    """Buy `budget` labels, training and validation together: the seed's first frames, every fifth for validation.

    The frames of a smaller budget are the first of a larger one, with the same roles.

    Args:
        pool: the accurate labels that can be bought.
        budget: how many.
        seed: of the order.
        along: as in `purchase_order`.

    Raises:
        InputError: the budget is larger than the pool, or too small for one validation label.
    """
    return _buy(pool, purchase_order(pool, seed, along), budget, ACCURATE_VAL_EVERY, "budget")


def buy_cheap(cheap_pool: LabelSet, n_cheap: int, seed: int, without: Collection[int] = ()) -> Purchase:
    """Buy `n_cheap` cheap frames: the seed's first frames, every tenth held out to keep the best pretraining.

    Args:
        cheap_pool: the cheap frames that can be bought.
        n_cheap: how many.
        seed: of the order.
        without: rows that are passed over, as an error is measured at their geometries.

    Raises:
        InputError: n_cheap is larger than the pool, or too small for one held-out frame.
    """
    order = hash_order(cheap_pool, seed)
    if without:
        order = order[~np.isin(order, list(without))]
    return _buy(cheap_pool, order, n_cheap, CHEAP_VAL_EVERY, "n_cheap")


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold of a cross-validation inside a budget, as rows of the pool.

    Attributes:
        train: rows that gradients see.
        val: rows held out for early stopping.
        score: rows that the fold's error is measured on; nothing else of the fold sees them.
    """

    train: IntArray
    val: IntArray
    score: IntArray


def fewest_for_folds(n_folds: int) -> int:
    """The smallest budget that can be divided into so many folds, two or more: beside each, one label must validate."""
    smallest = max(n_folds, ACCURATE_VAL_EVERY + 1)
    while smallest - -(-smallest // n_folds) < ACCURATE_VAL_EVERY:
        smallest += 1
    return smallest


def folds_in_turn(n_labels: int, n_folds: int) -> IntArray:
    """The fold of each label in the order of purchase, [N]: they go to the folds in turn."""
    return np.arange(n_labels) % n_folds


def cross_validation_folds(
    pool: LabelSet, budget: int, seed: int, n_folds: int, *, split: int = 0, along: FloatArray | None = None
) -> list[Fold]:
    """Divide the labels that a budget buys into folds: every bought label is scored on exactly once.

    Args:
        pool: the accurate labels that can be bought.
        budget: how many are.
        seed: of the order of purchase.
        n_folds: parts.
        split: which division; in the first, labels go to the folds in turn, in the others at random.
        along: as in `purchase_order`.

    Raises:
        InputError: the budget is larger than the pool, or leaves a fold without a validation label.
    """
    if budget < fewest_for_folds(n_folds):
        raise InputError(
            f"cross-validation with {n_folds} folds needs {ACCURATE_VAL_EVERY} labels beside each fold, found budget "
            f"{budget}: buy more labels"
        )
    order = purchase_order(pool, seed, along)
    bought = order[: len(_buy(pool, order, budget, ACCURATE_VAL_EVERY, "budget"))]
    place = folds_in_turn(len(bought), n_folds)
    if split:
        place = np.random.default_rng((seed, split)).permutation(place)
    folds = []
    for fold in range(n_folds):
        rest = bought[place != fold]
        held_out = np.arange(len(rest)) % ACCURATE_VAL_EVERY == ACCURATE_VAL_EVERY - 1
        folds.append(Fold(train=rest[~held_out], val=rest[held_out], score=bought[place == fold]))
    return folds


def cheap_pool_rows(
    cheap: LabelSet,
    accurate: LabelSet,
    *,
    test_groups: tuple[int, ...] | None,
    tol_ang: float | None = None,
    may_be_empty: bool = False,
) -> IntArray:
    """Cheap frames that may be trained on, as rows in the order of the file.

    Leaves out the frames of the test groups, labelled or not (they are neighbours in time of test frames), and every
    geometry that has an accurate label, in the test set or in the pool: at each budget the accurate labels then add
    geometries that pretraining has not seen. The groups of the two sets must be the same trajectories. Where the cheap
    set has no groups it comes from elsewhere, and only the geometries count.

    Raises:
        InputError: the two sets order their atoms differently, a test group is in neither set, or no frame is left
            (unless `may_be_empty`).
    """
    refuse_other_molecule(cheap, accurate)
    keep = np.ones(len(cheap), dtype=np.bool_)
    if test_groups is not None and cheap.group is not None:
        keep &= ~np.isin(cheap.group, test_groups)
    labelled = np.unique(match_geometries(accurate, cheap, tol_ang=tol_ang)[1])
    keep[labelled] = False
    if not (keep.any() or may_be_empty) and len(labelled) == len(cheap):
        raise InputError(
            f"every {cheap.level} frame is at a geometry that has an accurate label, pretraining learns from others: "
            "add frames at other geometries, or leave out strategies that pretrain (ladders of three levels keep them)"
        )
    if not (keep.any() or may_be_empty):
        raise InputError(
            f"no {cheap.level} frame is left outside the test groups and the {len(accurate)} labelled geometries: "
            f"sample more than the {len(cheap)} cheap frames"
        )
    return np.flatnonzero(keep).astype(np.int64)


def _buy(pool: LabelSet, order: IntArray, n: int, val_every: int, setting: str) -> Purchase:
    if n > len(order):
        raise InputError(f"{setting} {n} is larger than the {pool.level} pool: the largest possible is {len(order)}")
    if n < val_every:
        raise InputError(
            f"every {val_every}th frame is for validation, found {setting} {n}: ask for {val_every} or more"
        )
    bought = order[:n]
    held_out = np.arange(n) % val_every == val_every - 1
    return Purchase(train=bought[~held_out], val=bought[held_out])


def _groups_of(labels: LabelSet, wanted: tuple[int, ...]) -> IntArray:
    if labels.group is None:
        raise InputError(f"test groups {_listed(wanted)} need groups, {labels.level} has none: use a test share")
    present = np.unique(labels.group)
    missing = sorted(set(wanted) - set(present.tolist()))
    if missing or not wanted:
        raise InputError(f"no {labels.level} frame of test group {_listed(missing)}: choose among {_listed(present)}")
    return labels.group


def _listed(values: Iterable[int]) -> str:
    return ", ".join(str(int(v)) for v in values)
