"""What competes in a purchase: each strategy of the study file with each of its settings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from study.counts import LowerLevels
from study.recipes.recipes import variants
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from study.config.sweep import Sweep
    from study.recipes.settings import Settings


@dataclass(frozen=True)
class Contender:
    """One way to train on whatever labels are owned.

    Attributes:
        strategy: name of the chain.
        gamma_rel: relative bias-weight temperature; NaN where nothing is weighted or unweighted.
        schedule: name of the fine-tune schedule, or "".
        n_cheap: cheap frames bought.
        settings: what its stages are trained with.
    """

    strategy: str
    gamma_rel: float
    schedule: str
    n_cheap: int
    settings: Settings

    @property
    def lower(self) -> LowerLevels:
        """What it takes from the cheap level."""
        return LowerLevels(n_cheap=self.n_cheap)

    @property
    def name(self) -> str:
        """A name of its own, for files and messages: what it does not vary is left out."""
        gamma = f"gamma {self.gamma_rel:g}" if STRATEGIES[self.strategy].weighted else ""
        cheap = f"{self.n_cheap} cheap" if self.n_cheap else ""
        return ", ".join(part for part in (self.strategy, gamma, self.schedule, cheap) if part)

    @property
    def columns(self) -> dict[str, str | float | int]:
        """Its key in tables."""
        return {
            "strategy": self.strategy,
            "gamma_rel": self.gamma_rel,
            "schedule": self.schedule,
            "n_cheap": self.n_cheap,
        }


def contenders_of(sweep: Sweep) -> list[Contender]:
    """Everything that competes, in the order of the table of strategies; what buys no accurate labels is left out."""
    return [
        Contender(
            strategy,
            settings.gamma_rel if entry.cheap.labels else math.nan,
            name,
            lower.n_cheap,
            settings,
        )
        for strategy, entry in STRATEGIES.items()
        if strategy in sweep.strategies and entry.buys_accurate
        for settings, name, lower in variants(sweep, strategy, _lower_levels(sweep, strategy))
    ]


def _lower_levels(sweep: Sweep, strategy: str) -> list[LowerLevels]:
    n_cheap = sweep.n_cheap_of("") if STRATEGIES[strategy].has_cheap_axis else (0,)
    return [LowerLevels(n_cheap=n) for n in n_cheap]
