"""Searches: rounds of Optuna trials, each scored by cross-validation inside the labels that its budget buys.

All studies of a sweep advance together, a round at a time, so that their stages fill the same packs. Trials of a round
are told in order once all its stages are finished: what is suggested next does not depend on which worker was faster.
"""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import TrialState

from asteroid.errors import InputError
from asteroid.prediction import predict_chain
from study.packs import plan_rounds
from study.recipe import TunedSettings
from study.selection import choose_setting, noise_share, standard_error
from study.settings import apply_values, default_settings, searched_keys, simplicity, suggest
from study.storage import ask_trial, counted_trials, open_study, settle_torn_trials
from study.strategies import TRAITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial

    from asteroid.frames import FrameBank
    from asteroid.stages import Frames, StageSpec, TrainedModel
    from study.chains import ChainBuilder
    from study.config import Sweep
    from study.costs import PriceList
    from study.engine import StageEngine
    from study.executors import Executor
    from study.search_config import SearchSection
    from study.settings import Settings
    from study.strategies import Strategy

_BUDGET = "budget"
_FOLD_ERRORS, _CORE_S = "fold_errors_ev_ang", "core_s"


@dataclass(frozen=True)
class Search:
    """One Optuna study of a sweep.

    Attributes:
        mode: tune (one objective) or pareto (error and price; the budget is searched).
        strategy: the strategy whose settings are searched.
        budget: accurate labels, or None where the budget is searched.
        n_cheap: cheap frames bought.
        section: what to search, from the sweep file.
        defaults: settings that are not searched.
    """

    mode: str
    strategy: Strategy
    budget: int | None
    n_cheap: int
    section: SearchSection
    defaults: Settings

    @property
    def name(self) -> str:
        """Name of the study in the journal."""
        return " ".join(map(str, (self.mode, self.strategy, *([] if self.budget is None else [self.budget]))))

    @property
    def keys(self) -> tuple[str, ...]:
        """Parameters of the study, in the order in which they are suggested."""
        own = searched_keys(self.strategy, self.section.space)
        return own if self.budget is not None else (_BUDGET, *own)

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """Ask Optuna for all parameters of a trial."""
        values = {}
        if self.budget is None:
            values[_BUDGET] = trial.suggest_categorical(_BUDGET, list(self.section.budgets))
        return values | suggest(trial, self.strategy, self.section.space)

    def settings(self, values: dict[str, Any]) -> Settings:
        """The settings that a trial's parameters stand for."""
        return apply_values(self.defaults, {k: v for k, v in values.items() if k != _BUDGET})

    @property
    def most_stages(self) -> int:
        """Stages that the search trains if no two trials share one."""
        return 3 * self.section.trials * self.section.folds * len(self.section.subset_seeds)

    def check(self, builder: ChainBuilder) -> None:
        """Refuse budgets that cannot be bought or cross-validated.

        Raises:
            InputError: a budget or n_cheap is larger than its pool, or too small for the folds.
        """
        for seed in self.section.subset_seeds:
            for budget in self.section.budgets if self.budget is None else (self.budget,):
                builder.folds(budget, seed, self.section.folds)
            if self.n_cheap:
                builder.bought_cheap(self.n_cheap, seed)

    def bought(self, values: dict[str, Any]) -> int:
        """The budget of a trial."""
        return int(values[_BUDGET]) if self.budget is None else self.budget


@dataclass(frozen=True)
class _Fold:
    """A chain trained without some of the bought labels, and those labels."""

    chain: tuple[StageSpec, ...]
    score: Frames


def searches_of(sweep: Sweep) -> list[Search]:
    """The Optuna studies of a sweep: one per tunable strategy and budget, or one per strategy in mode pareto.

    Raises:
        InputError: a section is there and no strategy has anything to search.
    """
    section = sweep.pareto if sweep.mode == "pareto" else sweep.tune
    if section is None:
        return []
    mode = "pareto" if sweep.mode == "pareto" else "tune"
    first = next(iter(sweep.finetune), None)
    found = []
    for budget in (None,) if mode == "pareto" else section.budgets:
        for strategy in sweep.strategies:
            if not searched_keys(strategy, section.space):
                continue
            n_cheap = (section.n_cheap or max(sweep.n_cheap)) if TRAITS[strategy].has_cheap_axis else 0
            found.append(Search(mode, strategy, budget, n_cheap, section, default_settings(sweep, first)))
    if not found:
        raise InputError(
            f"section {mode!r} searches what its space names, and none of it belongs to {', '.join(sweep.strategies)}: "
            f"add a key of one of their stages to the space, another strategy, or remove the section (kernels choose "
            "their length scale themselves)"
        )
    return found


