"""Recipes: what one row of the results table stands for, as a chain of stages."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from study.recipes.cross_validation import Division, divisions_of
from study.recipes.settings import Settings, default_settings
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asteroid.stages.stage import StageSpec
    from study.config.sweep import Sweep
    from study.counts import LowerLevels
    from study.recipes.chains import ChainBuilder

#: Name of the schedule of rows whose settings a search has found.
TUNED = "tuned"


@dataclass(frozen=True)
class Recipe:
    """One row: a strategy with its settings, and the stages that it needs, first to last.

    Attributes:
        strategy: name of the chain.
        gamma_rel: relative bias-weight temperature; NaN where nothing is weighted or unweighted.
        schedule: name of the fine-tune schedule, "tuned", or "".
        budget: accurate labels bought, training and validation together.
        lower: what is bought of the levels below the accurate one.
        seed: seed of the row.
        stages: the chain; the last one's model is the row's.
        tuned_with_n: accurate labels that the settings were tuned with, or None.
        divisions: the chains that cross-validate it inside its labels; none where there are test labels.
    """

    strategy: str
    gamma_rel: float
    schedule: str
    budget: int
    lower: LowerLevels
    seed: int
    stages: tuple[StageSpec, ...]
    tuned_with_n: int | None = None
    divisions: tuple[Division, ...] = ()

    @property
    def chains(self) -> list[tuple[StageSpec, ...]]:
        """Its own chain and those that measure its error."""
        return [self.stages, *(fold.chain for division in self.divisions for fold in division.folds)]


@dataclass(frozen=True)
class TunedSettings:
    """What a search chose for a strategy with a number of labels.

    Attributes:
        strategy: the strategy.
        tuned_with_n: accurate labels, training and validation together; usable at this budget and larger ones.
        lower: what is bought of the levels below the accurate one.
        settings: the chosen settings.
        trials: finished trials that they were chosen from.
        values: the searched parameters.
    """

    strategy: str
    tuned_with_n: int
    lower: LowerLevels
    settings: Settings
    trials: int
    values: dict[str, Any]

    def sentence(self) -> str:
        """What was chosen, for people."""
        said = {key: value if isinstance(value, str) else f"{value:g}" for key, value in self.values.items()}
        chosen = ", ".join(f"{key} {value}" for key, value in said.items())
        return f"tuned {self.strategy} with {self.tuned_with_n} labels: {chosen} (of {self.trials} trials)"


def make_recipes(sweep: Sweep, builder: ChainBuilder) -> list[Recipe]:
    """All rows of a sweep's grid in mode `curve`; stages with equal keys are trained once.

    Raises:
        InputError: a budget or n_cheap is larger than its pool.
    """
    recipes: list[Recipe] = []
    for seed in sweep.seeds:
        for strategy, entry in STRATEGIES.items():
            if strategy in sweep.strategies:
                for budget in sweep.budgets if entry.buys_accurate else (0,):
                    recipes += _grid(sweep, builder, strategy, budget, seed)
    return recipes


def variants(
    sweep: Sweep, strategy: str, lower_levels: Iterable[LowerLevels]
) -> Iterator[tuple[Settings, str, LowerLevels]]:
    """Settings of a strategy in a sweep's grid: over lower levels, temperatures and fine-tune schedules.

    Yields:
        settings, the name of the fine-tune schedule or "", and what is bought of lower levels.
    """
    entry = STRATEGIES[strategy]
    finite = [gamma_rel for gamma_rel in sweep.gamma_rel if math.isfinite(gamma_rel)]
    for lower in lower_levels:
        for gamma_rel in finite if entry.weighted else (math.inf,):  # without weights: the rows of its twin
            for name in sweep.finetune if entry.finetunes else ("",):
                settings = default_settings(sweep, name or next(iter(sweep.finetune), None))
                yield replace(settings, gamma_rel=gamma_rel), name, lower


def _grid(sweep: Sweep, builder: ChainBuilder, strategy: str, budget: int, seed: int) -> Iterator[Recipe]:
    """Rows of one strategy at one budget."""
    for settings, name, lower in variants(sweep, strategy, builder.lower_levels(sweep, strategy)):
        yield _recipe(sweep, builder, strategy, settings, name, budget, lower, seed)


def make_tuned_recipes(sweep: Sweep, builder: ChainBuilder, tuned: Iterable[TunedSettings]) -> list[Recipe]:
    """Rows with tuned settings: at each budget, the settings tuned with the most labels that the budget includes."""
    found = sorted(tuned, key=lambda t: t.tuned_with_n)
    recipes = []
    for strategy, level in dict.fromkeys((t.strategy, t.lower.cheap_level) for t in found):
        own = [t for t in found if (t.strategy, t.lower.cheap_level) == (strategy, level)]
        for budget in sweep.budgets:
            usable = [t for t in own if t.tuned_with_n <= budget]
            if not usable:
                continue
            best = usable[-1]
            for seed in sweep.seeds:
                recipe = _recipe(sweep, builder, strategy, best.settings, TUNED, budget, best.lower, seed)
                recipes.append(replace(recipe, tuned_with_n=best.tuned_with_n))
    return recipes


def _recipe(
    sweep: Sweep,
    builder: ChainBuilder,
    strategy: str,
    settings: Settings,
    name: str,
    budget: int,
    lower: LowerLevels,
    seed: int,
) -> Recipe:
    entry = STRATEGIES[strategy]
    accurate = builder.bought(budget, seed) if entry.buys_accurate else None
    chain = builder.chain(strategy, settings, accurate, lower, seed)
    gamma_rel = settings.gamma_rel if entry.cheap.labels else math.nan
    section = sweep.validation_inside
    divisions: tuple[Division, ...] = ()
    if section is not None:
        n_labels = budget or max(sweep.budgets)  # what trains on no accurate label is scored on all that are bought
        divisions = divisions_of(builder, strategy, settings, n_labels, section, lower=lower, seed=seed)
    return Recipe(strategy, gamma_rel, name, budget, lower, seed, chain, divisions=divisions)
