"""The searches of a sweep: run in rounds or asynchronously, then what they chose and the tables of their trials."""

from __future__ import annotations

import json
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import TrialState

from study.recipes.recipes import TunedSettings
from study.recipes.settings import simplicity
from study.search.asynchronous import run_async
from study.search.one_se_rule import choose_setting, noise_share, standard_error
from study.search.rounds import run_rounds
from study.search.trial_tracker import CORE_S, FOLD_ERRORS
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from study.engine.engine import StageEngine
    from study.engine.executors import Executor
    from study.recipes.search import Search
    from study.search.trial_tracker import TrialBook


class SearchRunner:
    """Runs the searches of a sweep against its journal.

    Args:
        book: the trials.
        pack_size: most models of a pack.
    """

    def __init__(self, book: TrialBook, pack_size: int) -> None:
        self._book, self._pack_size = book, pack_size

    def run(self, engine: StageEngine, executor: Executor) -> None:
        """Run every study up to its number of trials, finished ones of earlier sessions included."""
        if not self._book.searches:
            return
        self._book.count()
        run = run_async if self._book.searches[0].section.schedule == "async" else run_rounds
        run(self._book, engine, executor, self._pack_size)

    def chosen(self) -> list[TunedSettings]:
        """What the one-standard-error rule takes from every finished tune study."""
        found = []
        for search in self._book.searches:
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
        """All trials as the table of `study.tables.trials`."""
        rows = []
        for search in self._book.searches:
            taken = self._chosen_trial(search)
            number = None if taken is None else taken.number
            rows += [self._row(search, t, t.number == number) for t in self._book.trials(search)]
        return pd.DataFrame(rows)

    def importances(self) -> pd.DataFrame:
        """Shares of the variance of the cross-validated error: each parameter, and noise between subsets and folds."""
        rows: list[dict[str, Any]] = []
        for search in self._book.searches:
            rows += _importance_rows(search, self._book.studies[search.name])
        return pd.DataFrame(rows)

    def _chosen_trial(self, search: Search) -> FrozenTrial | None:
        """The setting to go on with; none in mode pareto, where the user weighs error against price."""
        if search.mode == "pareto":
            return None
        done = self._complete(search)
        if not done:
            return None
        errors = np.array([t.user_attrs[FOLD_ERRORS] for t in done])
        return done[choose_setting(errors, [simplicity(search.settings(t.params)) for t in done])]

    def _complete(self, search: Search) -> list[FrozenTrial]:
        return [t for t in self._book.trials(search) if t.state == TrialState.COMPLETE]

    def _row(self, search: Search, trial: FrozenTrial, chosen: bool) -> dict[str, Any]:
        errors = trial.user_attrs.get(FOLD_ERRORS)
        counts = self._book.counts(search, trial.params)
        accurate_cpu_s, cheap_cpu_s = self._book.prices.cpu_s(counts)
        weighted = search.settings(trial.params).gamma_rel
        return {
            "study": search.name,
            "mode": search.mode,
            "strategy": search.strategy,
            "trial": trial.number,
            "state": trial.state.name,
            "budget": search.bought(trial.params),
            "n_cheap": search.n_cheap,
            "gamma_rel": weighted if STRATEGIES[search.strategy].cheap.labels else math.nan,
            "cv_force_mae_ev_ang": math.nan if errors is None else float(np.mean(errors)),
            "cv_force_mae_se_ev_ang": math.nan if errors is None else standard_error(errors),
            **counts.columns(),
            "cost_accurate_cpu_s": accurate_cpu_s,
            "cost_cheap_cpu_s": cheap_cpu_s,
            "core_s": trial.user_attrs.get(CORE_S, math.nan),
            "chosen": chosen,
            "settings": json.dumps({k: "inf" if v == math.inf else v for k, v in trial.params.items()}),
        }


def _importance_rows(search: Search, study: optuna.Study) -> list[dict[str, Any]]:
    """PED-ANOVA shares (Watanabe et al., IJCAI 2023) of the variance that is not noise."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    varied = [key for key in search.keys if len({str(t.params[key]) for t in done}) > 1]
    if len(done) < 4 or not varied:
        return []
    noise = noise_share(np.array([t.user_attrs[FOLD_ERRORS] for t in done]))
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
