"""Searches without rounds: a trial is asked, judged and told at once, so that no worker waits for another.

What is suggested then depends on which trials were told first, hence on the workers' speed; `rounds` is the
reproducible way. A stage is trained for as long as one running trial wants it: giving up a trial never takes another's
parent away.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from study.recipes.packs import plan_rounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asteroid.stages.stage import StageSpec
    from study.engine.engine import StageEngine
    from study.engine.executors import Executor
    from study.recipes.packs import Pack
    from study.recipes.search import Search
    from study.search.trial_tracker import SearchTrial, TrialBook

#: On so many workers one stage is kept waiting, asked while nobody is idle, lest a free worker wait for the sampler.
_AHEAD = 8


def run_async(book: TrialBook, engine: StageEngine, executor: Executor, pack_size: int) -> None:
    """Run every study up to its number of trials, finished ones of earlier sessions included."""
    section = book.searches[0].section
    to_ask = _places(book.searches, section.trials)
    at_once = section.trials_per_round * len(book.searches)
    ahead = executor.slots // _AHEAD
    most = max(at_once, executor.slots + ahead)  # however many stages they share: who is asked late is asked wisely
    going: list[SearchTrial] = []
    left = True
    try:
        while left or going:
            if len(going) >= at_once or not left:
                _start(going, engine, executor, pack_size)
            idle = engine.packs_in_training < executor.slots
            spare = ahead > 0 and not engine.one_is_finished and len(_ready(going, engine)) < ahead
            if left and (len(going) < at_once or ((idle or spare) and len(going) < most)):
                place = next(to_ask, None)
                left = place is not None
                if place is not None:
                    going += _ask(book, *place)
                continue
            if engine.packs_in_training:
                engine.await_one(executor)
                _start(going, engine, executor, pack_size)
            going = _advance(going, book, engine)
    finally:
        engine.abandon()


def _ask(book: TrialBook, search: Search, index: int) -> list[SearchTrial]:
    (trial,) = book.open(search, index, index + 1)
    if trial.running:
        return [trial]
    book.repeat(trial)
    return []


def _start(going: Sequence[SearchTrial], engine: StageEngine, executor: Executor, pack_size: int) -> None:
    """Give every free worker a pack, as far as there are any."""
    free = executor.slots - engine.packs_in_training
    if free > 0:
        for pack in _make_packs(_ready(going, engine), engine, free, pack_size)[:free]:
            engine.begin(pack, executor)


def _places(searches: Sequence[Search], trials: int) -> Iterator[tuple[Search, int]]:
    """Studies and indices, the studies in turn: what is told already comes first, being first of each study."""
    return ((search, index) for index in range(trials) for search in searches)


def _ready(going: Sequence[SearchTrial], engine: StageEngine) -> dict[str, tuple[StageSpec, int | None]]:
    """Stages that can be trained now, each with the furthest point that a trial may train it to."""
    busy = engine.in_training
    found: dict[str, tuple[StageSpec, int | None]] = {}
    for trial in going:
        for fold in () if trial.doomed else trial.folds:
            for spec in fold.chain:
                if spec.key in engine.results:
                    continue
                known = [engine.results.get(key) for key in spec.parents]
                if spec.key not in busy and all(parent and parent.status == "ok" for parent in known):
                    until = trial.step_at(len(trial.values)) if spec is fold.chain[-1] else None
                    if until is not None and engine.steps_done(spec.key) >= until:
                        break  # it waits for the other folds
                    if spec.key in found:
                        other = found[spec.key][1]
                        until = None if until is None or other is None else max(until, other)
                    found[spec.key] = (spec, until)
                break  # what comes after it must wait
    return found


def _make_packs(
    ready: dict[str, tuple[StageSpec, int | None]], engine: StageEngine, free: int, pack_size: int
) -> list[Pack]:
    """Packs of stages that are as far and go as far, small enough for every free worker to get one."""
    groups: dict[tuple[int | None, float], list[StageSpec]] = {}
    for spec, until in ready.values():
        groups.setdefault((until, engine.steps_done(spec.key)), []).append(spec)
    size = max(1, min(pack_size, math.ceil(len(ready) / max(free, 1))))
    packs = []
    for (until, _), specs in groups.items():
        made = plan_rounds([(spec,) for spec in specs], size)
        packs += [replace(pack, until=until) for packs_of_round in made for pack in packs_of_round]
    return sorted(packs, key=lambda pack: -len(pack.specs))


def _advance(going: list[SearchTrial], book: TrialBook, engine: StageEngine) -> list[SearchTrial]:
    """Judge and tell what can be; the trials that go on."""
    told = False
    for trial in going:
        trial.doomed = trial.doomed or book.broken(trial, in_training=True)
        if trial.doomed and not book.is_at_work(trial, going):
            book.fail(trial, going)
        while trial.running and not trial.doomed and (step := trial.step_at(len(trial.values))) is not None:
            if any(engine.steps_done(spec.key) < step for spec in trial.last):
                break
            if not book.judge(trial, len(trial.values)):
                book.prune(trial, going)
        if trial.running and not trial.doomed and all(key in engine.results for key in trial.keys):
            book.finish(trial)
        told = told or not trial.running
    if told:
        book.count()
    return [trial for trial in going if trial.running]
