"""Searches in rounds: what is asked, pruned and told depends on the trials alone, whatever the workers' speed.

All studies of a sweep advance together, so that their stages fill the same packs. Trials of a round are judged in order
once all of them have reached a point, and told in order once all are finished.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from study.recipes.packs import by_urgency, plan_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.stages.stage import StageSpec
    from study.engine.engine import StageEngine
    from study.engine.executors import Executor
    from study.recipes.packs import Pack
    from study.search.trial_tracker import SearchTrial, TrialBook


def run_rounds(book: TrialBook, engine: StageEngine, executor: Executor, pack_size: int) -> None:
    """Run every study up to its number of trials, finished ones of earlier sessions included."""
    section = book.searches[0].section
    for start in range(0, section.trials, section.trials_per_round):
        stop = min(start + section.trials_per_round, section.trials)
        trials = [trial for search in book.searches for trial in book.open(search, start, stop)]
        if section.pruning is None:
            chains = [fold.chain for trial in trials if trial.running for fold in trial.folds]
            engine.train(by_urgency(plan_rounds(chains, pack_size)), executor)
        else:
            _train_and_prune(trials, len(section.pruning.shares), book, engine, executor, pack_size)
        for trial in trials:
            if trial.running and book.broken(trial):
                book.fail(trial, trials)
            elif trial.running:
                book.finish(trial)
            else:  # told by an earlier session: the judge takes it in where it did then
                book.close(trial)
        book.count()


def _train_and_prune(
    trials: Sequence[SearchTrial],
    rungs: int,
    book: TrialBook,
    engine: StageEngine,
    executor: Executor,
    pack_size: int,
) -> None:
    """Train a round up to one point after another; packs are made up as if no earlier session had told a trial."""
    heads = [fold.chain[:-1] for trial in trials for fold in trial.folds]
    not_last = {spec.key for chain in heads for spec in chain}
    engine.train(by_urgency(plan_rounds(heads, pack_size)), executor, _wanted(trials))
    for rung in range(rungs + 1):
        going = [trial for trial in trials if trial.reaches(rung)]
        last = {spec.key: (spec, trial.step_at(rung)) for trial in going for spec in trial.last}
        last = {key: own for key, own in last.items() if key not in not_last}
        engine.train(_packs_until(last, pack_size), executor, _wanted(trials))
        if rung == rungs:
            return
        for trial in going:
            if trial.running and book.broken(trial):
                book.fail(trial, trials)
            elif trial.step_at(rung) is not None and (trial.running or len(trial.values) > rung):
                kept = book.judge(trial, rung)
                if trial.running and not kept:
                    book.prune(trial, trials)


def _wanted(trials: Sequence[SearchTrial]) -> set[str]:
    return {key for trial in trials if trial.running for key in trial.keys}


def _packs_until(last: dict[str, tuple[StageSpec, int | None]], pack_size: int) -> list[Pack]:
    """Packs of last stages, each up to the point where it is judged; packed stages have equal numbers of steps."""
    packs = by_urgency(plan_rounds([(spec,) for spec, _ in last.values()], pack_size))
    return [replace(pack, until=last[pack.specs[0].key][1]) for pack in packs]
