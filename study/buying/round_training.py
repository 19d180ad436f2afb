"""A round's training: every contender cross-validated inside the labels owned, the winner trained on all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from asteroid.descriptors.frame_bank import BankEntry, build_bank
from asteroid.descriptors.placement import bank_on
from asteroid.labels.draw_controls import cheap_values
from asteroid.labels.label_set import content_hashes
from asteroid.labels.splits import ACCURATE_VAL_EVERY, folds_in_turn
from asteroid.stages.evaluation import evaluate
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.stage import Frames
from study.buying.candidates import joined
from study.data.cheap_controls import CheapControls
from study.data.load import CheapData, StudyData
from study.engine.catalog import StageCatalog
from study.engine.failures import FailureLog
from study.engine.progress import ProgressCounter
from study.engine.scheduler import PackScheduler
from study.engine.store import StageStore
from study.recipes.chains import ChainBuilder
from study.recipes.cross_validation import SLOPE_FOLDS, Division, Fold
from study.recipes.packs import by_urgency, plan_rounds
from study.run.out_of_fold import out_of_fold_rows
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.labels.label_set import IntArray, LabelSet
    from asteroid.stages.stage import StageSpec
    from study.buying.candidates import Candidates
    from study.buying.contenders import Contender
    from study.config.buying import BuyStudy
    from study.devices import DeviceClass
    from study.engine.executors import Executor
    from study.engine.progress import Progress

#: Most folds of a look's first division; the second has `SLOPE_FOLDS`.
_FOLDS = 10
#: About what a gradient step of one model takes in a pack, core seconds.
_CORE_S_A_STEP = 8e-4


@dataclass(frozen=True)
class Look:
    """What a round's training came to.

    Attributes:
        rows: of the table of out-of-fold errors.
        failed: by name of a contender that could not be trained, why.
        core_s: core seconds of the stages that this look was the first to need.
        expected_core_s: what the next look will take about, by name of contender: counted, so that a repetition of the
            purchase finds the same.
    """

    rows: list[dict[str, Any]]
    failed: dict[str, str]
    core_s: float
    expected_core_s: dict[str, float]


@dataclass(frozen=True)
class Delivered:
    """The model that a purchase ends with.

    Attributes:
        stage_keys: its stages in the store, first to last.
        hidden_error_ev_ang: its force MAE on labels that a replay has hidden, eV/Å; None elsewhere.
        n_hidden: how many these are.
        hidden_energy_error_ev: its energy MAE on them, their constant free, eV.
        hidden_energy_error_ev_per_atom: the same, by the number of atoms.
    """

    stage_keys: tuple[str, ...]
    hidden_error_ev_ang: float | None
    n_hidden: int
    hidden_energy_error_ev: float | None = None
    hidden_energy_error_ev_per_atom: float | None = None


@dataclass(frozen=True, eq=False)
class Paired:
    """Labels to predict, with cheap labels at the same geometries by level."""

    labels: LabelSet
    cheap: Mapping[str, LabelSet]


@dataclass(frozen=True)
class _Plan:
    """What a look trains of a contender: all its folds, and the model of all labels, which may be the last one."""

    divisions: tuple[Division, ...]
    whole: tuple[StageSpec, ...]

    @property
    def chains(self) -> list[tuple[StageSpec, ...]]:
        return [*(fold.chain for division in self.divisions for fold in division.folds), self.whole]

    @property
    def stages(self) -> list[StageSpec]:
        return [spec for chain in self.chains for spec in chain]


class RoundTrainer:
    """Trains in the engine; finished stages lie in the store of the purchase and are trained once.

    Args:
        study: the study file.
        candidates: what is chosen from.
        store: folder of finished stages.
        run_id: name of the purchase, for the store.
        make_executor: makes the executor from described frames.
        on_progress: told how far a round's training is.
        on_note: told what was repaired on the way.
        device: class of the device that networks train on.
    """

    def __init__(
        self,
        study: BuyStudy,
        candidates: Candidates,
        store: Path,
        run_id: str,
        make_executor: Callable[[FrameBank], Executor],
        on_progress: Callable[[Progress], None],
        on_note: Callable[[str], None],
        device: DeviceClass = "cpu",
    ) -> None:
        self._study, self._candidates, self._make_executor = study, candidates, make_executor
        self._device: DeviceClass = device
        self._on_progress, self._on_note = on_progress, on_note
        self._store = StageStore(store, run_id)
        self._store.sweep_leftovers()

    def look(
        self,
        labels: LabelSet,
        contenders: Sequence[Contender],
        *,
        first: bool,
        intermediate: LabelSet | None = None,
        joining: Collection[str] = (),
    ) -> Look:
        """Cross-validate contenders inside labels, in ten folds and in two, and train each on all of them.

        Args:
            labels: all that are owned, in the order of purchase.
            contenders: what competes.
            first: whether no look came before, so that what all looks share counts here.
            intermediate: labels of the level between that are owned, in the order of purchase.
            joining: names of contenders that were not trained before: the look before was at the same labels, and
                what the others train counted there.

        Raises:
            InputError: a pack cannot be trained.
            PackFailedError: a pack failed several times.
        """
        data = self._data(labels, intermediate)
        builder = ChainBuilder(data, self._device)
        plans = {contender: self._plan(builder, contender, labels) for contender in contenders}
        chains = [chain for plan in plans.values() for chain in plan.chains]
        catalog, bank = self._train(data, chains)
        models = {key: result.model for key, result in catalog.finished.items()}
        rows: list[dict[str, Any]] = []
        failed: dict[str, str] = {}
        for contender, plan in plans.items():
            stages = plan.stages
            bad = [catalog.finished[s.key].status for s in stages if s.key in catalog.finished]
            bad = [status for status in bad if status != "ok"]
            if bad or any(spec.key not in catalog.finished for spec in stages):
                failed[contender.name] = bad[0] if bad else "a stage is missing"
                continue
            identity = {**contender.columns, "seed": self._study.buy.seed}
            for division in plan.divisions:
                rows += out_of_fold_rows(data, bank, division, models, identity)
        counted = set() if first else _counted_before(plans, labels.level, set(joining))
        new = {spec.key for chain in chains for spec in chain} - counted
        spent_s = sum(catalog.finished[key].core_s for key in sorted(new) if key in catalog.finished)
        expected = {contender.name: _expected_core_s(plan, labels.level) for contender, plan in plans.items()}
        return Look(rows, failed, spent_s, expected)

    def deliver(self, labels: LabelSet, contender: Contender, intermediate: LabelSet | None = None) -> Delivered:
        """The model of a contender that is trained on all labels, every fifth one for early stopping.

        The last look has trained it beside its folds, where a kill has not lost it.

        Raises:
            InputError: a pack cannot be trained.
            PackFailedError: a pack failed several times, or the chain has a stage that fails.
        """
        data = self._data(labels, intermediate)
        chain = self._whole(ChainBuilder(data, self._device), contender, labels)
        hidden = self._candidates.hidden
        keys = tuple(spec.key for spec in chain)
        catalog, bank = self._train(data, [chain], self._hidden())
        if len(hidden):
            rows = bank.rows_of(hidden.level, content_hashes(hidden))
            models = {key: result.model for key, result in catalog.finished.items()}
            predicted = predict_chain(bank, hidden.level, rows, [chain[-1]], models)
            error = evaluate(predicted, bank.levels[hidden.level], rows)[0]
            per_atom = error.energy_free_mae_ev / self._candidates.n_atoms
            force_mae = error.force_mae_ev_ang if math.isfinite(error.force_mae_ev_ang) else None
            return Delivered(keys, force_mae, len(hidden), error.energy_free_mae_ev, per_atom)
        return Delivered(keys, None, 0)

    def _hidden(self) -> Paired:
        own = self._candidates
        return Paired(own.hidden, {level.level: level.at_hidden for level in own.cheap if level.at_hidden is not None})

    def final_chains(
        self, labels: LabelSet, contender: Contender, intermediate: LabelSet | None = None
    ) -> tuple[tuple[StageSpec, ...], list[tuple[StageSpec, ...]]]:
        """The chain that is delivered with some labels, and those that the last look at them has trained, by fold."""
        plan = self._plan(ChainBuilder(self._data(labels, intermediate), self._device), contender, labels)
        return plan.whole, [fold.chain for fold in plan.divisions[0].folds]

    def _data(self, labels: LabelSet, intermediate: LabelSet | None = None) -> StudyData:
        """The labels owned as those of a study.

        No label of the level between lies at a geometry that is bought, so none has to be passed over in a fold.
        """
        own, between, runs = self._candidates, self._candidates.intermediate, self._runs_cheap_method
        cheap = []
        for level in own.cheap:
            at = {labels.level: level.at.select(labels.frame_id)} if level.at is not None and runs else {}
            if between is not None and between.cheap_at is not None and intermediate is not None:
                at[between.level] = between.cheap_at.select(intermediate.frame_id)
            cheap.append(CheapData(level.pool, at, temperature_k=level.temperature_k))
        if intermediate is not None:
            cheap.append(CheapData(intermediate))
        along = own.cheap_at.energy if own.balanced and own.cheap_at is not None else None
        return StudyData(
            accurate=labels,
            test=labels.select([]),
            pool=labels,
            cheap=tuple(cheap),
            prices=own.prices,
            card=own.card,
            card_json={},
            descriptors=own.descriptors,
            pool_controls=self._controls(labels),
            drawn_along=None if along is None else along[labels.frame_id],
        )

    def _controls(self, labels: LabelSet) -> CheapControls | None:
        """What the cheap level knows of the labels, and of all geometries that they are drawn from."""
        cheap_at = self._candidates.cheap_at
        everywhere = None if cheap_at is None else cheap_values(cheap_at)
        own = None if cheap_at is None else cheap_values(cheap_at.select(labels.frame_id))
        if everywhere is None or own is None:
            return None
        places = {key: row for row, key in enumerate(content_hashes(labels))}
        return CheapControls(own, everywhere.mean(axis=0), everywhere.std(axis=0), places)

    @property
    def _runs_cheap_method(self) -> bool:
        return any(STRATEGIES[strategy].runs_cheap_method for strategy in self._study.strategies)

    def _plan(self, builder: ChainBuilder, contender: Contender, labels: LabelSet) -> _Plan:
        owned = Frames(labels.level, tuple(content_hashes(labels)))
        counts = (min(_FOLDS, len(labels)), SLOPE_FOLDS)
        divisions = tuple(self._division(builder, contender, owned, n_folds) for n_folds in counts)
        return _Plan(divisions, self._whole(builder, contender, labels))

    def _whole(self, builder: ChainBuilder, contender: Contender, labels: LabelSet) -> tuple[StageSpec, ...]:
        return self._chain(builder, contender, content_hashes(labels), np.arange(len(labels)))

    def _division(self, builder: ChainBuilder, contender: Contender, owned: Frames, n_folds: int) -> Division:
        """Every n-th label in the order of purchase is scored by a chain that is trained on the others."""
        place = folds_in_turn(len(owned), n_folds)
        folds = tuple(
            Fold(
                self._chain(builder, contender, owned.hashes, np.flatnonzero(place != fold)),
                Frames(owned.level, owned.hashes[fold::n_folds]),
            )
            for fold in range(n_folds)
        )
        return Division(n_folds, 0, owned, folds)

    def _chain(
        self, builder: ChainBuilder, contender: Contender, hashes: Sequence[str], rows: IntArray
    ) -> tuple[StageSpec, ...]:
        """The stages of a contender on some labels in the order of purchase."""
        held_out = np.arange(len(rows)) % ACCURATE_VAL_EVERY == ACCURATE_VAL_EVERY - 1
        train, val = (
            Frames(self._candidates.frames.level, tuple(hashes[row] for row in part.tolist()))
            for part in (rows[~held_out], rows[held_out])
        )
        seed = self._study.buy.seed
        return builder.chain(contender.strategy, contender.settings, (train, val), contender.lower, seed)

    def _train(
        self,
        data: StudyData,
        chains: Sequence[tuple[StageSpec, ...]],
        also: Paired | None = None,
    ) -> tuple[StageCatalog, FrameBank]:
        """Train what is missing of chains; the bank holds all labels, and others to predict."""
        progress, failures = ProgressCounter(self._on_progress), FailureLog(self._on_note)
        catalog = StageCatalog(self._store, progress, self._on_note)
        missing = catalog.request(spec for chain in chains for spec in chain)
        bank = self._bank(data, missing, also)
        if missing:
            torch.set_num_threads(1)
            executor = self._make_executor(bank)
            try:
                progress.start_clock()
                scheduler = PackScheduler(catalog, executor, progress, failures, lambda: None)
                scheduler.train(by_urgency(plan_rounds(chains, self._study.pack_size)))
            finally:
                executor.close()
        return catalog, bank

    def _bank(self, data: StudyData, missing: Iterable[StageSpec], also: Paired | None) -> FrameBank:
        """Describe all owned labels and the frames of lower levels that missing stages need."""
        own, study = self._candidates, self._study
        needed = {h for spec in missing for frames in (spec.train, spec.val) for h in frames.hashes}
        scores = any(STRATEGIES[strategy].learns_from_sampling for strategy in study.strategies)
        labels, accurate = data.accurate, data.accurate.level
        paired = [cheap.at[accurate] for cheap in data.cheap if accurate in cheap.at]
        if also is not None and len(also.labels):
            labels = joined(labels, also.labels)
            paired = [joined(at, also.cheap[at.level]) for at in paired if at.level in also.cheap]
        entries = [BankEntry(labels, content_hashes(labels), tuple(paired))]
        for cheap in data.cheap:
            hashes = content_hashes(cheap.pool)
            rows = np.array([row for row, h in enumerate(hashes) if h in needed], dtype=np.int64)
            probed = scores and study.score_match is not None and cheap.temperature_k is not None
            below = (lower.at[cheap.level].select(rows) for lower in data.cheap if cheap.level in lower.at)
            probes = study.score_match.probes if probed and study.score_match is not None else 0
            entries.append(BankEntry(cheap.pool.select(rows), [hashes[row] for row in rows], tuple(below), probes))
        return bank_on(build_bank(own.descriptors, entries), torch.device(self._device))


def _seen_accurate(chain: Sequence[StageSpec], level: str) -> list[StageSpec]:
    """Stages of a chain that depend on the labels that are bought, so that every look has its own."""
    first = next((place for place, spec in enumerate(chain) if spec.train.level == level), len(chain))
    return list(chain[first:])


def _counted_before(plans: Mapping[Contender, _Plan], level: str, joining: set[str]) -> set[str]:
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


def _expected_core_s(plan: _Plan, level: str) -> float:
    """About what a look takes: the steps of all its stages but those that looks share."""
    stages = {spec.key: spec for chain in plan.chains for spec in _seen_accurate(chain, level)}
    return _CORE_S_A_STEP * sum(spec.effort for spec in stages.values())
