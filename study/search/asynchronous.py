"""Searches without rounds: a trial is asked, pruned and told at once, so that no worker waits for another.

What is suggested then depends on which trials were told first, hence on the workers' speed; `rounds` is the
reproducible way. A stage is trained for as long as one running trial wants it: pruning a trial never takes another's
parent away.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from study.recipes.packs import plan_rounds
from study.search.search_trial import wanted_by_others

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asteroid.stages.stage import StageSpec
    from study.engine.catalog import StageCatalog
    from study.engine.scheduler import PackScheduler
    from study.recipes.packs import Pack
    from study.recipes.search import Search
    from study.search.search_trial import SearchTrial
    from study.search.trial_tracker import TrialTracker

#: On so many workers one stage is kept waiting, asked while nobody is idle, lest a free worker wait for the sampler.
_AHEAD = 8


def run_async(tracker: TrialTracker, catalog: StageCatalog, scheduler: PackScheduler, pack_size: int) -> None:
    """Run every study up to its number of trials, finished ones of earlier sessions included."""
    section = tracker.searches[0].section
    to_ask = _trials_in_turn(tracker.searches, section.trials)
    at_once = section.trials_per_round * len(tracker.searches)
    ahead = scheduler.slots // _AHEAD
    most = max(at_once, scheduler.slots + ahead)  # however many stages they share: who is asked late is asked wisely
    running: list[SearchTrial] = []
    left = True
    try:
        while left or running:
            if len(running) >= at_once or not left:
                _start(running, catalog, scheduler, pack_size)
            idle = scheduler.packs_in_training < scheduler.slots
            spare = ahead > 0 and not scheduler.one_is_finished and len(_ready(running, catalog, scheduler)) < ahead
            if left and (len(running) < at_once or ((idle or spare) and len(running) < most)):
                next_one = next(to_ask, None)
                left = next_one is not None
                if next_one is not None:
                    running += _ask(tracker, *next_one)
                continue
            if scheduler.packs_in_training:
                scheduler.await_one()
                _start(running, catalog, scheduler, pack_size)
            running = _advance(running, tracker, catalog, scheduler)
    finally:
        scheduler.abandon()


def _ask(tracker: TrialTracker, search: Search, index: int) -> list[SearchTrial]:
    (trial,) = tracker.open(search, index, index + 1)
    if trial.running:
        return [trial]
    tracker.repeat_to_pruner(trial)
    return []


def _trials_in_turn(searches: Sequence[Search], trials: int) -> Iterator[tuple[Search, int]]:
    """Studies and indices, the studies in turn: what is told already comes first, being first of each study."""
    return ((search, index) for index in range(trials) for search in searches)


def _start(running: Sequence[SearchTrial], catalog: StageCatalog, scheduler: PackScheduler, pack_size: int) -> None:
    """Give every free worker a pack, as far as there are any."""
    free = scheduler.slots - scheduler.packs_in_training
    if free > 0:
        for pack in _make_packs(_ready(running, catalog, scheduler), catalog, free, pack_size)[:free]:
            scheduler.begin(pack)


def _ready(
    running: Sequence[SearchTrial], catalog: StageCatalog, scheduler: PackScheduler
) -> dict[str, tuple[StageSpec, int | None]]:
    """Stages that can be trained now, each with the furthest step that a trial may train it to; None: its end."""
    in_training = scheduler.stages_in_training
    found: dict[str, tuple[StageSpec, int | None]] = {}
    for trial in running:
        for fold in () if trial.failing else trial.folds:
            spec = next((spec for spec in fold.chain if spec.key not in catalog.finished), None)
            if spec is None or spec.key in in_training or not catalog.has_parents_of(spec):
                continue  # what comes after it must wait
            until = trial.step_at(len(trial.values)) if spec is fold.chain[-1] else None
            if until is not None and catalog.steps_done(spec.key) >= until:
                continue  # it waits for the other folds
            if spec.key in found:
                other = found[spec.key][1]
                until = None if until is None or other is None else max(until, other)
            found[spec.key] = (spec, until)
    return found


def _make_packs(
    ready: dict[str, tuple[StageSpec, int | None]], catalog: StageCatalog, free: int, pack_size: int
) -> list[Pack]:
    """Packs of stages that are as far and go as far, small enough for every free worker to get one."""
    groups: dict[tuple[int | None, float], list[StageSpec]] = {}
    for spec, until in ready.values():
        groups.setdefault((until, catalog.steps_done(spec.key)), []).append(spec)
    size = max(1, min(pack_size, math.ceil(len(ready) / max(free, 1))))
    packs = []
    for (until, _), specs in groups.items():
        made = plan_rounds([(spec,) for spec in specs], size)
        packs += [replace(pack, until=until) for packs_of_round in made for pack in packs_of_round]
    return sorted(packs, key=lambda pack: -len(pack.specs))


def _advance(
    running: list[SearchTrial], tracker: TrialTracker, catalog: StageCatalog, scheduler: PackScheduler
) -> list[SearchTrial]:
    """Prune and tell what can be; the trials that are still running."""
    told = False
    for trial in running:
        trial.failing = trial.failing or tracker.has_failed_stage(trial, in_training=True)
        if trial.failing and not _has_own_stage_in_training(trial, running, scheduler):
            tracker.fail(trial, running)
        while trial.running and not trial.failing and (step := trial.step_at(len(trial.values))) is not None:
            if any(catalog.steps_done(spec.key) < step for spec in trial.last_stages):
                break
            if tracker.should_prune(trial, len(trial.values)):
                tracker.prune(trial, running)
        if trial.running and not trial.failing and all(key in catalog.finished for key in trial.keys):
            tracker.finish(trial)
        told = told or not trial.running
    if told:
        tracker.count()
    return [trial for trial in running if trial.running]


def _has_own_stage_in_training(trial: SearchTrial, running: Sequence[SearchTrial], scheduler: PackScheduler) -> bool:
    """Whether a stage that no other running trial wants is in training."""
    return bool((trial.keys & scheduler.stages_in_training) - wanted_by_others(trial, running))
