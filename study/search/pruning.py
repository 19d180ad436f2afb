"""Which trials are pruned: Optuna's pruners, asked at fixed rungs of a trial's last stage.

The pruner looks at a study in memory that repeats the run's own, never at the journal: what it answers depends on the
values that it was told and their order, not on where an earlier session was killed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import optuna
from optuna.pruners import BasePruner, MedianPruner, SuccessiveHalvingPruner
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.training.schedule import Schedule
    from study.config.search import PruningSection


class StudyPruner:
    """Says which trials of one study to prune.

    Args:
        section: the rule.
    """

    def __init__(self, section: PruningSection) -> None:
        self._section = section
        self._study = optuna.create_study(sampler=RandomSampler(seed=0), pruner=_pruner(section))
        self._trials: dict[int, optuna.Trial] = {}

    def should_prune(self, index: int, rung: int, value: float) -> bool:
        """Whether to prune a trial at a rung.

        Args:
            index: which trial.
            rung: how many rungs it had passed before.
            value: its error at this one; the smaller, the better.
        """
        if index not in self._trials:
            self._trials[index] = self._study.ask()
        self._trials[index].report(value, reported_step(self._section, rung))
        return self._trials[index].should_prune()

    def repeat(self, index: int, values: Sequence[float], state: TrialState) -> None:
        """Learn of a trial that an earlier session has told: its values at the rungs, and how it ended."""
        for rung, value in enumerate(values):
            self.should_prune(index, rung, value)
        self.tell(index, state)

    def tell(self, index: int, state: TrialState) -> None:
        """Learn how a trial ended: the median is that of complete ones."""
        trial = self._trials.pop(index, None)
        if trial is not None:
            complete = state == TrialState.COMPLETE
            self._study.tell(trial, 0.0 if complete else None, state=state)


def reported_step(section: PruningSection, rung: int) -> int:
    """The step under which Optuna knows a rung: 1, factor, factor²."""
    return int(section.factor**rung)


def rung_steps(section: PruningSection, schedule: Schedule) -> tuple[int, ...]:
    """Steps of the rungs: the first validation that is not before each share of the training."""
    validations = sorted(schedule.validation_steps())
    return tuple(next(s for s in validations if s >= share * schedule.steps) for share in section.shares)


def value_at(curve: Sequence[tuple[int, float]], step: int) -> float:
    """The lowest validation error up to a step; inf before the first."""
    errors = [error for done, error in curve if done <= step and not math.isnan(error)]
    return min(errors, default=math.inf)


def _pruner(section: PruningSection) -> BasePruner:
    if section.method == "median":
        return MedianPruner(n_startup_trials=section.startup_trials)
    return SuccessiveHalvingPruner(min_resource=1, reduction_factor=section.factor)
