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
    from asteroid.labels.label_set import IntArray, LabelSet
    from study.config.label_files import TestSection
    from study.config.sweep import Sweep


@dataclass(frozen=True, eq=False)
class Roles:
    """Labels by role.

    Attributes:
        test: accurate labels that errors are measured on, in the order of time; empty where they are cross-validated.
        pool: accurate labels that can be bought.
        cheap_pool: cheap frames that can be bought.
    """

    test: LabelSet
    pool: LabelSet
    cheap_pool: LabelSet


def divide_labels(sweep: Sweep, accurate: LabelSet, cheap: LabelSet) -> Roles:
    """Give labels their roles.

    Raises:
        InputError: a test geometry is among the training frames, or a budget is larger than its pool.
    """
    test, pool = _divide_accurate(accurate, sweep.test)
    # Delta-learning may come with exactly the paired labels: then there is nothing to pretrain on, and no need to.
    pretrains = any(STRATEGIES[strategy].has_cheap_axis for strategy in sweep.strategies)
    rows = cheap_pool_rows(
        cheap, accurate, test_groups=sweep.test.groups if sweep.test else None, may_be_empty=not pretrains
    )
    cheap_pool = cheap.select(rows)
    refuse_leak(cheap_pool, test, "cheap frames")
    _refuse_too_many(sweep, pool, cheap_pool if pretrains else None)
    return Roles(test, pool, cheap_pool)


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


def _refuse_too_many(sweep: Sweep, pool: LabelSet, cheap_pool: LabelSet | None) -> None:
    """The splits refuse too; here the message names the key of the sweep file before anything is described."""
    n_cheap = sweep.n_cheap if cheap_pool is not None else ()
    for key, values, available in (("budgets", sweep.budgets, len(pool)), ("n_cheap", n_cheap, len(cheap_pool or ()))):
        if values and max(values) > available:
            raise InputError(f"{key}: {max(values)} is larger than the pool: the largest possible is {available}")
    for key, values, smallest in (("budgets", sweep.budgets, 5), ("n_cheap", n_cheap, 10)):
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
