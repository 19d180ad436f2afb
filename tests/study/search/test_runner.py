"""Searches end to end: a tiny sweep that tunes first, uninterrupted and killed."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from tiny_search import SWEEP, sweep_of

from study.engine.executors import SerialExecutor
from study.recipes.workload import make_workload
from study.run.run import run_workload
from study.tables.manifest import read_manifest
from study.tables.results import read_results
from study.tables.trials import read_importances, read_trials

if TYPE_CHECKING:
    from pathlib import Path

    from study.engine.progress import Progress
    from study.recipes.workload import Workload

#: Where a run is killed: once its journal has so many records and its store so many stages.
KILLS = ("25-0", "60-5", "0-60")
DRIVER = """
import os, signal, sys, time
from pathlib import Path

from study.config.sweep_text import read_sweep
from study.engine.executors import SerialExecutor
from study.recipes.workload import make_workload
from study.run.run import run_workload

folder = Path(sys.argv[1])
workload = make_workload(read_sweep(folder / "sweep.yaml"))
for place in sys.argv[2:]:
    run, (records, stages) = folder / place, map(int, place.split("-"))
    journal = run / "optuna.journal"
    child = os.fork()
    if not child:
        run_workload(workload, run, SerialExecutor, lambda _: None, lambda _: None)
        os._exit(0)
    while not (status := os.waitpid(child, os.WNOHANG))[0]:
        lines = journal.read_bytes().count(b"\\n") if journal.exists() else 0
        if lines >= records and len(list(run.glob("store/*/stage.json"))) >= stages:
            os.kill(child, signal.SIGKILL)
            status = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    print(os.WTERMSIG(status[1]) if os.WIFSIGNALED(status[1]) else "exit")
