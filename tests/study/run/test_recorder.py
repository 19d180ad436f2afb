"""Manifest and tables of a run that goes on: when they are written, and what of failures they keep."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from study.engine.catalog import StageCatalog
from study.engine.failures import Failure, FailureLog
from study.engine.progress import ProgressCounter
from study.engine.store import StageStore
from study.run import recorder as run_recorder
from study.run.recorder import RunRecorder
from study.run.rows import RowMaker
from study.tables.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from study.recipes.workload import Workload


def recorder_of(
    workload: Workload, folder: Path, store: Path, failures: FailureLog, earlier: list[dict[str, Any]]
) -> RunRecorder:
    catalog = StageCatalog(StageStore(store), ProgressCounter(lambda _: None), lambda _: None)
    catalog.request(workload.requests)
    return RunRecorder(folder, workload, catalog, failures, {"run_id": "x", "store": "store"}, earlier)


def test_records_follow_at_intervals_and_the_last_failures_stay(
    tiny_workload: Workload, tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = FailureLog(lambda _: None)
    earlier = [{"kind": "pretrain", "first_stage": "a", "reason": f"reason {n}", "traceback": ""} for n in range(20)]
    recorder = recorder_of(tiny_workload, tmp_path, tiny_run / "store", log, earlier)
    assert recorder.record("running").empty, "no table before it is started"
    assert not (tmp_path / "results.csv").exists()
    log.failures.append(Failure("finetune", "b", "the newest"))
    recorder.record_when_due()
    assert [f["reason"] for f in read_manifest(tmp_path)["failures"]][-1] == "reason 19", "too early"
    monkeypatch.setattr(run_recorder.time, "monotonic", lambda: 1e12)
    recorder.record_when_due()
    kept = [f["reason"] for f in read_manifest(tmp_path)["failures"]]
    assert kept == [*(f"reason {n}" for n in range(1, 20)), "the newest"]


def test_a_sweep_that_only_searches_gets_no_table(
    tiny_workload: Workload, tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("there are no rows to make")

    monkeypatch.setattr(RowMaker, "make", refuse)
    recorder = recorder_of(tiny_workload, tmp_path, tiny_run / "store", FailureLog(lambda _: None), [])
    bank: Any = None
    recorder.start_table(replace(tiny_workload, recipes=[]), bank)
    assert recorder.record("complete").empty
    assert read_manifest(tmp_path)["rows"] == 0
