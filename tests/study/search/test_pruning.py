from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from asteroid.training.schedule import Schedule
from study.config.search import PruningSection
from study.search.pruning import StudyPruner, rung_steps, value_at

if TYPE_CHECKING:
    from collections.abc import Sequence


def passed_rungs(section: PruningSection, curves: Sequence[Sequence[float]]) -> list[int]:
    """Trials one after the other: how many rungs each has passed."""
    pruner = StudyPruner(section)
    passed = []
    for index, curve in enumerate(curves):
        pruned = False
        rung = 0
        while not pruned and rung < len(curve):
            pruned = pruner.should_prune(index, rung, curve[rung])
            rung += 1
        pruner.tell(index, TrialState.PRUNED if pruned else TrialState.COMPLETE)
        passed.append(rung - pruned)
    return passed


def test_the_median_rule_prunes_what_is_worse_than_the_median_of_complete_trials() -> None:
    section = PruningSection(method="median", first=0.25, factor=2, startup_trials=3)
    curves = [(4.0, 3.0), (2.0, 1.0), (3.0, 2.0), (3.5, 0.1), (2.9, 2.5), (2.0, 0.5)]
    # The medians are 3 and 2 when trial 3 comes, and still are for trial 4: who was pruned does not count.
    assert passed_rungs(section, curves) == [2, 2, 2, 0, 1, 2]


def test_successive_halving_keeps_the_best_of_those_at_a_rung() -> None:
    section = PruningSection(method="successive_halving", first=0.25, factor=2)
    # Kept if among the best half (at least one) of all that have come to the rung.
    assert passed_rungs(section, [(5.0, 5.0), (6.0, 1.0), (4.0, 6.0), (3.0, 4.0), (3.5, 1.0)]) == [2, 0, 1, 2, 2]


def test_the_answer_does_not_depend_on_a_restart() -> None:
    draw = np.random.default_rng(0)
    for method in ("median", "successive_halving"):
        section = PruningSection(method=method, first=0.1, factor=3, startup_trials=2)
        curves = np.sort(draw.uniform(size=(12, 2)), axis=1)[:, ::-1]
        whole, restarted = StudyPruner(section), StudyPruner(section)
        for index, curve in enumerate(curves):
            seen: list[float] = []
            pruned = False
            while not pruned and len(seen) < len(curve):
                pruned = whole.should_prune(index, len(seen), curve[len(seen)])
                seen.append(curve[len(seen)])
            state = TrialState.PRUNED if pruned else TrialState.COMPLETE
            whole.tell(index, state)
            if index < 6:
                restarted.repeat(index, seen, state)
            else:
                again = [restarted.should_prune(index, rung, value) for rung, value in enumerate(seen)]
                restarted.tell(index, state)
                assert again == [False] * (len(seen) - 1) + [pruned], f"{method}, trial {index}"


def test_a_trial_that_diverged_is_pruned() -> None:
    section = PruningSection(startup_trials=1)
    assert passed_rungs(section, [(1.0, 1.0), (math.inf, 0.1)]) == [2, 0]


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 400), st.integers(1, 30), st.floats(0.02, 0.9), st.integers(2, 5))
def test_rungs_lie_on_validations_and_not_before_their_share(
    steps: int, validations: int, first: float, factor: int
) -> None:
    schedule = Schedule(steps=steps, learning_rate=1e-3, validations=min(validations, steps))
    section = PruningSection(first=first, factor=factor)
    found = rung_steps(section, schedule)
    assert len(found) == len(section.shares)
    assert all(0 < share < 1 for share in section.shares)
    assert set(found) <= schedule.validation_steps()
    assert list(found) == sorted(found)
    for step, share in zip(found, section.shares, strict=True):
        earlier = [s for s in schedule.validation_steps() if s < step]
        assert step >= share * steps
        assert max(earlier, default=0) < share * steps, "the first that will do"


def test_a_value_is_the_best_so_far() -> None:
    curve = [(4, 0.5), (8, math.nan), (12, 0.3), (16, 0.4)]
    assert [value_at(curve, step) for step in (4, 8, 12, 16, 99)] == [0.5, 0.5, 0.3, 0.3, 0.3]
    assert value_at(curve, 3) == math.inf
