"""Chains of stages: strategies and settings to stage specs, each purchase of frames made once."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from asteroid.labels import content_hashes
from asteroid.splits import buy_accurate, buy_cheap, cross_validation_folds
from asteroid.stages import Frames, Seeds, StageSpec

if TYPE_CHECKING:
    from asteroid.labels import IntArray, LabelSet
    from asteroid.stages import StageKind
    from asteroid.training import Schedule
    from study.config import Strategy, Sweep
    from study.data import StudyData
    from study.settings import Settings

#: Training and validation frames of a stage.
Split = tuple[Frames, Frames]


class ChainBuilder:
    """Makes the stage specs of a study's chains."""

    def __init__(self, sweep: Sweep, data: StudyData) -> None:
        self._descriptors = sweep.descriptors.settings()
        self._pool = data.pool
        self._cheap_pool = data.cheap_pool
        self._hashes = {labels.level: content_hashes(labels) for labels in (data.pool, data.cheap_pool)}
        self._cheap: dict[tuple[int, int], Split] = {}
        self._accurate: dict[tuple[int, int], Split] = {}
        self._folds: dict[tuple[int, int, int], list[tuple[Split, Frames]]] = {}

    def bought(self, budget: int, seed: int) -> Split:
        """The accurate labels that a budget buys.

        Raises:
            InputError: the budget is larger than the pool.
        """
        if (budget, seed) not in self._accurate:
            purchase = buy_accurate(self._pool, budget, seed)
            self._accurate[budget, seed] = self._split(self._pool, purchase.train, purchase.val)
        return self._accurate[budget, seed]

    def bought_cheap(self, n_cheap: int, seed: int) -> Split:
        """The cheap frames that are bought, held-out ones included.

        Raises:
            InputError: n_cheap is larger than the cheap pool.
        """
        if (n_cheap, seed) not in self._cheap:
            purchase = buy_cheap(self._cheap_pool, n_cheap, seed)
            self._cheap[n_cheap, seed] = self._split(self._cheap_pool, purchase.train, purchase.val)
        return self._cheap[n_cheap, seed]

    def folds(self, budget: int, seed: int, n_folds: int) -> list[tuple[Split, Frames]]:
        """The bought labels divided for cross-validation: (training and validation, frames to score on) by fold."""
        if (budget, seed, n_folds) not in self._folds:
            self._folds[budget, seed, n_folds] = [
                (self._split(self._pool, fold.train, fold.val), self._frames(self._pool, fold.score))
                for fold in cross_validation_folds(self._pool, budget, seed, n_folds)
            ]
        return self._folds[budget, seed, n_folds]

    def chain(
        self, strategy: Strategy, settings: Settings, accurate: Split | None, n_cheap: int, seed: int
    ) -> tuple[StageSpec, ...]:
        """The stages of a strategy, first to last.

        Args:
            strategy: the strategy.
            settings: its settings; gamma_rel = inf makes `asteroid` the same chain as `pretrain_finetune`.
            accurate: accurate labels to train and validate on; None for `cheap_only`.
            n_cheap: cheap frames to buy.
            seed: seed of the frames, weights and batches.

        Raises:
            InputError: n_cheap is larger than the cheap pool.
        """
        if strategy == "accurate_only":
            assert accurate is not None
            return (self._spec("identify", settings, settings.identify, accurate, seed),)
        assert settings.pretrain is not None
        cheap = self.bought_cheap(n_cheap, seed)
        weighted = strategy == "asteroid" and math.isfinite(settings.gamma_rel)
        chain: tuple[StageSpec, ...] = ()
        if weighted:
            assert accurate is not None
            chain = (self._spec("identify", settings, settings.identify, accurate, seed),)
        gamma_rel = settings.gamma_rel if weighted else None
        chain += (self._spec("pretrain", settings, settings.pretrain, cheap, seed, chain, gamma_rel),)
        if strategy == "cheap_only":
            return chain
        assert accurate is not None
        assert settings.finetune is not None
        return (*chain, self._spec("finetune", settings, settings.finetune, accurate, seed, chain[-1:]))

    def _spec(
        self,
        kind: StageKind,
        settings: Settings,
        schedule: Schedule,
        frames: Split,
        seed: int,
        parents: tuple[StageSpec, ...] = (),
        gamma_rel: float | None = None,
    ) -> StageSpec:
        return StageSpec(
            kind=kind,
            descriptors=self._descriptors,
            model=settings.model,
            schedule=schedule,
            train=frames[0],
            val=frames[1],
            seeds=Seeds(seed, derived_seed(f"weights {kind}", seed), derived_seed(f"batches {kind}", seed)),
            parents=tuple(parent.key for parent in parents),
            gamma_rel=gamma_rel,
        )

    def _split(self, pool: LabelSet, train: IntArray, val: IntArray) -> Split:
        return self._frames(pool, train), self._frames(pool, val)

    def _frames(self, pool: LabelSet, rows: IntArray) -> Frames:
        hashes = self._hashes[pool.level]
        return Frames(pool.level, tuple(hashes[row] for row in rows))


def derived_seed(purpose: str, seed: int) -> int:
    """An independent 63-bit seed for one purpose."""
    digest = hashlib.blake2b(f"{purpose}:{seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
