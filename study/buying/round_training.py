"""A round's training: every contender cross-validated inside the labels owned, the winner trained on all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from asteroid.labels.label_set import content_hashes
from asteroid.labels.splits import ACCURATE_VAL_EVERY, folds_in_turn
from asteroid.stages.evaluation import evaluate
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.stage import Frames
from study.buying.look_stages import LookStages, counted_before, expected_core_s
from study.buying.owned_data import Paired, owned_bank, owned_data
from study.engine.catalog import StageCatalog
from study.engine.failures import FailureLog
from study.engine.progress import ProgressCounter
from study.engine.scheduler import PackScheduler
from study.engine.store import StageStore
from study.recipes.chains import ChainBuilder
from study.recipes.cross_validation import SLOPE_FOLDS, Division, Fold
from study.recipes.packs import by_urgency, plan_rounds
from study.run.out_of_fold import out_of_fold_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.labels.label_set import IntArray, LabelSet
    from asteroid.stages.stage import StageSpec
    from study.buying.candidates import Candidates
    from study.buying.contenders import Contender
    from study.config.buying import BuyStudy
    from study.data.load import StudyData
    from study.devices import DeviceClass
    from study.engine.executors import Executor
    from study.engine.progress import Progress

#: Most folds of a look's first division; the second has `SLOPE_FOLDS`.
_FOLDS = 10


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
        data = owned_data(self._study, self._candidates, labels, intermediate)
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
        counted = set() if first else counted_before(plans, labels.level, set(joining))
        new = {spec.key for chain in chains for spec in chain} - counted
        spent_s = sum(catalog.finished[key].core_s for key in sorted(new) if key in catalog.finished)
        expected = {contender.name: expected_core_s(plan, labels.level) for contender, plan in plans.items()}
        return Look(rows, failed, spent_s, expected)

    def deliver(self, labels: LabelSet, contender: Contender, intermediate: LabelSet | None = None) -> Delivered:
        """The model of a contender that is trained on all labels, every fifth one for early stopping.

        The last look has trained it beside its folds, where a kill has not lost it.

        Raises:
            InputError: a pack cannot be trained.
            PackFailedError: a pack failed several times, or the chain has a stage that fails.
        """
        data = owned_data(self._study, self._candidates, labels, intermediate)
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
        data = owned_data(self._study, self._candidates, labels, intermediate)
        plan = self._plan(ChainBuilder(data, self._device), contender, labels)
        return plan.whole, [fold.chain for fold in plan.divisions[0].folds]

    def _plan(self, builder: ChainBuilder, contender: Contender, labels: LabelSet) -> LookStages:
        owned = Frames(labels.level, tuple(content_hashes(labels)))
        counts = (min(_FOLDS, len(labels)), SLOPE_FOLDS)
        divisions = tuple(self._division(builder, contender, owned, n_folds) for n_folds in counts)
        return LookStages(divisions, self._whole(builder, contender, labels))

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
        bank = owned_bank(self._study, data, missing, also, self._device)
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
