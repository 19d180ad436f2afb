"""Chains of stages: strategies and settings to stage specs, each purchase of frames made once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asteroid.labels.label_set import content_hashes
from asteroid.labels.splits import buy_accurate, buy_cheap, cross_validation_folds, purchase_order
from asteroid.stages.stage import Frames, KernelStage, NetworkStage, ScoreSettings, Seeds
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.labels.label_set import IntArray, LabelSet
    from asteroid.stages.kinds import NetworkStageKind
    from asteroid.stages.stage import StageSpec
    from study.data.load import StudyData
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
        self._cheap_pool = data.cheap_pool
        self._hashes = {labels.level: content_hashes(labels) for labels in (data.pool, data.cheap_pool)}
        self._temperature_k = data.temperature_k
        self._cheap_at: dict[str, str] = {}
        self._cheap_level = data.cheap_pool.level
        if data.cheap_at_accurate is not None:
            hashes = content_hashes(data.accurate), content_hashes(data.cheap_at_accurate)
            self._cheap_at = dict(zip(*hashes, strict=True))
        self._cheap: dict[tuple[int, int], Split] = {}
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

    def bought_cheap(self, n_cheap: int, seed: int) -> Split:
        """The cheap frames that are bought, held-out ones included.

        Raises:
            InputError: n_cheap is larger than the cheap pool.
        """
        if (n_cheap, seed) not in self._cheap:
            purchase = buy_cheap(self._cheap_pool, n_cheap, seed)
            self._cheap[n_cheap, seed] = self._split(self._cheap_pool, purchase.train, purchase.val)
        return self._cheap[n_cheap, seed]

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
        self, strategy: str, settings: Settings, accurate: Split | None, n_cheap: int, seed: int
    ) -> tuple[StageSpec, ...]:
        """The stages of a strategy, first to last; each is a child of the one before.

        Args:
            strategy: the strategy.
            settings: its settings; at gamma_rel = inf a weighted strategy has the chain of its unweighted twin.
            accurate: accurate labels to train and validate on; None where the strategy buys none.
            n_cheap: cheap frames to buy.
            seed: seed of the frames, weights and batches.

        Raises:
            InputError: n_cheap is larger than the cheap pool.
        """
        chain: tuple[StageSpec, ...] = ()
        for link in STRATEGIES[strategy].at_gamma(settings.gamma_rel).chain:
            frames = accurate if link.traits.trains_on == "accurate" else self.bought_cheap(n_cheap, seed)
            assert frames is not None
            parents = tuple(parent.key for parent in chain[-1:])
            if link.kind == "kernel":
                chain = (*chain, self._kernel(link, settings, frames, seed, parents))
            else:
                chain = (*chain, self._network(link.kind, link, settings, frames, seed, parents))
        return chain

    def _network(
        self, kind: NetworkStageKind, link: Link, settings: Settings, frames: Split, seed: int, parents: tuple[str, ...]
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
            base=self._base(link, frames),
            score=None if link.traits.labelled else self._score(settings),
            device=self._device,
        )

    def _score(self, settings: Settings) -> ScoreSettings:
        assert self._temperature_k is not None
        return ScoreSettings(self._temperature_k, settings.n_probes)

    def _kernel(
        self, link: Link, settings: Settings, frames: Split, seed: int, parents: tuple[str, ...]
    ) -> KernelStage:
        """SGDML takes no part in early stopping and no random choice but the labels: its seeds say so."""
        base = self._base(link, frames)
        return KernelStage(self._descriptors, settings.kernel, *frames, Seeds(seed, 0, 0), parents, base)

    def _base(self, link: Link, frames: Split) -> Frames | None:
        """The cheap labels at the geometries of a stage, where it learns the difference to the cheap method."""
        if not link.on_cheap_method:
            return None
        return Frames(self._cheap_level, tuple(self._cheap_at[h] for role in frames for h in role.hashes))

    def _split(self, pool: LabelSet, train: IntArray, val: IntArray) -> Split:
        return self._frames(pool, train), self._frames(pool, val)

    def _frames(self, pool: LabelSet, rows: IntArray) -> Frames:
        hashes = self._hashes[pool.level]
        return Frames(pool.level, tuple(hashes[row] for row in rows))


def derived_seed(purpose: str, seed: int) -> int:
    """An independent 63-bit seed for one purpose."""
    digest = hashlib.blake2b(f"{purpose}:{seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
