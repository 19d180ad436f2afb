"""Recipes: what one row of the results table stands for, as a chain of stages."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.labels import content_hashes
from asteroid.splits import buy_accurate, buy_cheap
from asteroid.stages import Frames, Seeds, StageKind, StageSpec

if TYPE_CHECKING:
    from asteroid.labels import IntArray, LabelSet
    from asteroid.training import Schedule
    from study.config import Strategy, Sweep
    from study.data import StudyData


@dataclass(frozen=True)
class Recipe:
    """One row: a strategy with its settings, and the stages that it needs, first to last.

    Attributes:
        strategy: name of the chain.
        gamma_rel: relative bias-weight temperature; NaN where nothing is weighted or unweighted.
        schedule: name of the fine-tune schedule, or "".
        budget: accurate labels bought, training and validation together.
        n_cheap: cheap frames bought.
        seed: seed of the row.
        stages: the chain; the last one's model is the row's.
    """

    strategy: Strategy
    gamma_rel: float
    schedule: str
    budget: int
    n_cheap: int
    seed: int
    stages: tuple[StageSpec, ...]


def make_recipes(sweep: Sweep, data: StudyData) -> list[Recipe]:
    """All rows of a sweep in mode `curve`. Stages with equal keys are the same object's work: they are trained once.

    Raises:
        InputError: a budget or n_cheap is larger than its pool.
    """
    buyer = _Buyer(sweep, data)
    recipes: list[Recipe] = []
    for seed in sweep.seeds:
        plain = {n: buyer.pretrain(n, seed, None, None) for n in (sweep.n_cheap if sweep.pretrain else ())}
        if "cheap_only" in sweep.strategies:
            recipes += [Recipe("cheap_only", math.inf, "", 0, n, seed, (stage,)) for n, stage in plain.items()]
        for budget in sweep.budgets:
            identify = buyer.identify(budget, seed)
            if "accurate_only" in sweep.strategies:
                recipes.append(Recipe("accurate_only", math.nan, "", budget, 0, seed, (identify,)))
            for n_cheap in sweep.n_cheap:
                for gamma_rel in sweep.gamma_rel:
                    strategy: Strategy = "pretrain_finetune" if math.isinf(gamma_rel) else "asteroid"
                    if strategy not in sweep.strategies:
                        continue
                    chain: tuple[StageSpec, ...] = (plain[n_cheap],)
                    if strategy == "asteroid":
                        chain = (identify, buyer.pretrain(n_cheap, seed, gamma_rel, identify))
                    for name in sweep.finetune:
                        last = buyer.finetune(budget, seed, name, chain[-1])
                        recipes.append(Recipe(strategy, gamma_rel, name, budget, n_cheap, seed, (*chain, last)))
    return recipes


class _Buyer:
    """Turns budgets and seeds into frames and frames into stage specs, each purchase made once."""

    def __init__(self, sweep: Sweep, data: StudyData) -> None:
        self._sweep = sweep
        self._data = data
        self._hashes = {labels.level: content_hashes(labels) for labels in (data.pool, data.cheap_pool)}
        self._bought: dict[tuple[str, int, int], tuple[Frames, Frames]] = {}

    def identify(self, budget: int, seed: int) -> StageSpec:
        return self._spec("identify", self._sweep.identify.schedule(), self._accurate(budget, seed), seed)

    def pretrain(self, n_cheap: int, seed: int, gamma_rel: float | None, teacher: StageSpec | None) -> StageSpec:
        assert self._sweep.pretrain is not None
        schedule = self._sweep.pretrain.schedule()
        parents = () if teacher is None else (teacher.key,)
        return self._spec("pretrain", schedule, self._cheap(n_cheap, seed), seed, parents, gamma_rel)

    def finetune(self, budget: int, seed: int, name: str, parent: StageSpec) -> StageSpec:
        schedule = self._sweep.finetune[name].schedule()
        return self._spec("finetune", schedule, self._accurate(budget, seed), seed, (parent.key,))

    def _spec(
        self,
        kind: StageKind,
        schedule: Schedule,
        frames: tuple[Frames, Frames],
        seed: int,
        parents: tuple[str, ...] = (),
        gamma_rel: float | None = None,
    ) -> StageSpec:
        return StageSpec(
            kind=kind,
            descriptors=self._sweep.descriptors.settings(),
            model=self._sweep.model.settings(),
            schedule=schedule,
            train=frames[0],
            val=frames[1],
            seeds=Seeds(seed, derived_seed(f"weights {kind}", seed), derived_seed(f"batches {kind}", seed)),
            parents=parents,
            gamma_rel=gamma_rel,
        )

    def _accurate(self, budget: int, seed: int) -> tuple[Frames, Frames]:
        pool = self._data.pool
        key = (pool.level, budget, seed)
        if key not in self._bought:
            purchase = buy_accurate(pool, budget, seed)
            self._bought[key] = self._frames(pool, purchase.train), self._frames(pool, purchase.val)
        return self._bought[key]

    def _cheap(self, n_cheap: int, seed: int) -> tuple[Frames, Frames]:
        pool = self._data.cheap_pool
        key = (pool.level, n_cheap, seed)
        if key not in self._bought:
            purchase = buy_cheap(pool, n_cheap, seed)
            self._bought[key] = self._frames(pool, purchase.train), self._frames(pool, purchase.val)
        return self._bought[key]

    def _frames(self, pool: LabelSet, rows: IntArray) -> Frames:
        hashes = self._hashes[pool.level]
        return Frames(pool.level, tuple(hashes[row] for row in rows))


def derived_seed(purpose: str, seed: int) -> int:
    """An independent 63-bit seed for one purpose."""
    digest = hashlib.blake2b(f"{purpose}:{seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
