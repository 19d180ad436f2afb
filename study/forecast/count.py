"""What a sweep is going to do, counted before anything is trained: stages, packs, labels, and what they will take."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from study.recipes.packs import plan_rounds
from study.recipes.recipes import TunedSettings, make_tuned_recipes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from asteroid.stages.stage import StageSpec
    from study.recipes.packs import Pack
    from study.recipes.search import Search
    from study.recipes.workload import Workload


@dataclass(frozen=True)
class Forecast:
    """The work of a sweep after sharing.

    What a search will suggest is not known beforehand: its trials are taken at the sweep's own settings, with nothing
    shared between two of them, which is the most that they can need at these settings.

    Attributes:
        rounds: packs of the rows that are known, round by round.
        tuned_rows: rows that the searches will add.
        tuned_rounds: packs of those rows.
        trial_rounds: packs of one trial of every search.
        trials: trials of each search.
        trials_per_round: trials that are trained together.
        stages: distinct stages of all these by key.
    """

    rounds: list[list[Pack]]
    tuned_rows: int
    tuned_rounds: list[list[Pack]]
    trial_rounds: list[list[Pack]]
    trials: int
    trials_per_round: int
    stages: dict[str, StageSpec]

    @property
    def packs(self) -> list[Pack]:
        """Every pack once."""
        return [p for rounds in (self.rounds, self.tuned_rounds, self.trial_rounds) for packs in rounds for p in packs]

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """Of the rows that are known: kind -> (stages, packs)."""
        stages: Counter[str] = Counter()
        packs: Counter[str] = Counter()
        for pack in (pack for packs_of_round in self.rounds for pack in packs_of_round):
            stages[pack.kind] += len(pack.specs)
            packs[pack.kind] += 1
        return {kind: (stages[kind], packs[kind]) for kind in stages}


def make_forecast(workload: Workload) -> Forecast:
    """Count what a workload has to train; nothing is trained."""
    trial_chains = [chain for search in workload.searches for chain in _chains_of_a_trial(workload, search)]
    tuned = (
        make_tuned_recipes(workload.sweep, workload.builder, map(_untuned, workload.searches))
        if _adds_rows(workload)
        else []
    )
    tuned_chains = [chain for recipe in tuned for chain in recipe.chains]
    section = workload.searches[0].section if workload.searches else None
    chains = [*(chain for recipe in workload.recipes for chain in recipe.chains), *tuned_chains, *trial_chains]
    return Forecast(
        rounds=workload.rounds,
        tuned_rows=len(tuned),
        tuned_rounds=plan_rounds(tuned_chains, workload.sweep.pack_size),
        trial_rounds=plan_rounds(trial_chains, workload.sweep.pack_size),
        trials=section.trials if section else 0,
        trials_per_round=section.trials_per_round if section else 1,
        stages={spec.key: spec for chain in chains for spec in chain},
    )


def core_s_of(forecast: Forecast, core_s: Callable[[Pack], float], finished: Collection[str] = ()) -> float:
    """CPU seconds of all packs.

    Args:
        forecast: the work.
        core_s: CPU seconds of a pack.
        finished: keys that need no training; a pack of which nothing is missing is free.
    """
    grid = sum(core_s(pack) for packs in forecast.rounds for pack in _missing(packs, finished))
    tuned = sum(core_s(pack) for packs in forecast.tuned_rounds for pack in packs)
    return grid + tuned + forecast.trials * sum(core_s(pack) for packs in forecast.trial_rounds for pack in packs)


def wall_s_of(
    forecast: Forecast, core_s: Callable[[Pack], float], workers: int, finished: Collection[str] = ()
) -> float:
    """Wall seconds of all packs on some workers; a round waits for the one before it. Arguments as `core_s_of`."""
    rounds = [[core_s(pack) for pack in _missing(packs, finished)] for packs in forecast.rounds]
    rounds += [[core_s(pack) for pack in packs] for packs in forecast.tuned_rounds]
    for start in range(0, forecast.trials, forecast.trials_per_round):
        together = min(forecast.trials_per_round, forecast.trials - start)
        rounds += [[core_s(pack) for pack in packs] * together for packs in forecast.trial_rounds]
    return sum(makespan(costs, workers) for costs in rounds)


def makespan(costs: Iterable[float], workers: int) -> float:
    """When the last of some packs is finished, if each goes to the next free worker in the given order."""
    given = list(costs)
    free_at = [0.0] * max(1, min(workers, len(given)))  # more workers have nothing to do
    for cost in given:
        heapq.heappush(free_at, heapq.heappop(free_at) + cost)
    return max(free_at)


def _missing(packs: Sequence[Pack], finished: Collection[str]) -> list[Pack]:
    return [pack for pack in packs if any(spec.key not in finished for spec in pack.specs)]


def _adds_rows(workload: Workload) -> bool:
    return workload.sweep.mode == "curve"


def _chains_of_a_trial(workload: Workload, search: Search) -> list[tuple[StageSpec, ...]]:
    """All folds and subset seeds of one trial at the sweep's own settings, with weights, at the largest budget."""
    budget = max(search.section.budgets) if search.budget is None else search.budget
    settings = replace(search.defaults, gamma_rel=1.0)
    return [
        workload.builder.chain(search.strategy, settings, split, search.lower, seed, score)
        for seed in search.section.subset_seeds
        for split, score in workload.builder.folds(budget, seed, search.section.folds)
    ]


def _untuned(search: Search) -> TunedSettings:
    """The sweep's own settings in the place of what the search will choose."""
    assert search.budget is not None
    settings = replace(search.defaults, gamma_rel=1.0)
    return TunedSettings(search.strategy, search.budget, search.lower, settings, trials=0, values={})
