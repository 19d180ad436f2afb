"""Recipes: what one row of the results table stands for, as a chain of stages."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from study.settings import Settings, default_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asteroid.stages import StageSpec
    from study.chains import ChainBuilder
    from study.config import Strategy, Sweep

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
        n_cheap: cheap frames bought.
        seed: seed of the row.
        stages: the chain; the last one's model is the row's.
        tuned_with_n: accurate labels that the settings were tuned with, or None.
    """

    strategy: Strategy
    gamma_rel: float
    schedule: str
    budget: int
    n_cheap: int
    seed: int
    stages: tuple[StageSpec, ...]
    tuned_with_n: int | None = None


@dataclass(frozen=True)
class TunedSettings:
    """What a search chose for a strategy with a number of labels.

    Attributes:
        strategy: the strategy.
        tuned_with_n: accurate labels, training and validation together; usable at this budget and larger ones.
        n_cheap: cheap frames.
        settings: the chosen settings.
        trials: finished trials that they were chosen from.
        values: the searched parameters.
    """

    strategy: Strategy
    tuned_with_n: int
    n_cheap: int
    settings: Settings
    trials: int
    values: dict[str, Any]

    def sentence(self) -> str:
        """What was chosen, for people."""
        chosen = ", ".join(f"{key} {value:g}" for key, value in self.values.items())
        return f"tuned {self.strategy} with {self.tuned_with_n} labels: {chosen} (of {self.trials} trials)"


def make_recipes(sweep: Sweep, builder: ChainBuilder) -> list[Recipe]:
    """All rows of a sweep's grid in mode `curve`; stages with equal keys are trained once.

    Raises:
        InputError: a budget or n_cheap is larger than its pool.
    """
    recipes: list[Recipe] = []
    first = next(iter(sweep.finetune), None)
    for seed in sweep.seeds:
        if "cheap_only" in sweep.strategies:
            for n_cheap in sweep.n_cheap:
                chain = builder.chain("cheap_only", default_settings(sweep, first), None, n_cheap, seed)
                recipes.append(Recipe("cheap_only", math.inf, "", 0, n_cheap, seed, chain))
        for budget in sweep.budgets:
            if "accurate_only" in sweep.strategies:
                recipes.append(_recipe(builder, "accurate_only", default_settings(sweep, first), "", budget, 0, seed))
            for n_cheap in sweep.n_cheap:
                for gamma_rel in sweep.gamma_rel:
                    strategy: Strategy = "pretrain_finetune" if math.isinf(gamma_rel) else "asteroid"
                    if strategy not in sweep.strategies:
                        continue
                    for name in sweep.finetune:
                        settings = replace(default_settings(sweep, name), gamma_rel=gamma_rel)
                        recipes.append(_recipe(builder, strategy, settings, name, budget, n_cheap, seed))
    return recipes


def make_tuned_recipes(sweep: Sweep, builder: ChainBuilder, tuned: Iterable[TunedSettings]) -> list[Recipe]:
    """Rows with tuned settings: at each budget, the settings tuned with the most labels that the budget includes."""
    found = sorted(tuned, key=lambda t: t.tuned_with_n)
    recipes = []
    for strategy in dict.fromkeys(t.strategy for t in found):
        for budget in sweep.budgets:
            usable = [t for t in found if t.strategy == strategy and t.tuned_with_n <= budget]
            if not usable:
                continue
            best = usable[-1]
            for seed in sweep.seeds:
                recipe = _recipe(builder, strategy, best.settings, TUNED, budget, best.n_cheap, seed)
                recipes.append(replace(recipe, tuned_with_n=best.tuned_with_n))
    return recipes


def _recipe(
    builder: ChainBuilder, strategy: Strategy, settings: Settings, name: str, budget: int, n_cheap: int, seed: int
) -> Recipe:
    scratch = strategy == "accurate_only"
    n_cheap = 0 if scratch else n_cheap
    chain = builder.chain(strategy, settings, builder.bought(budget, seed), n_cheap, seed)
    return Recipe(strategy, math.nan if scratch else settings.gamma_rel, name, budget, n_cheap, seed, chain)
