"""What the searches of a sweep have found: the chosen settings, and the tables of trials and importances."""

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
from study.search.one_se_rule import choose_setting, noise_share, standard_error
from study.search.trial_tracker import CORE_S, FOLD_ERRORS
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from study.recipes.search import Search
    from study.search.trial_tracker import TrialTracker


def chosen_settings(tracker: TrialTracker) -> list[TunedSettings]:
    """What the one-standard-error rule takes from every finished tune study."""
    found = []
    for search in tracker.searches:
        chosen = _chosen_trial(tracker, search)
        if chosen is not None and search.budget is not None:
            found.append(
                TunedSettings(
                    strategy=search.strategy,
                    tuned_with_n=search.budget,
                    lower=search.lower,
                    settings=search.settings(chosen.params),
                    trials=len(_complete(tracker, search)),
                    values=dict(chosen.params),
                )
            )
    return found


def trials_table(tracker: TrialTracker) -> pd.DataFrame:
    """All trials as the table of `study.tables.trials`."""
    rows = []
    for search in tracker.searches:
        chosen = _chosen_trial(tracker, search)
        number = None if chosen is None else chosen.number
        rows += [_trial_row(tracker, search, t, t.number == number) for t in tracker.trials(search)]
    return pd.DataFrame(rows)


def importances_table(tracker: TrialTracker) -> pd.DataFrame:
    """Shares of the variance of the cross-validated error: each parameter, and noise between subsets and folds."""
    rows: list[dict[str, Any]] = []
    for search in tracker.searches:
        rows += _importance_rows(search, tracker.studies[search.name])
    return pd.DataFrame(rows)


def _chosen_trial(tracker: TrialTracker, search: Search) -> FrozenTrial | None:
    """The setting to go on with; none in mode pareto, where the user weighs error against price."""
    if search.mode == "pareto":
        return None
    done = _complete(tracker, search)
    if not done:
        return None
    errors = np.array([t.user_attrs[FOLD_ERRORS] for t in done])
    return done[choose_setting(errors, [simplicity(search.settings(t.params)) for t in done])]


def _complete(tracker: TrialTracker, search: Search) -> list[FrozenTrial]:
    return [t for t in tracker.trials(search) if t.state == TrialState.COMPLETE]


def _trial_row(tracker: TrialTracker, search: Search, trial: FrozenTrial, chosen: bool) -> dict[str, Any]:
    errors = trial.user_attrs.get(FOLD_ERRORS)
    counts = tracker.counts(search, trial.params)
    accurate_cpu_s, cheap_cpu_s = tracker.prices.cpu_s(counts)
    weighted = search.settings(trial.params).gamma_rel
    return {
        "study": search.name,
        "mode": search.mode,
        "strategy": search.strategy,
        "trial": trial.number,
        "state": trial.state.name,
        "budget": search.bought(trial.params),
        "n_cheap": search.lower.n_cheap,
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
