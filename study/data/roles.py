"""Which labels may be used for what: test set, pool of accurate labels, pool of cheap frames, no geometry leaked."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.guards import refuse_leak
from asteroid.descriptors.probes import refuse_too_many_probes
from asteroid.errors import InputError
from asteroid.labels.molecules import rows_by_formula
from asteroid.labels.splits import cheap_pool_rows, fewest_for_folds, split_test
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.labels.label_set import IntArray, LabelSet
    from study.config.label_files import TestSection
    from study.config.sweep import Sweep


@dataclass(frozen=True, eq=False)
class Roles:
    """Labels by role.

    Attributes:
        test: accurate labels that errors are measured on, in the order of time; empty where they are cross-validated.
        pool: accurate labels that can be bought.
        cheap_pools: frames of each lower level that can be bought.
    """

    test: LabelSet
    pool: LabelSet
    cheap_pools: tuple[LabelSet, ...]


def divide_labels(sweep: Sweep, accurate: LabelSet, cheap: Sequence[LabelSet]) -> Roles:
    """Give labels their roles.

    On a ladder, frames of the lower levels that have an accurate label stay in their pools, as an accurate label comes
    with those below it; cross-validation leaves out those of the frames that it scores (`recipes.chains`).

    Raises:
        InputError: a test geometry is among the training frames, or a budget is larger than its pool.
    """
    test, pool = _divide_accurate(accurate, sweep.test)
    # Delta-learning may come with exactly the paired labels: then there is nothing to pretrain on, and no need to.
    pretrains = any(sweep.buys_frames(STRATEGIES[strategy]) for strategy in sweep.strategies)
    pools = []
    for frames in cheap:
        rows = cheap_pool_rows(
            frames,
            test if sweep.data.is_ladder else accurate,
            test_groups=sweep.test.groups if sweep.test else None,
            may_be_empty=not pretrains,
        )
        pools.append(frames.select(rows))
        refuse_leak(pools[-1], test, f"{frames.level} frames" if len(cheap) > 1 else "cheap frames")
    _refuse_too_many(sweep, pool, pools if pretrains else [])
    return Roles(test, pool, tuple(pools))


def _divide_accurate(accurate: LabelSet, section: TestSection | None) -> tuple[LabelSet, LabelSet]:
    """Test set and pool, without a geometry in both; without a section, everything can be bought."""
    groups, share = (section.groups, section.share) if section else (None, None)
    test_rows, pool_rows = split_test(accurate, groups=groups, share=share)
    test, pool = accurate.select(test_rows), accurate.select(pool_rows)
    refuse_leak(pool, test, "the pool of accurate labels")
    return test.select(by_time(test)), pool


def by_time(labels: LabelSet) -> IntArray:
    """Rows in the order of time, [N]: neighbours' errors are correlated, and a block bootstrap wants them in a row."""
    group = np.zeros(len(labels)) if labels.group is None else labels.group
    return np.lexsort((labels.frame_id, group, _formula_places(labels))).astype(np.int64)


def _formula_places(labels: LabelSet) -> IntArray:
    """A number for each frame's formula: files of several molecules are often several trajectories."""
    places = np.zeros(len(labels), dtype=np.int64)
    if labels.varied:
        for place, rows in enumerate(rows_by_formula(labels.numbers).values()):
            places[rows] = place
    return places


def _refuse_too_many(sweep: Sweep, pool: LabelSet, cheap_pools: Sequence[LabelSet]) -> None:
    """The splits refuse too; here the message names the key of the sweep file before anything is described."""
    asked_for = [("budgets", sweep.budgets, len(pool), 5)]
    for cheap_pool in cheap_pools:
        key = f"n_cheap.{cheap_pool.level}" if isinstance(sweep.n_cheap, dict) else "n_cheap"
        asked_for.append((key, sweep.n_cheap_of(cheap_pool.level), len(cheap_pool), 10))
    for key, values, available, _ in asked_for:
        if values and max(values) > available:
            raise InputError(f"{key}: {max(values)} is larger than the pool: the largest possible is {available}")
    for key, values, _, smallest in asked_for:
        if values and min(values) < smallest:
            raise InputError(f"{key}: {min(values)} leaves no validation label: the smallest possible is {smallest}")
    if (section := sweep.validation_inside) is not None:
        least = next(n for n in itertools.count(2) if n >= fewest_for_folds(min(section.folds, n)))
        if min(sweep.budgets) < least:
            raise InputError(
                f"budgets: {min(sweep.budgets)} leaves a fold without a validation label: the smallest possible "
                f"without a test set is {least}"
            )
    asked = [STRATEGIES[strategy] for strategy in sweep.strategies]
    if any(entry.learns_from_sampling for entry in asked) and sweep.score_match is not None:
        refuse_too_many_probes(len(pool.numbers), sweep.score_match.probes)
    if any("kernel" in entry.kinds for entry in asked):
        sweep.kernel.settings().refuse_too_large(max(sweep.budgets), len(pool.numbers))