"""
TIMING = ["recipe_core_s", "use_cpu_s_per_frame"]


def stage_times(run: Path) -> dict[Path, int]:
    """When each finished stage was written; names with a leading dot are half-written."""
    stages = [p for p in run.glob("store/*/stage.json") if not p.parent.name.startswith(".")]
    return {p: p.stat().st_mtime_ns for p in stages}


def ignore(_: object) -> None:
    return None


@pytest.fixture(scope="module")
def workload() -> Workload:
    return make_workload(sweep_of())


@pytest.fixture(scope="module")
def finished(workload: Workload, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuning") / "run"
    notes: list[str] = []
    seen: list[Progress] = []
    run_workload(workload, folder, SerialExecutor, seen.append, notes.append)
    assert list(dict.fromkeys((p.trials_done, p.trials_total) for p in seen)) == [
        (0, 0),
        (0, 15),
        (6, 15),
        (12, 15),
        (15, 15),
    ]
    trials = read_trials(folder)
    assert trials is not None
    assert seen[-1].best_trial_ev_ang == pytest.approx(trials["cv_force_mae_ev_ang"].min(), rel=1e-12)
    assert len(notes) == 3, "one line per study says what was chosen"
    return folder


def test_every_strategy_gets_the_same_number_of_trials(finished: Path) -> None:
    trials = read_trials(finished)
    assert trials is not None
    assert trials.groupby("strategy").size().to_dict() == {"accurate_only": 5, "asteroid": 5, "pretrain_finetune": 5}
    assert (trials["state"] == "COMPLETE").all()
    assert trials.groupby("study")["chosen"].sum().eq(1).all()


def test_tuned_rows_start_at_the_budget_they_were_tuned_with(finished: Path) -> None:
    tuned = read_results(finished).query("schedule == 'tuned'")
    assert set(tuned["budget"]) == {15, 20}
    assert set(tuned["tuned_with_n"]) == {15}
    assert tuned.groupby("strategy").size().eq(4).all()


def test_tuned_stages_alone_are_trained_again(workload: Workload, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    tuned = read_results(finished).query("schedule == 'tuned'")
    lost = {keys.split()[-1] for keys in tuned["stage_keys"]}
    for key in lost:
        shutil.rmtree(tmp_path / "run" / "store" / key)
    again = run_workload(workload, tmp_path / "run", SerialExecutor, ignore, ignore)
    expected = read_results(finished).drop(columns=TIMING)
    pd.testing.assert_frame_equal(again.drop(columns=TIMING), expected, check_exact=True)


def test_a_repeated_run_keeps_the_ledger_of_its_trials(workload: Workload, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    run_workload(workload, tmp_path / "run", SerialExecutor, ignore, ignore)
    once, again = read_manifest(finished), read_manifest(tmp_path / "run")
    for name in ("stages", "sharing", "ledger"):
        assert again[name] == once[name], name
    trials = 3 * 5 * 2 * 2  # studies, trials, folds, subset seeds
    assert once["sharing"]["stages_requested"] > trials


def test_importances_are_shares(finished: Path) -> None:
    importances = read_importances(finished)
    assert importances is not None
    np.testing.assert_allclose(importances.groupby("study")["importance"].sum(), 1.0)
    assert set(importances["kind"]) == {"parameter", "seed_noise"}


def test_pareto_searches_the_budget_for_error_and_price(tmp_path: Path) -> None:
    text = SWEEP.replace("name: tuned", "name: pareto\nmode: pareto").replace("\ntune:", "\npareto:")
    text = text.replace("budgets: [15]", "budgets: [12, 24]").replace("strategies: [accurate_only, ", "strategies: [")
    table = run_workload(make_workload(sweep_of(text)), tmp_path / "run", SerialExecutor, ignore, ignore)
    trials = read_trials(tmp_path / "run")
    assert table.empty
    assert trials is not None
    assert set(trials["budget"]) <= {12, 24}
    assert set(trials["study"]) == {"pareto pretrain_finetune", "pareto asteroid"}
    assert not trials["chosen"].any()
    assert (trials["cost_accurate_cpu_s"] == 28.0 * trials["budget"]).all()
    cheap = [json.loads(text)["budget"] for text in trials["settings"]]
    assert cheap == trials["budget"].tolist()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of runs that were killed by SIGKILL, all in another process, and their sweep file."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "driver.py").write_text(DRIVER)
    (folder / "sweep.yaml").write_text(SWEEP)
    words = [sys.executable, folder / "driver.py", folder, *KILLS]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=True)
    assert done.stdout.split() == ["9"] * len(KILLS), "a run was over before it could be killed"
    return folder


@pytest.mark.parametrize("place", KILLS)
def test_sigkill_and_repeat_give_the_same_tables(workload: Workload, finished: Path, killed: Path, place: str) -> None:
    run = killed / place
    kept = stage_times(run)
    run_workload(workload, run, SerialExecutor, ignore, ignore)
    assert kept.items() <= stage_times(run).items()
    pd.testing.assert_frame_equal(
        read_results(finished).drop(columns=TIMING), read_results(run).drop(columns=TIMING), check_exact=True
    )
    once, again = read_trials(finished), read_trials(run)
    assert once is not None
    assert again is not None
    unlike = ["core_s", "trial"]  # a half-suggested trial keeps its number and is asked again
    pd.testing.assert_frame_equal(once.drop(columns=unlike), again.drop(columns=unlike), check_exact=True)


def test_infinite_gamma_survives_the_journal(finished: Path) -> None:
    trials = read_trials(finished)
    assert trials is not None
    asteroid = trials[trials["strategy"] == "asteroid"]
    assert set(asteroid["gamma_rel"]) <= {0.3, 1.0, math.inf}
    assert (trials.loc[trials["strategy"] == "pretrain_finetune", "gamma_rel"] == math.inf).all()


def test_strategies_without_a_search_and_searches_without_a_result_are_named(tmp_path: Path) -> None:
    text = SWEEP.replace(
        "strategies: [accurate_only, pretrain_finetune, asteroid]", "strategies: [accurate_only, gdml]"
    )
    text = (
        text.replace("trials: 5", "trials: 2").replace("mode: curve", "").replace("name: tuned", "name: t\nmode: tune")
    )
    # So fast that every loss overflows.
    text = text.replace(
        "identify_learning_rate: {low: 0.003, high: 0.05}", "identify_learning_rate: [1.0e+30, 1.0e+32]"
    )
    notes: list[str] = []
    run_workload(make_workload(sweep_of(text)), tmp_path / "run", SerialExecutor, ignore, notes.append)
    assert "gdml has nothing to search: left out of the trials" in notes
    assert any(note.startswith("all 2 trials of 'tune accurate_only 15' failed") for note in notes), notes
