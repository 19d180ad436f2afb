"""The trials of all searches of a run: asked, pruned on the way, and told in the journal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.trial import Trial, TrialState

from study.search.journal import ask_trial, counted_trials, open_study, settle_torn_trials
from study.search.pruning import StudyPruner, reported_step, value_at
from study.search.scoring import fold_error
from study.search.search_trial import SearchTrial, wanted_by_others
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import optuna
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial

    from asteroid.descriptors.frame_bank import FrameBank
    from study.counts import Counts
    from study.engine.catalog import StageCatalog
    from study.engine.progress import ProgressCounter
    from study.prices import PriceList
    from study.recipes.chains import ChainBuilder
    from study.recipes.search import Search

#: What a told trial remembers besides Optuna's own.
FOLD_ERRORS, CORE_S = "fold_errors_ev_ang", "core_s"
_PRUNED_CORE_S = "pruned_core_s"


class TrialTracker:
    """All trials of a run.

    Args:
        searches: the studies.
        builder: makes their chains.
        prices: of labels, for a second objective.
        storage: the journal.
        bank: the described frames.
        catalog: the stages.
        progress: told how many trials are told.
    """

    def __init__(
        self,
        searches: Sequence[Search],
        builder: ChainBuilder,
        prices: PriceList,
        storage: JournalStorage,
        bank: FrameBank,
        catalog: StageCatalog,
        progress: ProgressCounter,
    ) -> None:
        self.searches = searches
        self._builder, self.prices, self._bank = builder, prices, bank
        self._catalog, self._progress = catalog, progress
        self.studies = {search.name: _open(search, storage) for search in searches}
        self._pruners = {s.name: StudyPruner(s.section.pruning) for s in searches if s.section.pruning is not None}

    def trials(self, search: Search) -> list[FrozenTrial]:
        """All trials of a study in the order of their index."""
        return counted_trials(self.studies[search.name])

    def open(self, search: Search, start: int, stop: int) -> list[SearchTrial]:
        """Trials by index: told ones, those that a killed run has asked, then new ones; their stages are requested."""
        study = self.studies[search.name]
        known = {int(trial.user_attrs["index"]): trial for trial in counted_trials(study)}
        found = []
        for index in range(start, stop):
            asked = known.get(index)
            if asked is None:
                trial = ask_trial(study, index, search.section.sampler_seed, search.suggest)
                found.append(SearchTrial(search, index, trial, search.folds(self._builder, trial.params)))
                continue
            folds = search.folds(self._builder, asked.params)
            if asked.state == TrialState.RUNNING:
                # Optuna has no public way from a stored trial back to one that takes attributes.
                found.append(SearchTrial(search, index, Trial(study, asked._trial_id), folds))  # noqa: SLF001
            else:
                values = [asked.intermediate_values[step] for step in sorted(asked.intermediate_values)]
                found.append(SearchTrial(search, index, None, folds, values, asked.state))
                self._request_told(found[-1], asked)
        self._catalog.request(spec for trial in found if trial.running for spec in trial.stages)
        return found

    def _request_told(self, trial: SearchTrial, told: FrozenTrial) -> None:
        """Stages of a trial that an earlier session told: they belong to the ledger."""
        if _PRUNED_CORE_S in told.user_attrs:
            self._catalog.request_pruned(trial.stages, float(told.user_attrs[_PRUNED_CORE_S]))
        else:
            self._catalog.request(trial.stages, to_train=False)

    def has_failed_stage(self, trial: SearchTrial, *, in_training: bool = False) -> bool:
        """Whether a stage has failed or, unless it may still be in training, is missing."""
        found = [self._catalog.latest(key) for key in trial.keys]
        return any(result.status != "ok" if result else not in_training for result in found)

    def should_prune(self, trial: SearchTrial, rung: int) -> bool:
        """Whether to prune a trial at a rung that all its folds have reached; for told ones the question is repeated.

        The value is reported to the journal as well, where a dashboard shows it.
        """
        name, pruning = trial.search.name, trial.search.section.pruning
        assert pruning is not None
        if trial.trial is not None:
            step = trial.step_at(rung)
            assert step is not None
            catalog, keys = self._catalog, [spec.key for spec in trial.last_stages]
            results = [catalog.finished.get(key) or catalog.interrupted[key] for key in keys]
            trial.values.append(float(np.mean([value_at(result.validation_curve, step) for result in results])))
            reported = reported_step(pruning, rung)
            stored = self.studies[name].get_trials(deepcopy=False)[trial.trial.number]
            if reported not in stored.intermediate_values:
                trial.trial.report(trial.values[rung], reported)
        return self._pruners[name].should_prune(trial.index, rung, trial.values[rung])

    def repeat_to_pruner(self, trial: SearchTrial) -> None:
        """Show the pruner a trial that an earlier session has told, from its first rung on."""
        if trial.search.name in self._pruners:
            self._pruners[trial.search.name].repeat(trial.index, trial.values, trial.state)

    def tell_pruner(self, trial: SearchTrial) -> None:
        """Tell the pruner how a trial has ended, which is done already for those that this session has told."""
        if trial.search.name in self._pruners:
            self._pruners[trial.search.name].tell(trial.index, trial.state)

    def prune(self, trial: SearchTrial, others: Iterable[SearchTrial]) -> None:
        """Tell that a trial is pruned; its stages stay where another running trial wants them."""
        self._stop(trial, others, TrialState.PRUNED)

    def fail(self, trial: SearchTrial, others: Iterable[SearchTrial]) -> None:
        """Tell that a trial has failed; its stages stay where another running trial wants them."""
        self._stop(trial, others, TrialState.FAIL)

    def finish(self, trial: SearchTrial) -> None:
        """Tell the cross-validated error of a trial whose stages are all finished, or that it has failed."""
        assert trial.trial is not None
        errors = []
        if not self.has_failed_stage(trial):
            models = {key: self._catalog.finished[key].model for key in trial.keys}
            errors = [fold_error(self._bank, fold, models) for fold in trial.folds]
        if not errors or not all(math.isfinite(error) for error in errors):
            self._tell(trial, TrialState.FAIL)
            return
        trial.trial.set_user_attr(FOLD_ERRORS, errors)
        trial.trial.set_user_attr(CORE_S, sum(self._catalog.finished[key].core_s for key in trial.keys))
        mean = float(np.mean(errors))
        price_cpu_s = sum(self.prices.cpu_s(self.counts(trial.search, trial.trial.params)))
        self._tell(trial, TrialState.COMPLETE, (mean,) if trial.search.mode == "tune" else (mean, price_cpu_s))

    def _stop(self, trial: SearchTrial, others: Iterable[SearchTrial], state: TrialState) -> None:
        assert trial.trial is not None
        known = [self._catalog.latest(key) for key in sorted(trial.keys)]
        trial.trial.set_user_attr(CORE_S, sum(result.core_s for result in known if result))
        dropped = sorted(trial.keys - wanted_by_others(trial, others))
        trial.trial.set_user_attr(_PRUNED_CORE_S, self._catalog.prune(dropped))
        self._tell(trial, state)

    def _tell(self, trial: SearchTrial, state: TrialState, values: tuple[float, ...] | None = None) -> None:
        assert trial.trial is not None
        self.studies[trial.search.name].tell(trial.trial, values, state=state)
        trial.state = state
        self.tell_pruner(trial)

    def counts(self, search: Search, values: dict[str, Any]) -> Counts:
        """The labels and frames that a trial buys."""
        return STRATEGIES[search.strategy].counts(search.bought(values), search.lower)

    def count(self) -> None:
        """Tell the progress how far the searches are."""
        told = [t for search in self.searches for t in self.trials(search) if t.state != TrialState.RUNNING]
        errors = [t.values[0] for t in told if t.state == TrialState.COMPLETE]
        total = sum(search.section.trials for search in self.searches)
        self._progress.count_trials(len(told), total, min(errors, default=None))


def _open(search: Search, storage: JournalStorage) -> optuna.Study:
    # Keys that came later are left out where they say nothing, so that older journals are recognised.
    section = search.section.model_dump(mode="json")
    if search.section.schedule == "rounds":
        del section["schedule"]
    if search.section.pruning is None:
        del section["pruning"]
    n_objectives = 1 if search.mode == "tune" else 2
    space = section | {"keys": list(search.keys)}
    study = open_study(storage, search.name, space, n_objectives, search.section.sampler_seed)
    settle_torn_trials(study, search.keys)
    return study
