"""Real tiny sweeps: complete, repeated, stopped and resumed to the same last bit."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_sweep import PACKS, Counting, copy_of, lines, quiet, run, stage_files

from study.config.sweep_text import sweep_plain
from study.engine.store import StageStore
from study.prices import PriceList
from study.run.run import run_workload
from study.tables.manifest import read_manifest
from study.tables.results import read_results

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from asteroid.stages.stage import StageResult
    from study.engine.executors import PackJob
    from study.engine.progress import Progress
    from study.recipes.workload import Workload


def test_the_table_is_complete_and_valid(tiny_workload: Workload, tiny_run: Path) -> None:
    table = read_results(tiny_run)
    rows = Counter(table["strategy"])
    assert rows == {"accurate_only": 4, "cheap_only": 2, "pretrain_finetune": 4, "asteroid": 4}
    assert (table["status"] == "ok").all()
    for name in ("test_force_mae_ev_ang", "test_force_rmse_ev_ang", "test_energy_mae_ev", "val_force_mae_ev_ang"):
        assert np.isfinite(table[name]).all(), name
        assert (table[name] > 0).all(), name
    assert (table["test_force_rmse_ev_ang"] >= table["test_force_mae_ev_ang"]).all()
    assert (table["n_train"] + table["n_val"] == table["budget"]).all()
    assert (table["cost_accurate_cpu_s"] == 28.0 * table["budget"]).all()
    assert np.allclose(table["cost_cheap_cpu_s"], 0.052 * table["n_cheap"], rtol=1e-14)
    assert (table["n_test"] == 20).all()
    keys = {key for row in table["stage_keys"] for key in row.split()}
    assert keys == tiny_workload.stages.keys() == {path.name for path in (tiny_run / "store").iterdir()}
    assert len(keys) == sum(PACKS)


def test_the_manifest_says_everything_else(tiny_workload: Workload, tiny_run: Path) -> None:
    text = (tiny_run / "manifest.json").read_text()
    manifest = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert manifest.pop("digest")
    assert manifest == read_manifest(tiny_run)
    assert manifest["status"] == "complete"
    assert manifest["sweep"] == sweep_plain(tiny_workload.sweep)
    assert (manifest["rows"], manifest["stages"]) == (14, 18)
    assert manifest["molecule"] == "CH4O"
    assert (manifest["level_accurate"], manifest["level_cheap"]) == ("ccsd_t/cc-pvdz", "gfn2-xtb")
    assert (manifest["n_test"], manifest["pool_size"]) == (20, 60)
    assert PriceList.from_json(manifest["prices"]) == tiny_workload.data.prices
    ledger = manifest["ledger"]
    # Budgets nest within a seed, so each seed buys 15 labels and 40 cheap frames; the two seeds may share some.
    assert 15 < ledger["accurate_labels_assumed_bought"] <= 30
    assert 40 < ledger["cheap_frames_assumed_bought"] <= 80
    assert ledger["accurate_cpu_s"] == 28.0 * ledger["accurate_labels_assumed_bought"]
    assert (ledger["evaluation_labels"], ledger["evaluation_cpu_s"]) == (20, 560.0)
    store = StageStore(tiny_run / "store")
    spent = sum(store.load(key).core_s for key in tiny_workload.stages)
    assert ledger["sweep_core_s"] == pytest.approx(spent, rel=1e-12)
    for name in ("torch", "numpy", "python"):
        assert manifest["versions"][name]
    assert manifest["hardware"]["cores"] == os.cpu_count()


def test_a_run_leaves_no_temporary_files(tiny_run: Path) -> None:
    assert sorted(p.name for p in tiny_run.iterdir()) == [
        ".lock",
        "digests.json",
        "manifest.json",
        "results.csv",
        "results.parquet",
        "store",
        "sweep.yaml",
    ]


def test_run_again_trains_nothing(tiny_workload: Workload, tiny_run: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_run, tmp_path)
    before, table = stage_files(folder), lines(folder, ("use_cpu_s_per_frame",))
    again = Counting()
    run(tiny_workload, folder, again)
    assert again.packs == []
    assert again.closed == 1
    assert stage_files(folder) == before
    assert lines(folder, ("use_cpu_s_per_frame",)) == table, "seconds of training are those of the first run"


def test_two_packs_at_once_give_the_same_table(tiny_workload: Workload, tiny_run: Path, tmp_path: Path) -> None:
    class TwoAtOnce(Counting):
        """Trains two packs at the same time."""

        slots = 2

        def submit(self, job: PackJob) -> Future[list[StageResult]]:
            return threads.submit(lambda: super(TwoAtOnce, self).submit(job).result())

    with ThreadPoolExecutor(2) as threads:
        run(tiny_workload, tmp_path / "run", TwoAtOnce())
    assert lines(tmp_path / "run") == lines(tiny_run)


@pytest.mark.parametrize("stop_before", [0, 2, 3])
def test_stopped_before_a_pack_and_resumed(
    tiny_workload: Workload, tiny_run: Path, tmp_path: Path, stop_before: int
) -> None:
    stopped = Counting(stop_before)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_workload, tmp_path, stopped)
    assert stopped.closed == 1
    assert read_manifest(tmp_path)["status"] == "running"
    kept = stage_files(tmp_path)
    assert len(kept) == 2 * sum(PACKS[:stop_before])
    if stop_before:
        partial = read_results(tmp_path)  # the rows whose stages are finished
        assert len(partial) == {2: 5, 3: 6}[stop_before]
    resumed = Counting()
    run(tiny_workload, tmp_path, resumed)
    assert stopped.trained + resumed.trained == Counter(tiny_workload.stages.keys()), "each stage once"
    assert kept.items() <= stage_files(tmp_path).items()
    assert lines(tmp_path) == lines(tiny_run)
    assert read_manifest(tmp_path)["status"] == "complete"


def test_progress_counts_stages_and_steps(tiny_workload: Workload, tmp_path: Path) -> None:
    seen: list[Progress] = []
    with pytest.raises(KeyboardInterrupt):
        run_workload(tiny_workload, tmp_path, Counting(1), seen.append, quiet)
    first_half = len(seen)
    run_workload(tiny_workload, tmp_path, Counting(), seen.append, quiet)
    total = 4 * 20 + 6 * 24 + 8 * 20
    assert {p.stages_total for p in seen} == {18}
    assert [p.stages_done for p in seen] == sorted(p.stages_done for p in seen)
    assert (seen[0].stages_done, seen[first_half].stages_done, seen[-1].stages_done) == (0, 4, 18)
    assert (seen[0].stages_kept, seen[-1].stages_kept) == (0, 4)
    assert seen[0].steps_total == total
    assert (seen[-1].steps_done, seen[-1].steps_total) == (total - 80, total - 80)
    steps = [p.steps_done for p in seen[first_half:]]
    assert steps == sorted(steps)
    assert seen[0].left_s is None
    assert seen[-1].left_s == 0.0
    assert {p.stages_shared for p in seen} == {26 - 18}
    assert seen[0].core_s == 0
    trained_core_s = read_manifest(tmp_path)["sharing"]["trained_core_s"]
    assert seen[-1].core_s == pytest.approx(trained_core_s, rel=1e-12)
    assert trained_core_s > 0
    assert seen[-1].done_by_kind == {"identify": (4, 4), "pretrain": (6, 6), "finetune": (8, 8)}
    assert all(math.isfinite(error) and error > 0 for error in seen[-1].best_val_ev_ang.values())
