"""A trial on its way: where its rungs lie, how far it trains, and which stages only it wants."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from optuna.trial import TrialState

from asteroid.training.schedule import Schedule
from study.config.search import PruningSection
from study.search.search_trial import SearchTrial, wanted_by_others


@pytest.mark.parametrize(("validations", "steps"), [(1, [None, None]), (2, [10, 10]), (3, [7, 14]), (20, [5, 10])])
def test_no_rung_lies_at_the_last_step(validations: int, steps: list[int | None]) -> None:
    schedule = Schedule(steps=20, learning_rate=1e-3, validations=validations)
    section = SimpleNamespace(pruning=PruningSection(first=0.25))
    fold = SimpleNamespace(chain=[SimpleNamespace(schedule=schedule, steps=schedule.steps)])
    trial = SearchTrial(SimpleNamespace(section=section), 0, None, (fold,))  # type: ignore[arg-type]
    assert [trial.step_at(rung) for rung in (0, 1)] == steps
    assert trial.step_at(2) is None


def trial_of(*keys: str, state: TrialState = TrialState.RUNNING, values: tuple[float, ...] = ()) -> SearchTrial:
    fold: Any = SimpleNamespace(chain=[SimpleNamespace(key=key) for key in keys])
    search: Any = None
    return SearchTrial(search, 0, None, (fold,), list(values), state)


@pytest.mark.parametrize(
    ("state", "passed", "reached"),
    [("RUNNING", 1, 4), ("COMPLETE", 2, 4), ("PRUNED", 2, 2), ("FAIL", 2, 3)],
)
def test_told_trials_train_as_far_as_they_once_did(state: str, passed: int, reached: int) -> None:
    """A trial that was pruned at its second rung trained up to that; one that failed did so on the way to the third."""
    trial = trial_of("a", state=TrialState[state], values=(1.0,) * passed)
    assert [trial.reaches(rung) for rung in range(4)] == [rung < reached for rung in range(4)]


def test_a_stage_is_wanted_by_other_running_trials_only() -> None:
    trial, other = trial_of("a", "b"), trial_of("b", "c")
    over = trial_of("a", state=TrialState.COMPLETE)
    assert trial.keys - wanted_by_others(trial, [trial, other, over]) == {"a"}