def search_frames(searches: Sequence[Search], builder: ChainBuilder) -> list[Frames]:
    """All frames that the searches can touch, for describing them beforehand."""
    frames: list[Frames] = []
    for search in searches:
        for seed in search.section.subset_seeds:
            for budget in search.section.budgets:
                frames += builder.bought(budget, seed)
            if search.n_cheap:
                frames += builder.bought_cheap(search.n_cheap, seed)
    return frames


class SearchRunner:
    """Runs the searches of a sweep against its journal."""

    def __init__(
        self,
        searches: Sequence[Search],
        builder: ChainBuilder,
        prices: PriceList,
        pack_size: int,
        storage: JournalStorage,
    ) -> None:
        self._searches = searches
        self._builder = builder
        self._prices = prices
        self._pack_size = pack_size
        self._studies = {
            search.name: open_study(
                storage,
                search.name,
                search.section.model_dump(mode="json") | {"keys": list(search.keys)},
                1 if search.mode == "tune" else 2,
                search.section.sampler_seed,
            )
            for search in searches
        }
        for search in searches:
            settle_torn_trials(self._studies[search.name], search.keys)

    def run(self, bank: FrameBank, engine: StageEngine, executor: Executor) -> None:
        """Run every study up to its number of trials, finished ones of earlier runs included."""
        if not self._searches:
            return
        section = self._searches[0].section
        self._count(engine)
        for start in range(0, section.trials, section.trials_per_round):
            asked = [
                (search, trial)
                for search in self._searches
                for trial in self._ask(search, start, min(start + section.trials_per_round, section.trials))
            ]
            folds = [self._folds(search, trial.params) for search, trial in asked]
            chains = [fold.chain for own in folds for fold in own]
            self._recall_told(start, start + section.trials_per_round, engine)
            engine.recall(spec for chain in chains for spec in chain)
            for packs in plan_rounds(chains, self._pack_size):
                engine.train(packs, executor)
            for (search, trial), own in zip(asked, folds, strict=True):
                self._tell(search, trial, own, bank, engine)
            self._count(engine)

    def chosen(self) -> list[TunedSettings]:
        """What the one-standard-error rule takes from every finished tune study."""
        found = []
        for search in self._searches:
            taken = self._chosen_trial(search)
            if taken is not None and search.budget is not None:
                found.append(
                    TunedSettings(
                        strategy=search.strategy,
                        tuned_with_n=search.budget,
                        n_cheap=search.n_cheap,
                        settings=search.settings(taken.params),
                        trials=len(self._complete(search)),
                        values=dict(taken.params),
                    )
                )
        return found

    def trials(self) -> pd.DataFrame:
        """All trials as the table of `study.trials`."""
        rows = []
        for search in self._searches:
            taken = self._chosen_trial(search)
            number = None if taken is None else taken.number
            rows += [self._row(search, t, t.number == number) for t in counted_trials(self._studies[search.name])]
        return pd.DataFrame(rows)

    def importances(self) -> pd.DataFrame:
        """Shares of the variance of the cross-validated error: each parameter, and noise between subsets and folds."""
        rows: list[dict[str, Any]] = []
        for search in self._searches:
            rows += _importance_rows(search, self._studies[search.name])
        return pd.DataFrame(rows)

    def _ask(self, search: Search, start: int, stop: int) -> list[optuna.Trial]:
        """Trials of a round that are still to be told: those of a killed run, then new ones."""
        study = self._studies[search.name]
        known = {int(trial.user_attrs["index"]): trial for trial in counted_trials(study)}
        trials = []
        for index in range(start, stop):
            if index not in known:
                trials.append(ask_trial(study, index, search.section.sampler_seed, search.suggest))
            elif known[index].state == TrialState.RUNNING:
                # Optuna has no public way from a stored trial back to one that takes attributes.
                trials.append(optuna.Trial(study, known[index]._trial_id))  # noqa: SLF001
        return trials

    def _count(self, engine: StageEngine) -> None:
        told = [t for study in self._studies.values() for t in counted_trials(study) if t.state != TrialState.RUNNING]
        errors = [float(np.mean(t.user_attrs[_FOLD_ERRORS])) for t in told if t.state == TrialState.COMPLETE]
        total = sum(search.section.trials for search in self._searches)
        engine.count_trials(len(told), total, min(errors, default=None))

    def _recall_told(self, start: int, stop: int, engine: StageEngine) -> None:
        """Stages of a round's trials that an earlier session told: they belong to the ledger."""
        for search in self._searches:
            for trial in counted_trials(self._studies[search.name]):
                if trial.state != TrialState.RUNNING and start <= int(trial.user_attrs["index"]) < stop:
                    chains = [fold.chain for fold in self._folds(search, trial.params)]
                    engine.recall((spec for chain in chains for spec in chain), to_train=False)

    def _folds(self, search: Search, values: dict[str, Any]) -> list[_Fold]:
        settings, budget = search.settings(values), search.bought(values)
        return [
            _Fold(self._builder.chain(search.strategy, settings, split, search.n_cheap, seed), score)
            for seed in search.section.subset_seeds
            for split, score in self._builder.folds(budget, seed, search.section.folds)
        ]

    def _tell(
        self, search: Search, trial: optuna.Trial, folds: Sequence[_Fold], bank: FrameBank, engine: StageEngine
    ) -> None:
        study = self._studies[search.name]
        models = {key: result.model for key, result in engine.results.items()}
        finished = [engine.results.get(fold.chain[-1].key) for fold in folds]
        errors = [
            fold_error(bank, fold.score, fold.chain[-1], models)
            for fold, result in zip(folds, finished, strict=True)
            if result is not None and result.status == "ok"
        ]
        if len(errors) < len(folds) or not all(math.isfinite(error) for error in errors):
            study.tell(trial, state=TrialState.FAIL)
            return
        keys = {spec.key for fold in folds for spec in fold.chain}
        trial.set_user_attr(_FOLD_ERRORS, errors)
        trial.set_user_attr(_CORE_S, sum(engine.results[key].core_s for key in keys))
        mean = float(np.mean(errors))
        study.tell(trial, mean if search.mode == "tune" else (mean, sum(self._cost(search, trial.params))))

    def _cost(self, search: Search, values: dict[str, Any]) -> tuple[float, float]:
        budget = search.bought(values)
        cheap = self._prices.strategy_cheap_cpu_s(TRAITS[search.strategy].cheap, search.n_cheap, budget)
        return self._prices.accurate_cpu_s(budget), cheap

    def _chosen_trial(self, search: Search) -> FrozenTrial | None:
        """The setting to go on with; none in mode pareto, where the user weighs error against price."""
        if search.mode == "pareto":
            return None
        done = self._complete(search)
        if not done:
            return None
        errors = np.array([t.user_attrs[_FOLD_ERRORS] for t in done])
        return done[choose_setting(errors, [simplicity(search.settings(t.params)) for t in done])]

    def _complete(self, search: Search) -> list[FrozenTrial]:
        return [t for t in counted_trials(self._studies[search.name]) if t.state == TrialState.COMPLETE]

    def _row(self, search: Search, trial: FrozenTrial, chosen: bool) -> dict[str, Any]:
        errors = trial.user_attrs.get(_FOLD_ERRORS)
        accurate_cpu_s, cheap_cpu_s = self._cost(search, trial.params)
        weighted = search.settings(trial.params).gamma_rel
        return {
            "study": search.name,
            "mode": search.mode,
            "strategy": search.strategy,
            "trial": trial.number,
            "state": trial.state.name,
            "budget": search.bought(trial.params),
            "n_cheap": search.n_cheap,
            "gamma_rel": weighted if "pretrain" in TRAITS[search.strategy].stages else math.nan,
            "cv_force_mae_ev_ang": math.nan if errors is None else float(np.mean(errors)),
            "cv_force_mae_se_ev_ang": math.nan if errors is None else standard_error(errors),
            "cost_accurate_cpu_s": accurate_cpu_s,
            "cost_cheap_cpu_s": cheap_cpu_s,
            "core_s": trial.user_attrs.get(_CORE_S, math.nan),
            "chosen": chosen,
            "settings": json.dumps({k: "inf" if v == math.inf else v for k, v in trial.params.items()}),
        }


