"""Chains of stages: strategies and settings to stage specs, each purchase of frames made once."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from asteroid.labels.label_set import content_hashes
from asteroid.labels.splits import buy_accurate, buy_cheap, cross_validation_folds
from asteroid.stages.stage import Frames, KernelStage, NetworkStage, ScoreSettings, Seeds
from study.strategies import TRAITS

if TYPE_CHECKING:
    from asteroid.labels.label_set import IntArray, LabelSet
    from asteroid.stages.stage import NetworkStageKind, StageSpec
    from asteroid.training.schedule import Schedule
    from study.data.load import StudyData
    from study.recipes.settings import Settings
    from study.strategies import Strategy

T = TypeVar("T")

#: Training and validation frames of a stage.
Split = tuple[Frames, Frames]


class ChainBuilder:
    """Makes the stage specs of a study's chains."""

    def __init__(self, data: StudyData) -> None:
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
        chain: tuple[StageSpec, ...] = ()
        stage: StageSpec
        weighted = strategy == "asteroid" and math.isfinite(settings.gamma_rel)
        for kind in TRAITS[strategy].stages:
            match kind:
                case "identify":
                    if strategy == "asteroid" and not weighted:
                        continue
                    stage = self._spec("identify", settings, settings.identify, _given(accurate), seed)
                case "pretrain":
                    cheap = self.bought_cheap(n_cheap, seed)
                    gamma_rel = settings.gamma_rel if weighted else None
                    stage = self._spec("pretrain", settings, _given(settings.pretrain), cheap, seed, chain, gamma_rel)
                case "score_match":
                    stage = self._score_match(settings, self.bought_cheap(n_cheap, seed), seed)
                case "finetune":
                    stage = self._spec(
                        "finetune", settings, _given(settings.finetune), _given(accurate), seed, chain[-1:]
                    )
                case "residual":
                    stage = self._spec("residual", settings, settings.residual, _given(accurate), seed, chain[-1:])
                case "kernel":
                    stage = self._kernel(settings, _given(accurate), seed, chain[-1:], strategy == "gdml_delta")
            chain = (*chain, stage)
        return chain

    def _score_match(self, settings: Settings, cheap: Split, seed: int) -> NetworkStage:
        assert self._temperature_k is not None
        stage = self._spec("score_match", settings, _given(settings.score_match), cheap, seed)
        return replace(stage, score=ScoreSettings(self._temperature_k, settings.n_probes))

    def _kernel(
        self, settings: Settings, accurate: Split, seed: int, parents: tuple[StageSpec, ...], on_cheap: bool
    ) -> KernelStage:
        """SGDML takes no part in early stopping and no random choice but the labels: its seeds say so."""
        base = None
        if on_cheap:
            base = Frames(self._cheap_level, tuple(self._cheap_at[h] for frames in accurate for h in frames.hashes))
        keys = tuple(parent.key for parent in parents)
        return KernelStage(self._descriptors, settings.kernel, *accurate, Seeds(seed, 0, 0), keys, base)

    def _spec(
        self,
        kind: NetworkStageKind,
        settings: Settings,
        schedule: Schedule,
        frames: Split,
        seed: int,
        parents: tuple[StageSpec, ...] = (),
        gamma_rel: float | None = None,
    ) -> NetworkStage:
        return NetworkStage(
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


def _given(value: T | None) -> T:
    """What the checks of the sweep file have made sure of."""
    assert value is not None
    return value


def derived_seed(purpose: str, seed: int) -> int:
    """An independent 63-bit seed for one purpose."""
    digest = hashlib.blake2b(f"{purpose}:{seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
