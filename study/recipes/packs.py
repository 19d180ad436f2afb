"""Which stages train together: a pure function of the stages of a round, whatever is finished already."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from asteroid.stages.kinds import STAGE_KINDS
from asteroid.stages.stage import NetworkStage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asteroid.stages.stage import StageSpec


@dataclass(frozen=True)
class Pack:
    """Stages that train as one; the place of each in the pack is fixed, so that a repetition repeats the arithmetic.

    Attributes:
        specs: the stages.
        share_batches: they draw the same batches, which are then gathered once.
        until: number of steps after which the training is interrupted; None to finish.
    """

    specs: tuple[StageSpec, ...]
    share_batches: bool
    until: int | None = None

    @property
    def kind(self) -> str:
        """Kind of its stages."""
        return self.specs[0].kind

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """Keys of all stages that must be finished first, each once."""
        return tuple(dict.fromkeys(key for spec in self.specs for key in spec.parents))

    def only(self, wanted: Iterable[str]) -> Pack:
        """The pack for training some of its stages: the places of the others repeat a wanted one.

        The number of models, every wanted one's place and the way batches are read stay as they are, and so does the
        rounding: a stage comes out the same to the last bit whatever was finished before.
        """
        keys = set(wanted)
        filler = next(spec for spec in self.specs if spec.key in keys)
        return replace(self, specs=tuple(spec if spec.key in keys else filler for spec in self.specs))


def plan_rounds(chains: Iterable[Sequence[StageSpec]], pack_size: int) -> list[list[Pack]]:
    """Arrange all stages into rounds of packs; a round needs only earlier rounds.

    Unweighted pretraining waits for the weighted one, with which it shares its frames and therefore its batches.

    Args:
        chains: the stages of each row, first to last; parents that are not among them are finished.
        pack_size: most models of a pack.

    Returns:
        rounds of packs in a fixed order; every key occurs once.
    """
    stages = {spec.key: spec for chain in chains for spec in chain}
    waits_for_teachers = any(spec.is_weighted for spec in stages.values())
    depth: dict[str, int] = {}

    def depth_of(spec: StageSpec) -> int:
        if spec.key not in depth:
            floor = 1 if spec.kind == "pretrain" and waits_for_teachers else 0
            depth[spec.key] = max([floor, *(1 + depth_of(stages[key]) for key in spec.parents if key in stages)])
        return depth[spec.key]

    rounds: dict[int, dict[str, list[StageSpec]]] = {}
    for spec in stages.values():
        rounds.setdefault(depth_of(spec), {}).setdefault(_compatibility(spec), []).append(spec)
    return [
        [pack for group in groups.values() for pack in _cut(group, pack_size)] for _, groups in sorted(rounds.items())
    ]


def by_urgency(rounds: Iterable[Sequence[Pack]]) -> list[Pack]:
    """All packs, those with the longest way to the end first: workers then run dry together.

    The order says when a pack is begun, not how it is made up.
    """
    packs = [pack for own in rounds for pack in own]
    needed_by: dict[str, list[Pack]] = {}
    for pack in packs:
        for key in pack.parents:
            needed_by.setdefault(key, []).append(pack)
    way: dict[int, float] = {}
    for pack in reversed(packs):  # children come after their parents
        behind = [way[id(child)] for spec in pack.specs for child in needed_by.get(spec.key, ())]
        way[id(pack)] = sum(spec.effort for spec in pack.specs) + max(behind, default=0.0)
    return sorted(packs, key=lambda pack: -way[id(pack)])


def _compatibility(spec: StageSpec) -> str:
    """Stages with equal answers can be packed.

    The arrays of a pack have one shape, so steps, batch size, force term and model must agree. Packs on cheap frames
    share frames and batches as well: a batch's Jacobians are then read once for all models. What gains nothing from
    company, a kernel or a message-passing network, stays alone, so that workers share the load evenly.
    """
    if not isinstance(spec, NetworkStage):
        return spec.key
    if not (spec.model.packs if spec.device == "cpu" else spec.model.packs_on_gpus):
        return spec.key
    schedule = replace(
        spec.schedule,
        learning_rate=0.0,
        warmup_steps=0,
        final_rate=0.0,
        rho=0.0,
        ema=0.0,
        clip_norm=0.0,
        frozen_layers=0,
    )
    shared = (spec.train.digest, spec.seeds.batches) if STAGE_KINDS[spec.kind].trains_on == "cheap" else ()
    text = repr((spec.kind, spec.train.level, spec.descriptors, spec.model, schedule, shared))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _cut(specs: list[StageSpec], pack_size: int) -> list[Pack]:
    """Even packs of at most `pack_size`."""
    n_packs = -(-len(specs) // pack_size)
    bounds = [round(i * len(specs) / n_packs) for i in range(n_packs + 1)]
    share_batches = len({(spec.train.digest, spec.seeds.batches) for spec in specs}) == 1
    return [Pack(tuple(specs[start:stop]), share_batches) for start, stop in pairwise(bounds)]