def fold_error(bank: FrameBank, score: Frames, last: StageSpec, models: Mapping[str, TrainedModel]) -> float:
    """Force MAE of a chain on the frames of a fold, eV/Å."""
    frames, rows = bank.levels[score.level], bank.rows_of(score.level, score.hashes)
    predicted = predict_chain(bank, score.level, rows, [last], models)
    return float((predicted.forces[0] - frames.forces[rows]).abs().mean())


def _importance_rows(search: Search, study: optuna.Study) -> list[dict[str, Any]]:
    """PED-ANOVA shares (Watanabe et al., IJCAI 2023) of the variance that is not noise."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    varied = [key for key in search.keys if len({str(t.params[key]) for t in done}) > 1]
    if len(done) < 4 or not varied:
        return []
    noise = noise_share(np.array([t.user_attrs[_FOLD_ERRORS] for t in done]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Optuna reminds everyone who names a target to minimise it
        shares = optuna.importance.get_param_importances(
            study,
            evaluator=optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.5),
            params=varied,
            target=lambda trial: trial.values[0],  # noqa: PD011 - not a data frame
        )
    total = sum(shares.values())
    noise = noise if total else 1.0  # nothing that was varied tells good trials from bad ones
    row = {"study": search.name, "strategy": search.strategy, "budget": search.budget}
    named = [
        {**row, "parameter": key, "importance": (1 - noise) * share / (total or 1.0), "kind": "parameter"}
        for key, share in shares.items()
    ]
    return [*named, {**row, "parameter": "subset seeds and folds", "importance": noise, "kind": "seed_noise"}]
