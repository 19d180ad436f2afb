"""What Optuna costs per trial, ask and tell together, when a study has 2,000 trials.

    python benchmarks/ask_tell.py [--trials 2000] [--round 8]

The search of preset `quickstart` (mode tune, one error to minimise) and that of preset `budget` (mode pareto, error and
price, the budget searched as well), strategy `asteroid`, with made-up errors in the place of training. This project's
way: the trials in the journal are looked through before a round is asked and after it is told, every trial gets a
sampler with a seed of its own and its index, and is told with the attributes that the tables need. `--round 1` looks
through the trials at every ask and tell. For comparison the same space with Optuna alone: a JournalStorage, one
TPESampler, ask, suggest, tell.

Printed are milliseconds per trial, wall if not said otherwise: means of the last 100 trials, and of all. Target: at
most 100 ms. Takes about four minutes on one core.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from study.config.sweep_text import parse_sweep
from study.recipes.workload import make_workload
from study.search.journal import ask_trial, counted_trials, open_journal, open_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from study.recipes.search import Search

#: By trial: wall seconds of ask, wall seconds of tell, CPU seconds of both.
Seconds = tuple[list[float], list[float], list[float]]
#: Trials at the end that the target is about.
LAST = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000, help="trials of each study")
    parser.add_argument("--round", type=int, default=8, help="trials that are asked before they are told")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(f"{options.trials} trials in rounds of {options.round}, load {os.getloadavg()[0]:.1f}\n")
    print(f"| search | | last {LAST} trials: ask | tell | both | CPU | all trials |\n|---|---|---|---|---|---|---|")
    for preset in ("quickstart", "budget"):
        search = search_of(preset)
        for name, run in (("this project", run_project), ("Optuna alone", run_plain)):
            with tempfile.TemporaryDirectory() as folder:
                ask_s, tell_s, cpu_s = run(search, Path(folder), options.trials, options.round)
            ask_ms, tell_ms, cpu_ms = (1000 * statistics.mean(seconds[-LAST:]) for seconds in (ask_s, tell_s, cpu_s))
            all_ms = 1000 * (statistics.mean(ask_s) + statistics.mean(tell_s))
            print(
                f"| `{preset}`, {search.mode}, {len(search.keys)} parameters | {name} | {ask_ms:.1f} ms "
                f"| {tell_ms:.1f} ms | {ask_ms + tell_ms:.1f} ms | {cpu_ms:.1f} ms | {all_ms:.1f} ms |",
                flush=True,
            )


def search_of(preset: str) -> Search:
    """The search of strategy `asteroid` in a preset."""
    text = (resources.files("sweeps") / "presets" / f"{preset}.yaml").read_text()
    return next(s for s in make_workload(parse_sweep(text, preset, Path())).searches if s.strategy == "asteroid")


def run_project(search: Search, folder: Path, trials: int, per_round: int) -> Seconds:
    """Rounds as `study.search.rounds.run_rounds` makes them."""
    storage = open_journal(folder, print)
    seed = search.section.sampler_seed
    study = open_study(storage, search.name, {"keys": list(search.keys)}, 1 if search.mode == "tune" else 2, seed)

    def ask(start: int, stop: int) -> list[optuna.Trial]:
        known = {int(trial.user_attrs["index"]) for trial in counted_trials(study)}
        return [ask_trial(study, index, seed, search.suggest) for index in range(start, stop) if index not in known]

    def tell(asked: list[optuna.Trial]) -> None:
        for trial in asked:
            errors, price = outcome(search, trial)
            trial.set_user_attr("fold_errors_ev_ang", errors)
            trial.set_user_attr("core_s", 1.0)
            study.tell(trial, value(search, errors, price))
        min(float(np.mean(t.user_attrs["fold_errors_ev_ang"])) for t in counted_trials(study) if t.values)

    return timed_rounds(ask, tell, trials, per_round)


def run_plain(search: Search, folder: Path, trials: int, per_round: int) -> Seconds:
    """The same with Optuna alone."""
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(folder / "plain.journal"))),
        directions=["minimize"] * (1 if search.mode == "tune" else 2),
        sampler=TPESampler(seed=search.section.sampler_seed),
    )

    def ask(start: int, stop: int) -> list[optuna.Trial]:
        asked = [study.ask() for _ in range(start, stop)]
        for trial in asked:
            search.suggest(trial)
        return asked

    def tell(asked: list[optuna.Trial]) -> None:
        for trial in asked:
            study.tell(trial, value(search, *outcome(search, trial)))

    return timed_rounds(ask, tell, trials, per_round)


def timed_rounds(
    ask: Callable[[int, int], list[optuna.Trial]],
    tell: Callable[[list[optuna.Trial]], None],
    trials: int,
    per_round: int,
) -> Seconds:
    """Ask and tell round by round; a round's seconds are shared by its trials."""
    spent: Seconds = ([], [], [])
    for start in range(0, trials, per_round):
        stop = min(start + per_round, trials)
        cpu_s, began = time.process_time(), time.monotonic()
        asked = ask(start, stop)
        between = time.monotonic()
        tell(asked)
        ended, cpu_s = time.monotonic(), time.process_time() - cpu_s
        for seconds, total in zip(spent, (between - began, ended - between, cpu_s), strict=True):
            seconds += [total / (stop - start)] * (stop - start)
    return spent


def outcome(search: Search, trial: optuna.Trial) -> tuple[list[float], float]:
    """Made-up errors of the folds, smooth in the parameters but for the noise, and the price."""
    rate, gamma_rel = trial.params["finetune_learning_rate"], trial.params["gamma_rel"]
    budget = search.bought(trial.params)
    level = budget**-0.5 * (1 + 0.1 * math.log(rate / 0.0007) ** 2 + 0.05 / gamma_rel)
    folds = search.section.folds * len(search.section.subset_seeds)
    noise = np.random.default_rng(trial.number).normal(0.0, 0.02 * level, folds)
    return (level + noise).tolist(), float(budget)


def value(search: Search, errors: list[float], price: float) -> Any:
    """What is told: the error, or error and price."""
    mean = statistics.mean(errors)
    return mean if search.mode == "tune" else (mean, price)


if __name__ == "__main__":
    main()
