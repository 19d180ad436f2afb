"""Which labels may be used for what: test set, pool of accurate labels, pool of cheap frames, no geometry leaked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.guards import refuse_leak
from asteroid.descriptors.probes import refuse_too_many_probes
from asteroid.errors import InputError
from asteroid.labels.molecules import rows_by_formula
from asteroid.labels.splits import cheap_pool_rows, split_test
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.labels.label_set import IntArray, LabelSet
    from study.config.label_files import TestSection
    from study.config.sweep import Sweep


@dataclass(frozen=True, eq=False)
class Roles:
    """Labels by role.

    Attributes:
        test: accurate labels that errors are measured on, in the order of time.
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
    rows = cheap_pool_rows(cheap, accurate, test_groups=sweep.test.groups, may_be_empty=not pretrains)
    cheap_pool = cheap.select(rows)
    refuse_leak(cheap_pool, test, "cheap frames")
    _refuse_too_many(sweep, pool, cheap_pool if pretrains else None)
    return Roles(test, pool, cheap_pool)


def _divide_accurate(accurate: LabelSet, section: TestSection) -> tuple[LabelSet, LabelSet]:
    """Test set and pool, without a geometry in both."""
    test_rows, pool_rows = split_test(accurate, groups=section.groups, share=section.share)
    test, pool = accurate.select(test_rows), accurate.select(pool_rows)
    refuse_leak(pool, test, "the pool of accurate labels")
    # Errors of neighbours in time are correlated; the block bootstrap wants them in a row.
    group = np.zeros(len(test)) if test.group is None else test.group
    by_time = np.lexsort((test.frame_id, group, _formula_places(test)))
    return test.select(by_time), pool


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
    asked = [STRATEGIES[strategy] for strategy in sweep.strategies]
    if any(entry.learns_from_sampling for entry in asked) and sweep.score_match is not None:
        refuse_too_many_probes(len(pool.numbers), sweep.score_match.probes)
    if any("kernel" in entry.kinds for entry in asked):
        sweep.kernel.settings().refuse_too_large(max(sweep.budgets), len(pool.numbers))
