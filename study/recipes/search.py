"""What a search is: one Optuna study of a sweep, its parameters, and the chains that score a trial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from study.recipes.cross_validation import Fold
from study.recipes.settings import apply_values, default_settings, searched_keys, suggest
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import optuna

    from asteroid.stages.stage import Frames
    from study.config.search import SearchSection
    from study.config.sweep import Sweep
    from study.counts import LowerLevels
    from study.recipes.chains import ChainBuilder
    from study.recipes.settings import Settings

_BUDGET = "budget"


@dataclass(frozen=True)
class Search:
    """One Optuna study of a sweep.

    Attributes:
        mode: tune (one objective) or pareto (error and price; the budget is searched).
        strategy: the strategy whose settings are searched.
        budget: accurate labels, or None where the budget is searched.
        lower: what is bought of the levels below the accurate one.
        section: what to search, from the sweep file.
        defaults: settings that are not searched.
    """

    mode: str
    strategy: str
    budget: int | None
    lower: LowerLevels
    section: SearchSection
    defaults: Settings

    @property
    def name(self) -> str:
        """Name of the study in the journal."""
        parts = (self.mode, self.strategy, "" if self.budget is None else str(self.budget), self.lower.cheap_level)
        return " ".join(filter(None, parts))

    @property
    def keys(self) -> tuple[str, ...]:
        """Parameters of the study, in the order in which they are suggested."""
        own = searched_keys(self.strategy, self.section.space)
        return own if self.budget is not None else (_BUDGET, *own)

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """Ask Optuna for all parameters of a trial."""
        values = {}
        if self.budget is None:
            values[_BUDGET] = trial.suggest_categorical(_BUDGET, list(self.section.budgets))
        return values | suggest(trial, self.strategy, self.section.space)

    def settings(self, values: dict[str, Any]) -> Settings:
        """The settings that a trial's parameters stand for."""
        return apply_values(self.defaults, {k: v for k, v in values.items() if k != _BUDGET})

    @property
    def most_stages(self) -> int:
        """Stages that the search trains if no two trials share one."""
        return 3 * self.section.trials * self.section.folds * len(self.section.subset_seeds)

    def check(self, builder: ChainBuilder) -> None:
        """Refuse budgets that cannot be bought or cross-validated.

        Raises:
            InputError: a budget or n_cheap is larger than its pool, or too small for the folds.
        """
        for seed in self.section.subset_seeds:
            for budget in self.section.budgets if self.budget is None else (self.budget,):
                builder.folds(budget, seed, self.section.folds)
            self.bought_below(builder, seed)

    def folds(self, builder: ChainBuilder, values: dict[str, Any]) -> tuple[Fold, ...]:
        """The chains of a trial: one for every subset seed and fold."""
        settings, budget = self.settings(values), self.bought(values)
        return tuple(
            Fold(builder.chain(self.strategy, settings, split, self.lower, seed, score), score)
            for seed in self.section.subset_seeds
            for split, score in builder.folds(budget, seed, self.section.folds)
        )

    def bought_below(self, builder: ChainBuilder, seed: int) -> list[Frames]:
        """Frames of the lower levels that its chains train on.

        Raises:
            InputError: there are not so many.
        """
        levels = (
            (self.lower.cheap_level, self.lower.n_cheap),
            (self.lower.intermediate_level, self.lower.n_intermediate),
        )
        return [frames for level, n in levels if n for frames in builder.bought_cheap(n, seed, level)]

    def bought(self, values: dict[str, Any]) -> int:
        """The budget of a trial."""
        return int(values[_BUDGET]) if self.budget is None else self.budget


def searches_of(sweep: Sweep, builder: ChainBuilder) -> list[Search]:
    """The Optuna studies of a sweep: one per tunable strategy, cheap level and budget (none in mode pareto).

    Raises:
        InputError: a section is there and no strategy has anything to search.
    """
    section = sweep.pareto if sweep.mode == "pareto" else sweep.tune
    if section is None:
        return []
    mode = "pareto" if sweep.mode == "pareto" else "tune"
    first = next(iter(sweep.finetune), None)
    found = []
    for budget in (None,) if mode == "pareto" else section.budgets:
        for strategy in sweep.strategies:
            if not searched_keys(strategy, section.space):
                continue
            largest: dict[str, LowerLevels] = {}
            for lower in builder.lower_levels(sweep, strategy):
                known = largest.setdefault(lower.cheap_level, lower)
                largest[lower.cheap_level] = max(known, lower, key=lambda own: (own.n_cheap, own.n_intermediate))
            for lower in largest.values():
                n_cheap = (section.n_cheap or lower.n_cheap) if sweep.buys_frames(STRATEGIES[strategy]) else 0
                own = replace(lower, n_cheap=n_cheap)
                found.append(Search(mode, strategy, budget, own, section, default_settings(sweep, first)))
    if not found:
        raise InputError(
            f"section {mode!r} searches what its space names, and none of it belongs to {', '.join(sweep.strategies)}: "
            f"add a key of one of their stages to the space, another strategy, or remove the section (kernels choose "
            "their length scale themselves)"
        )
    return found


def search_frames(searches: Sequence[Search], builder: ChainBuilder) -> list[Frames]:
    """All frames that the searches can touch, for describing them beforehand."""
    frames: list[Frames] = []
    for search in searches:
        for seed in search.section.subset_seeds:
            for budget in search.section.budgets:
                frames += builder.bought(budget, seed)
            frames += search.bought_below(builder, seed)
    return frames
