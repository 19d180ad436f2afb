"""The trials of all searches of a run: asked, judged on the way, and told in the journal."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.trial import Trial, TrialState

from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.stage import KernelStage
from study.search.journal import ask_trial, counted_trials, open_study, settle_torn_trials
from study.search.pruning import Judge, reported_step, rung_steps, value_at
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import optuna
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import Frames, StageSpec
    from study.counts import Counts
    from study.engine.engine import StageEngine
    from study.prices import PriceList
    from study.recipes.chains import ChainBuilder
    from study.recipes.search import Fold, Search

#: What a told trial remembers besides Optuna's own.
FOLD_ERRORS, CORE_S = "fold_errors_ev_ang", "core_s"
_PRUNED_CORE_S = "pruned_core_s"


@dataclass(eq=False)
class SearchTrial:
    """A trial on its way.

    Attributes:
        search: its study.
        index: its place in the study.
        trial: Optuna's trial; None where an earlier session has told it.
        folds: the chains that score it.
        values: validation errors at the points where it was judged, eV/Å.
        state: RUNNING until it is told.
        doomed: a stage has failed; it is told as soon as none of its own is in training.
    """

    search: Search
    index: int
    trial: Trial | None
    folds: tuple[Fold, ...]
    values: list[float] = field(default_factory=list)
    state: TrialState = TrialState.RUNNING
    doomed: bool = False

    @property
    def running(self) -> bool:
        """Whether it is still to be told."""
        return self.state == TrialState.RUNNING

    @property
    def last(self) -> list[StageSpec]:
        """The stages whose errors count."""
        return [fold.chain[-1] for fold in self.folds]

    @property
    def keys(self) -> set[str]:
        """Keys of all its stages."""
        return {spec.key for fold in self.folds for spec in fold.chain}

    def reaches(self, rung: int) -> bool:
        """Whether it trains towards a point: 0 is the first, the number of points is the end."""
        if self.state in (TrialState.RUNNING, TrialState.COMPLETE):
            return True
        judged = len(self.values)
        return rung < judged if self.state == TrialState.PRUNED else rung <= judged

    def step_at(self, rung: int) -> int | None:
        """After how many steps it is judged; None at the end, where nothing is left to be saved."""
        pruning, last = self.search.section.pruning, self.last[0]
        # A kernel is fitted in one go: there is nothing to judge on the way.
        if pruning is None or isinstance(last, KernelStage) or rung >= len(pruning.shares):
            return None
        step = rung_steps(pruning, last.schedule)[rung]
        return step if step < last.steps else None


class TrialBook:
    """All trials of a run.

    Args:
        searches: the studies.
        builder: makes their chains.
        prices: of labels, for a second objective.
        storage: the journal.
        bank: the described frames.
        engine: holds the stages.
    """

    def __init__(
        self,
        searches: Sequence[Search],
        builder: ChainBuilder,
        prices: PriceList,
        storage: JournalStorage,
        bank: FrameBank,
        engine: StageEngine,
    ) -> None:
        self.searches = searches
        self._builder, self.prices, self._bank, self._engine = builder, prices, bank, engine
        self.studies = {search.name: _open(search, storage) for search in searches}
        self._judges = {s.name: Judge(s.section.pruning) for s in searches if s.section.pruning is not None}

    def trials(self, search: Search) -> list[FrozenTrial]:
        """All trials of a study in the order of their index."""
        return counted_trials(self.studies[search.name])

    def open(self, search: Search, start: int, stop: int) -> list[SearchTrial]:
        """Trials by index: told ones, those that a killed run has asked, then new ones; their stages are recalled."""
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
                self._recall_told(folds, asked)
        self._engine.recall(spec for t in found if t.running for fold in t.folds for spec in fold.chain)
        return found

    def _recall_told(self, folds: Sequence[Fold], told: FrozenTrial) -> None:
        """Stages of a trial that an earlier session told: they belong to the ledger."""
        stages = [spec for fold in folds for spec in fold.chain]
        if _PRUNED_CORE_S in told.user_attrs:
            self._engine.recall_pruned(stages, float(told.user_attrs[_PRUNED_CORE_S]))
        else:
            self._engine.recall(stages, to_train=False)

    def broken(self, trial: SearchTrial, *, in_training: bool = False) -> bool:
        """Whether a stage has failed or, unless it may still be in training, is missing."""
        found = [self._engine.results.get(key) or self._engine.unfinished.get(key) for key in trial.keys]
        return any(result.status != "ok" if result else not in_training for result in found)

    def judge(self, trial: SearchTrial, rung: int) -> bool:
        """Whether a trial goes on from a point that all its folds have reached; told ones are repeated.

        The value is reported to the journal as well, where a dashboard shows it.
        """
        name, pruning = trial.search.name, trial.search.section.pruning
        assert pruning is not None
        if trial.trial is not None:
            step = trial.step_at(rung)
            assert step is not None
            stages = [self._engine.results.get(s.key) or self._engine.unfinished[s.key] for s in trial.last]
            trial.values.append(float(np.mean([value_at(stage.validation_curve, step) for stage in stages])))
            reported = reported_step(pruning, rung)
            stored = self.studies[name].get_trials(deepcopy=False)[trial.trial.number]
            if reported not in stored.intermediate_values:
                trial.trial.report(trial.values[rung], reported)
        return self._judges[name].keeps(trial.index, rung, trial.values[rung])

    def repeat(self, trial: SearchTrial) -> None:
        """Show the judge a trial that an earlier session has told."""
        if trial.search.name in self._judges:
            self._judges[trial.search.name].repeat(trial.index, trial.values, trial.state)

    def close(self, trial: SearchTrial) -> None:
        """Tell the judge how a trial has ended, which is done already for those that this session has told."""
        if trial.search.name in self._judges:
            self._judges[trial.search.name].close(trial.index, trial.state)

    def prune(self, trial: SearchTrial, others: Iterable[SearchTrial]) -> None:
        """Give a trial up; its stages stay where another running trial wants them."""
        self._give_up(trial, others, TrialState.PRUNED)

    def fail(self, trial: SearchTrial, others: Iterable[SearchTrial]) -> None:
        """Tell that a trial has failed."""
        self._give_up(trial, others, TrialState.FAIL)

    def is_at_work(self, trial: SearchTrial, others: Iterable[SearchTrial]) -> bool:
        """Whether a stage that no other running trial wants is in training."""
        return bool((trial.keys & self._engine.in_training) - _wanted_by_others(trial, others))

    def _give_up(self, trial: SearchTrial, others: Iterable[SearchTrial], state: TrialState) -> None:
        assert trial.trial is not None
        wanted = _wanted_by_others(trial, others)
        known = [self._engine.results.get(k) or self._engine.unfinished.get(k) for k in sorted(trial.keys)]
        trial.trial.set_user_attr(CORE_S, sum(result.core_s for result in known if result))
        trial.trial.set_user_attr(_PRUNED_CORE_S, self._engine.prune(sorted(trial.keys - wanted)))
        self._end(trial, state)

    def finish(self, trial: SearchTrial) -> None:
        """Tell the cross-validated error of a trial whose stages are all finished, or that it has failed."""
        assert trial.trial is not None
        errors = []
        if not self.broken(trial):
            models = {key: self._engine.results[key].model for key in trial.keys}
            errors = [fold_error(self._bank, fold.score, fold.chain[-1], models) for fold in trial.folds]
        if not errors or not all(math.isfinite(error) for error in errors):
            self._end(trial, TrialState.FAIL)
            return
        trial.trial.set_user_attr(FOLD_ERRORS, errors)
        trial.trial.set_user_attr(CORE_S, sum(self._engine.results[key].core_s for key in trial.keys))
        mean = float(np.mean(errors))
        tuned = trial.search.mode == "tune"
        self._end(
            trial,
            TrialState.COMPLETE,
            mean if tuned else (mean, sum(self.prices.cpu_s(self.counts(trial.search, trial.trial.params)))),
        )

    def _end(self, trial: SearchTrial, state: TrialState, values: Any = None) -> None:
        assert trial.trial is not None
        self.studies[trial.search.name].tell(trial.trial, values, state=state)
        trial.state = state
        self.close(trial)

    def counts(self, search: Search, values: dict[str, Any]) -> Counts:
        """The labels and frames that a trial buys."""
        return STRATEGIES[search.strategy].counts(search.bought(values), search.n_cheap)

    def count(self) -> None:
        """Tell the engine's listener how far the searches are."""
        told = [t for search in self.searches for t in self.trials(search) if t.state != TrialState.RUNNING]
        errors = [t.values[0] for t in told if t.state == TrialState.COMPLETE]
        total = sum(search.section.trials for search in self.searches)
        self._engine.count_trials(len(told), total, min(errors, default=None))


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


def _wanted_by_others(trial: SearchTrial, others: Iterable[SearchTrial]) -> set[str]:
    running = (other for other in others if other is not trial and other.running)
    return {key for other in running for key in other.keys}


def fold_error(bank: FrameBank, score: Frames, last: StageSpec, models: Mapping[str, TrainedModel]) -> float:
    """Force MAE of a chain on the frames of a fold, eV/Å."""
    frames, rows = bank.levels[score.level], bank.rows_of(score.level, score.hashes)
    predicted = predict_chain(bank, score.level, rows, [last], models)
    difference = (predicted.forces[0] - frames.forces[rows]).abs()
    return float(frames.component_mean(difference, rows).mean())
