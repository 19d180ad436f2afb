"""Searches in rounds: what is asked, pruned and told depends on the trials alone, whatever the workers' speed.

All studies of a sweep advance together, so that their stages fill the same packs. Trials of a round are pruned in order
once all of them have reached a rung, and told in order once all are finished.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from study.recipes.packs import by_urgency, plan_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.stages.stage import StageSpec
    from study.engine.scheduler import PackScheduler
    from study.recipes.packs import Pack
    from study.search.search_trial import SearchTrial
    from study.search.trial_tracker import TrialTracker


def run_rounds(tracker: TrialTracker, scheduler: PackScheduler, pack_size: int) -> None:
    """Run every study up to its number of trials, finished ones of earlier sessions included."""
    section = tracker.searches[0].section
    for start in range(0, section.trials, section.trials_per_round):
        stop = min(start + section.trials_per_round, section.trials)
        trials = [trial for search in tracker.searches for trial in tracker.open(search, start, stop)]
        if section.pruning is None:
            chains = [fold.chain for trial in trials if trial.running for fold in trial.folds]
            scheduler.train(by_urgency(plan_rounds(chains, pack_size)))
        else:
            _train_and_prune(trials, len(section.pruning.shares), tracker, scheduler, pack_size)
        for trial in trials:
            if trial.running and tracker.has_failed_stage(trial):
                tracker.fail(trial, trials)
            elif trial.running:
                tracker.finish(trial)
            else:  # told by an earlier session: the pruner takes it in where it did then
                tracker.tell_pruner(trial)
        tracker.count()


def _train_and_prune(
    trials: Sequence[SearchTrial], rungs: int, tracker: TrialTracker, scheduler: PackScheduler, pack_size: int
) -> None:
    """Train a round up to one rung after another; packs are made up as if no earlier session had told a trial."""
    heads = [fold.chain[:-1] for trial in trials for fold in trial.folds]
    not_last = {spec.key for chain in heads for spec in chain}
    scheduler.train(by_urgency(plan_rounds(heads, pack_size)), _wanted(trials))
    for rung in range(rungs + 1):
        reaching = [trial for trial in trials if trial.reaches(rung)]
        last = {spec.key: (spec, trial.step_at(rung)) for trial in reaching for spec in trial.last_stages}
        last = {key: own for key, own in last.items() if key not in not_last}
        scheduler.train(_packs_until(last, pack_size), _wanted(trials))
        if rung == rungs:
            return
        for trial in reaching:
            if trial.running and tracker.has_failed_stage(trial):
                tracker.fail(trial, trials)
            elif trial.step_at(rung) is not None and (trial.running or len(trial.values) > rung):
                prune = tracker.should_prune(trial, rung)
                if trial.running and prune:
                    tracker.prune(trial, trials)


def _wanted(trials: Sequence[SearchTrial]) -> set[str]:
    return {key for trial in trials if trial.running for key in trial.keys}


def _packs_until(last: dict[str, tuple[StageSpec, int | None]], pack_size: int) -> list[Pack]:
    """Packs of last stages, each up to its next rung; packed stages have equal numbers of steps."""
    packs = by_urgency(plan_rounds([(spec,) for spec, _ in last.values()], pack_size))
    return [replace(pack, until=last[pack.specs[0].key][1]) for pack in packs]
