"""What competes in a purchase: each strategy of the study file with each of its settings, on every level below."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from study.recipes.lower_levels import lower_levels_of
from study.recipes.recipes import variants
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from study.config.sweep import Sweep
    from study.counts import LowerLevels
    from study.recipes.lower_levels import BelowLevel
    from study.recipes.settings import Settings


@dataclass(frozen=True)
class Contender:
    """One way to train on whatever labels are owned.

    Attributes:
        strategy: name of the chain.
        gamma_rel: relative bias-weight temperature; NaN where nothing is weighted or unweighted.
        schedule: name of the fine-tune schedule, or "".
        lower: what it takes from the levels below the accurate one.
        settings: what its stages are trained with.
    """

    strategy: str
    gamma_rel: float
    schedule: str
    lower: LowerLevels
    settings: Settings

    @property
    def name(self) -> str:
        """A name of its own, for files and messages: what it does not vary is left out."""
        lower = self.lower
        gamma = f"gamma {self.gamma_rel:g}" if STRATEGIES[self.strategy].weighted else ""
        cheap = f"{lower.n_cheap} {lower.cheap_level or 'cheap'}" if lower.n_cheap else lower.cheap_level
        between = f"{lower.n_intermediate} {lower.intermediate_level}" if lower.n_intermediate else ""
        return ", ".join(part for part in (self.strategy, gamma, self.schedule, cheap, between) if part)

    @property
    def columns(self) -> dict[str, str | float | int]:
        """Its key in tables; with the columns of several levels where it has any of them."""
        lower = asdict(self.lower) if self.lower.cheap_level else {"n_cheap": self.lower.n_cheap}
        return {"strategy": self.strategy, "gamma_rel": self.gamma_rel, "schedule": self.schedule, **lower}


def contenders_of(sweep: Sweep, below: Sequence[BelowLevel], *, is_ladder: bool = False) -> list[Contender]:
    """Everything that competes, in the order of the table of strategies; what buys no accurate labels is left out.

    Args:
        sweep: the study file.
        below: the levels below the accurate one, of a ladder the cheapest first (`Candidates.below`).
        is_ladder: whether strategies may climb over the second of them.
    """
    return [
        Contender(strategy, settings.gamma_rel if entry.cheap.labels else math.nan, name, lower, settings)
        for strategy, entry in STRATEGIES.items()
        if strategy in sweep.strategies and entry.buys_accurate
        for settings, name, lower in variants(
            sweep, strategy, lower_levels_of(sweep, strategy, below, is_ladder=is_ladder)
        )
    ]
