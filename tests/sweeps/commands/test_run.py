"""The command `run`: a tiny real sweep, repeated, extended, shared and killed; one line for every mistake."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from command_line import answer, refused

if TYPE_CHECKING:
    from pathlib import Path

SWEEP = """
name: tiny
data: {dataset: methanol}
test: {groups: [3]}
strategies: [accurate_only, cheap_only, pretrain_finetune, asteroid]
budgets: [10, 15, 20, 30]
n_cheap: [60]
gamma_rel: [1, inf]
seeds: [0, 1]
model: {hidden: 8}
descriptors: {n_radial: 4, n_angular: 2, l_max: 1}
identify: {steps: 60, learning_rate: 0.02}
pretrain: {steps: 60, learning_rate: 0.02}
finetune:
  standard: {steps: 40, learning_rate: 0.005}
"""


def stage_times(run: Path) -> dict[Path, int]:
    """When each finished stage was written; names with a leading dot are half-written."""
    stages = [p for p in run.glob("store/*/stage.json") if not p.parent.name.startswith(".")]
    return {p: p.stat().st_mtime_ns for p in stages}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    (folder / "tiny.yaml").write_text(SWEEP)
    code, out, err = answer("run", str(folder / "tiny.yaml"), "--out", str(folder / "run"))
    assert (code, err) == (0, "")
    assert "kcal/mol" in out, "units are always printed"
    assert "ccsd_t/cc-pvdz" in out
    return folder / "run"


def test_run_writes_table_and_manifest(finished: Path) -> None:
    table = pd.read_csv(finished / "results.csv")
    assert len(table) == 2 * (4 + 1 + 4 + 4)
    assert (table["status"] == "ok").all()
    assert json.loads((finished / "manifest.json").read_text())["status"] == "complete"


def test_a_second_run_trains_nothing_and_keeps_the_table(finished: Path) -> None:
    before = pd.read_csv(finished / "results.csv")
    stages = {p: p.stat().st_mtime_ns for p in (finished / "store").glob("*/*")}
    code, _, _ = answer("run", str(finished.parent / "tiny.yaml"), "--out", str(finished))
    assert code == 0
    again = pd.read_csv(finished / "results.csv")
    measured = "use_cpu_s_per_frame"  # anew by every run; seconds of training are those of the first one
    pd.testing.assert_frame_equal(again.drop(columns=measured), before.drop(columns=measured), check_exact=True)
    assert {p: p.stat().st_mtime_ns for p in (finished / "store").glob("*/*")} == stages


def test_two_runs_of_one_store(finished: Path, tmp_path: Path) -> None:
    sweep, store = str(finished.parent / "tiny.yaml"), tmp_path / "stages"
    shutil.copytree(finished / "store", store)
    words = ("run", sweep, "--out", str(tmp_path / "b"))
    code, out, err = answer(*words, "--store", str(store))
    assert (code, err) == (0, "")
    stages = len(list(store.iterdir()))
    assert f"{stages} of {stages} stages are there already" in out
    code, out, _ = answer("status", str(tmp_path / "b"))
    assert code == 0
    assert f"{stages} distinct, 0 trained here, {stages} found finished in {store.resolve()}; " in out
    assert "core-seconds)" in out
    code, _, err = answer(*words)
    assert (code, err.count("\n")) == (2, 1)
    assert f"add --store {store.resolve()}" in err


@pytest.mark.parametrize(
    ("sweep", "says"), [("quickstrat", "did you mean 'quickstart'"), ("no/such.yaml", "presets are")]
)
def test_neither_a_file_nor_a_preset(tmp_path: Path, sweep: str, says: str) -> None:
    assert says in refused("run", sweep, "--out", tmp_path / "run")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (("budgets:", "budget:"), "did you mean 'budgets'"),
        (("[10, 15, 20, 30]", "[10, 5000]"), "the largest possible is 1025"),
        (("gamma_rel: [1,", "gamma_rel: [-1,"), "positive"),
        (("groups: [3]", "groups: [7]"), "7"),
        (("steps: 60,", "steps: many,"), "many"),
    ],
)
def test_a_wrong_sweep_writes_nothing(tmp_path: Path, edit: tuple[str, str], says: str) -> None:
    assert edit[0] in SWEEP
    sweep = tmp_path / "wrong.yaml"
    sweep.write_text(SWEEP.replace(*edit))
    code, _, err = answer("run", str(sweep), "--out", str(tmp_path / "run"))
    assert code == 2
    assert err.count("\n") == 1
    assert says in err
    assert not (tmp_path / "run").exists()


def test_a_folder_of_another_sweep_is_left_alone(finished: Path, tmp_path: Path) -> None:
    sweep = tmp_path / "other.yaml"
    sweep.write_text(SWEEP.replace("seeds: [0, 1]", "seeds: [0, 2]"))
    before = sorted(p.name for p in finished.rglob("*"))
    code, _, err = answer("run", str(sweep), "--out", str(finished))
    assert code == 2
    assert "seeds" in err
    assert sorted(p.name for p in finished.rglob("*")) == before


def test_a_sweep_that_only_grew_goes_on_with_extend(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    kept = stage_times(tmp_path / "run")
    sweep = tmp_path / "tiny.yaml"
    sweep.write_text(SWEEP.replace("budgets: [10, 15, 20, 30]", "budgets: [10, 15, 20, 30, 40]"))
    words = ("run", str(sweep), "--out", str(tmp_path / "run"))
    code, _, err = answer(*words)
    assert code == 2
    assert "budgets" in err
    assert "--extend" in err
    assert answer(*words, "--extend")[0] == 0
    table = pd.read_csv(tmp_path / "run" / "results.csv")
    assert set(table["budget"]) == {0, 10, 15, 20, 30, 40}
    assert kept.items() <= stage_times(tmp_path / "run").items(), "no finished stage is trained again"
    sweep.write_text(SWEEP)
    code, _, err = answer(*words, "--extend")
    assert code == 2
    assert "another sweep" in err


def test_sigkill_and_repeat_give_the_same_table(finished: Path, tmp_path: Path) -> None:
    words = ["run", str(finished.parent / "tiny.yaml"), "--out", str(tmp_path / "run")]
    command = [sys.executable, "-m", "sweeps", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store = tmp_path / "run" / "store"
    deadline = time.monotonic() + 120
    while len(list(store.glob("*/stage.json"))) < 9 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run was over before it could be killed"
    kept = stage_times(tmp_path / "run")
    assert answer(*words)[0] == 0
    assert kept.items() <= stage_times(tmp_path / "run").items()
    timing = ["recipe_core_s", "use_cpu_s_per_frame"]
    once, twice = (pd.read_csv(run / "results.csv").drop(columns=timing) for run in (finished, tmp_path / "run"))
    pd.testing.assert_frame_equal(once, twice, check_exact=True)
