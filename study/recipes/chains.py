"""Chains of stages: strategies and settings to stage specs, each purchase of frames made once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asteroid.labels.label_set import content_hashes
from asteroid.labels.matching import match_geometries
from asteroid.labels.splits import buy_accurate, buy_cheap, cross_validation_folds, purchase_order
from asteroid.stages.stage import Frames, KernelStage, NetworkStage, ScoreSettings, Seeds
from asteroid.training.schedule import Schedule
from study.recipes.lower_levels import BelowLevel, lower_levels_of
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.labels.label_set import IntArray, LabelSet
    from asteroid.stages.kinds import NetworkStageKind
    from asteroid.stages.stage import StageSpec
    from study.config.sweep import Sweep
    from study.counts import LowerLevels
    from study.data.load import CheapData, StudyData
    from study.devices import DeviceClass
    from study.recipes.settings import Settings
    from study.strategies import Link

#: Training and validation frames of a stage.
Split = tuple[Frames, Frames]


class ChainBuilder:
    """Makes the stage specs of a study's chains.

    Args:
        data: the labels.
        device: class of the device that networks train on.
    """

    def __init__(self, data: StudyData, device: DeviceClass = "cpu") -> None:
        self._device = device
        self._descriptors = data.descriptors
        self._pool = data.pool
        self._data = data
        pools = (data.pool, *(cheap.pool for cheap in data.cheap))
        self._hashes = {labels.level: content_hashes(labels) for labels in pools}
        self._above = {labels.level: labels for labels in (data.accurate, *pools[1:])}
        self._cheap_at: dict[tuple[str, str], dict[str, str]] = {}
        self._shared: dict[str, dict[str, list[int]]] = {}
        self._cheap: dict[tuple[str, int, int, Frames | None], Split] = {}
        self._accurate: dict[tuple[int, int], Split] = {}
        self._folds: dict[tuple[int, int, int, int], list[tuple[Split, Frames]]] = {}
        self._along = data.drawn_along

    def bought(self, budget: int, seed: int) -> Split:
        """The accurate labels that a budget buys.

        Raises:
            InputError: the budget is larger than the pool.
        """
        if (budget, seed) not in self._accurate:
            purchase = buy_accurate(self._pool, budget, seed, self._along)
            self._accurate[budget, seed] = self._split(self._pool, purchase.train, purchase.val)
        return self._accurate[budget, seed]

    def owned(self, budget: int, seed: int) -> Frames:
        """The accurate labels that a budget buys, in the order of purchase.

        Raises:
            InputError: the budget is larger than the pool.
        """
        self.bought(budget, seed)  # refuses what cannot be bought
        return self._frames(self._pool, purchase_order(self._pool, seed, self._along)[:budget])

    def bought_cheap(self, n_cheap: int, seed: int, level: str = "", scored: Frames | None = None) -> Split:
        """The frames of a lower level that are bought, held-out ones included.

        Args:
            n_cheap: how many.
            seed: of their order.
            level: of them; empty: the first.
            scored: accurate labels that the chain is scored on: on a ladder, where the lower levels may have labels
                at the same geometries, these are passed over.

        Raises:
            InputError: n_cheap is larger than the pool.
        """
        pool = self._data.cheap_of(level).pool
        key = (pool.level, n_cheap, seed, scored if self._data.is_ladder else None)
        if key not in self._cheap:
            purchase = buy_cheap(pool, n_cheap, seed, self._at_geometries(pool, key[-1]))
            self._cheap[key] = self._split(pool, purchase.train, purchase.val)
        return self._cheap[key]

    def _at_geometries(self, cheap_pool: LabelSet, frames: Frames | None) -> set[int]:
        """Rows of a lower level's pool that have the geometries of accurate labels."""
        if frames is None:
            return set()
        if cheap_pool.level not in self._shared:
            hashes = self._hashes[self._pool.level]
            rows: dict[str, list[int]] = {}
            for ours, theirs in zip(*match_geometries(self._pool, cheap_pool), strict=True):
                rows.setdefault(hashes[ours], []).append(int(theirs))
            self._shared[cheap_pool.level] = rows
        return {row for h in frames.hashes for row in self._shared[cheap_pool.level].get(h, ())}

    def lower_levels(self, sweep: Sweep, strategy: str) -> list[LowerLevels]:
        """What a strategy may take from the levels below the accurate one."""
        data = self._data
        below = [BelowLevel(cheap.level, data.accurate.level in cheap.at) for cheap in data.cheap]
        return lower_levels_of(sweep, strategy, below, is_ladder=data.is_ladder)

    def folds(self, budget: int, seed: int, n_folds: int, split: int = 0) -> list[tuple[Split, Frames]]:
        """The bought labels divided for cross-validation: (training and validation, frames to score on) by fold."""
        key = (budget, seed, n_folds, split)
        if key not in self._folds:
            self._folds[key] = [
                (self._split(self._pool, fold.train, fold.val), self._frames(self._pool, fold.score))
                for fold in cross_validation_folds(self._pool, budget, seed, n_folds, split=split, along=self._along)
            ]
        return self._folds[key]

    def chain(
        self,
        strategy: str,
        settings: Settings,
        accurate: Split | None,
        lower: LowerLevels,
        seed: int,
        scored: Frames | None = None,
    ) -> tuple[StageSpec, ...]:
        """The stages of a strategy, first to last; each is a child of the one before.

        Args:
            strategy: the strategy.
            settings: its settings; at gamma_rel = inf a weighted strategy has the chain of its unweighted twin.
            accurate: accurate labels to train and validate on; None where the strategy buys none.
            lower: what to buy of the levels below the accurate one.
            seed: seed of the frames, weights and batches.
            scored: accurate labels that it is scored on, where it is trained without them.

        Raises:
            InputError: a number of frames is larger than the pool of its level.
        """
        chain: tuple[StageSpec, ...] = ()
        for link in STRATEGIES[strategy].at_gamma(settings.gamma_rel).chain:
            if link.kind == "pretrain" and settings.given is not None:
                chain = (self.given(settings),)
                continue
            if link.trains_on == "accurate":
                frames = accurate
            elif link.trains_on == "intermediate":
                frames = self.bought_cheap(lower.n_intermediate, seed, lower.intermediate_level, scored)
            else:
                frames = self.bought_cheap(lower.n_cheap, seed, lower.cheap_level, scored)
            assert frames is not None
            parents = tuple(parent.key for parent in chain[-1:])
            cheap = self._data.cheap_of(lower.cheap_level)
            if link.kind == "kernel":
                chain = (*chain, self._kernel(link, settings, frames, seed, parents, cheap))
            else:
                chain = (*chain, self._network(link.kind, link, settings, frames, seed, parents, cheap))
        return chain

    def given(self, settings: Settings) -> NetworkStage:
        """A model that was given, in the place of pretraining: no frames, no steps, and the same in all rows."""
        none = Frames(self._pool.level, ())
        return NetworkStage(
            kind="pretrain",
            descriptors=self._descriptors,
            model=settings.model,
            schedule=Schedule(steps=0, learning_rate=0.0),
            train=none,
            val=none,
            seeds=Seeds(0, 0, 0),
            given=settings.given,
        )

    def _network(
        self,
        kind: NetworkStageKind,
        link: Link,
        settings: Settings,
        frames: Split,
        seed: int,
        parents: tuple[str, ...],
        cheap: CheapData,
    ) -> NetworkStage:
        schedule = settings.schedule(kind)
        assert schedule is not None
        return NetworkStage(
            kind=kind,
            descriptors=self._descriptors,
            model=settings.model,
            schedule=schedule,
            train=frames[0],
            val=frames[1],
            seeds=Seeds(seed, derived_seed(f"weights {kind}", seed), derived_seed(f"batches {kind}", seed)),
            parents=parents,
            gamma_rel=settings.gamma_rel if link.weighted else None,
            base=self._base(link, frames, cheap),
            score=None if link.traits.labelled else _score(settings, cheap),
            device=self._device,
        )

    def _kernel(
        self,
        link: Link,
        settings: Settings,
        frames: Split,
        seed: int,
        parents: tuple[str, ...],
        cheap: CheapData,
    ) -> KernelStage:
        """SGDML takes no part in early stopping and no random choice but the labels: its seeds say so."""
        base = self._base(link, frames, cheap)
        return KernelStage(self._descriptors, settings.kernel, *frames, Seeds(seed, 0, 0), parents, base)

    def _base(self, link: Link, frames: Split, cheap: CheapData) -> Frames | None:
        """The cheap labels at the geometries of a stage, where it learns the difference to the cheap method."""
        if not link.on_cheap_method:
            return None
        known = self._cheap_hashes(cheap, frames[0].level)
        return Frames(cheap.level, tuple(known[h] for role in frames for h in role.hashes))

    def _cheap_hashes(self, cheap: CheapData, level: str) -> dict[str, str]:
        """Content hashes of cheap labels by those of a level above at the same geometries."""
        if (cheap.level, level) not in self._cheap_at:
            hashes = content_hashes(self._above[level]), content_hashes(cheap.at[level])
            self._cheap_at[cheap.level, level] = dict(zip(*hashes, strict=True))
        return self._cheap_at[cheap.level, level]

    def _split(self, pool: LabelSet, train: IntArray, val: IntArray) -> Split:
        return self._frames(pool, train), self._frames(pool, val)

    def _frames(self, pool: LabelSet, rows: IntArray) -> Frames:
        hashes = self._hashes[pool.level]
        return Frames(pool.level, tuple(hashes[row] for row in rows))


def _score(settings: Settings, cheap: CheapData) -> ScoreSettings:
    assert cheap.temperature_k is not None
    return ScoreSettings(cheap.temperature_k, settings.n_probes)


def derived_seed(purpose: str, seed: int) -> int:
    """An independent 63-bit seed for one purpose."""
    digest = hashlib.blake2b(f"{purpose}:{seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
