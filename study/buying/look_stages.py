"""The stages of a look at the labels owned, and which of them it is the first to need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.stages.stage import StageSpec
    from study.buying.contenders import Contender
    from study.recipes.cross_validation import Division

#: About what a gradient step of one model takes in a pack, core seconds.
_CORE_S_A_STEP = 8e-4


@dataclass(frozen=True)
class LookStages:
    """What a look trains of a contender: all its folds, and the model of all labels, which may be the last one.

    Attributes:
        divisions: into folds, the finest first.
        whole: chain of the model that learns from all labels.
    """

    divisions: tuple[Division, ...]
    whole: tuple[StageSpec, ...]

    @property
    def chains(self) -> list[tuple[StageSpec, ...]]:
        """All chains, the model of all labels last."""
        return [*(fold.chain for division in self.divisions for fold in division.folds), self.whole]

    @property
    def stages(self) -> list[StageSpec]:
        """Stages of all chains; shared ones as often as they are."""
        return [spec for chain in self.chains for spec in chain]


def _seen_accurate(chain: Sequence[StageSpec], level: str) -> list[StageSpec]:
    """Stages of a chain that depend on the labels that are bought, so that every look has its own."""
    first = next((place for place, spec in enumerate(chain) if spec.train.level == level), len(chain))
    return list(chain[first:])


def counted_before(plans: Mapping[Contender, LookStages], level: str, joining: set[str]) -> set[str]:
    """Keys of the stages that an earlier look has counted: those that see no accurate label, of who was there.

    Where somebody joins, the labels are those of the look before, and all stages of the others were counted there.
    """
    counted = set()
    for contender, plan in plans.items():
        if contender.name in joining:
            continue
        counted |= {spec.key for spec in plan.stages}
        if not joining:
            counted -= {spec.key for chain in plan.chains for spec in _seen_accurate(chain, level)}
    return counted


def expected_core_s(plan: LookStages, level: str) -> float:
    """About what a look takes: the steps of all its stages but those that looks share."""
    stages = {spec.key: spec for chain in plan.chains for spec in _seen_accurate(chain, level)}
    return _CORE_S_A_STEP * sum(spec.effort for spec in stages.values())
