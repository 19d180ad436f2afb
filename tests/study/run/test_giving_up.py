"""Searches that prune where trainings diverge or fail, and where another run is faster."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import study.engine.scheduler
from study.config.sweep_text import parse_sweep
from study.engine.catalog import StageCatalog
from study.engine.executors import PackJob, SerialExecutor
from study.engine.failures import ATTEMPTS
from study.engine.store import StageStore
from study.recipes.workload import Workload, make_workload
from study.run.run import run_workload
from study.tables.manifest import read_manifest
from study.tables.trials import read_trials

if TYPE_CHECKING:
    from collections.abc import Collection

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult
    from study.engine.progress import Progress
    from study.recipes.packs import Pack

SWEEP = """
name: giving up
mode: tune
data: {dataset: methanol}
test: {groups: [3]}
strategies: [pretrain_finetune]
budgets: [15]
n_cheap: [40]
seeds: [0]
model: {hidden: 4}
descriptors: {n_radial: 2, n_angular: 1, l_max: 1}
identify: {steps: 16, learning_rate: 0.02, validations: 4}
pretrain: {steps: 10, learning_rate: 0.02, validations: 2}
finetune:
  standard: {steps: 16, learning_rate: 0.005, validations: 8}
tune:
  budgets: [15]
  trials: 8
  trials_per_round: 4
  folds: 2
  subset_seeds: [100, 101]
"""
RATES = "  space: {finetune_learning_rate: {low: 0.0001, high: 0.05}}\n"
WILD = "  space: {pretrain_learning_rate: [0.01, 1.0e+30], finetune_learning_rate: [0.001, 0.01, 1.0e+30]}\n"
MEDIAN = "  pruning: {first: 0.25, startup_trials: 2}\n"
ASYNC = "  schedule: async\n"


class Part(SerialExecutor):
    """Trains at once; every part of a fine-tuning may be planted to fail first, and the run to be stopped."""

    def __init__(self, bank: FrameBank, slots: int, failures: int, stop_before: int | None) -> None:
        super().__init__(bank)
        self.slots = slots
        self.bank = bank
        self._failures, self._stop_before = failures, stop_before
        self.packs: list[Pack] = []
        self.failed: Counter[tuple[str, int | None]] = Counter()

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        place = (job.pack.specs[0].key, job.pack.until)
        if job.pack.kind == "finetune" and self.failed[place] < self._failures:
            self.failed[place] += 1
            failed: Future[list[StageResult]] = Future()
            failed.set_exception(RuntimeError("planted"))
            return failed
        if self._stop_before == len(self.packs):
            raise KeyboardInterrupt
        self.packs.append(job.pack)
        return super().submit(job)


@cache
def workload_of(more: str) -> Workload:
    return make_workload(parse_sweep(SWEEP + more, "test", Path()))


def search(
    folder: Path,
    *more: str,
    slots: int = 1,
    failures: int = 0,
    stop_before: int | None = None,
    store: Path | None = None,
    made: type[Part] = Part,
) -> tuple[Part, list[Progress]]:
    told: list[Progress] = []
    executors: list[Part] = []

    def make(bank: FrameBank) -> Part:
        executors.append(made(bank, slots, failures, stop_before))
        return executors[0]

    run_workload(workload_of("".join(more)), folder, make, told.append, lambda _: None, store=store)
    return executors[0], told


def trials_of(folder: Path) -> pd.DataFrame:
    trials = read_trials(folder)
    assert trials is not None
    return trials.drop(columns="core_s")


def counts_of(folder: Path) -> dict[str, int]:
    sharing = read_manifest(folder)["sharing"]
    counts = {name: value for name, value in sharing.items() if name.startswith("stages_")}
    parts = (counts["stages_trained"], counts["stages_found"], counts["stages_pruned"])
    assert sum(parts) == counts["stages_distinct"], "every stage is trained, found or given up"
    return counts


def refuse_nonsense(told: list[Progress]) -> None:
    assert all(0 <= p.steps_done <= p.steps_total for p in told)
    assert all(p.stages_done <= p.stages_total for p in told)
    assert told[-1].left_s == 0.0
    assert (told[-1].trials_done, told[-1].trials_total) == (8, 8)


@pytest.fixture(params=["first", "last"])
def catalogs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[StageCatalog]:
    """The stages of the test's runs; of several packs in training, the first or the last comes back first."""
    made: list[StageCatalog] = []

    class Watched(StageCatalog):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    def wait(futures: Collection[Future[Any]], **_: Any) -> SimpleNamespace:
        return SimpleNamespace(done={list(futures)[0 if request.param == "first" else -1]})

    monkeypatch.setattr("study.run.run.StageCatalog", Watched)
    monkeypatch.setattr(study.engine.scheduler, "wait", wait)
    return made


@pytest.mark.parametrize("failures", [0, 1])
def test_a_trial_that_fails_while_its_stages_train_leaves_nothing_behind(
    catalogs: list[StageCatalog], tmp_path: Path, failures: int
) -> None:
    _, told = search(tmp_path / "run", WILD, MEDIAN, ASYNC, slots=5, failures=failures)
    assert Counter(trials_of(tmp_path / "run")["state"])["FAIL"] > 0
    assert not trials_of(tmp_path / "run")["state"].eq("RUNNING").any()
    counts_of(tmp_path / "run")
    refuse_nonsense(told)
    assert catalogs[-1].interrupted == {}


@pytest.mark.parametrize("rule", ["", MEDIAN], ids=["all", "median"])
def test_the_ledger_of_a_search_with_failed_trials_survives_a_restart(tmp_path: Path, rule: str) -> None:
    whole, told = search(tmp_path / "whole", WILD, rule)
    refuse_nonsense(told)
    assert Counter(trials_of(tmp_path / "whole")["state"])["FAIL"] > 0
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "run", WILD, rule, stop_before=len(whole.packs) - 1)
    search(tmp_path / "run", WILD, rule)
    pd.testing.assert_frame_equal(trials_of(tmp_path / "run"), trials_of(tmp_path / "whole"), check_exact=True)
    assert counts_of(tmp_path / "run") == counts_of(tmp_path / "whole")


def test_every_part_of_a_training_has_its_own_attempts(tmp_path: Path) -> None:
    executor, _ = search(tmp_path / "run", RATES, MEDIAN, failures=ATTEMPTS - 1)
    parts = {until for _, until in executor.failed}
    assert parts == {4, 8, None}
    assert not trials_of(tmp_path / "run")["state"].isin(["RUNNING", "FAIL"]).any()


def test_another_run_that_finishes_an_interrupted_stage_is_believed(tmp_path: Path) -> None:
    class Overtaken(Part):
        """Another run finishes the first stage of every pack that is interrupted."""

        def submit(self, job: PackJob) -> Future[list[StageResult]]:
            if job.pack.until is not None:
                (first, *_) = PackJob(replace(job.pack, specs=job.pack.specs[:1], until=None), job.parents).train(
                    self.bank
                )
                StageStore(tmp_path / "store", "other run").save(first)
            return super().submit(job)

    _, told = search(tmp_path / "run", RATES, MEDIAN, store=tmp_path / "store", made=Overtaken)
    refuse_nonsense(told)
    assert counts_of(tmp_path / "run")["stages_found"] > 0
