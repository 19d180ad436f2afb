"""Stages of a run: requested, found, kept, interrupted and pruned, and what each does to ledger and progress."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest
from tiny_packs import bank, quick

from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages.stage import KernelStage
from study.engine.catalog import StageCatalog
from study.engine.executors import PackJob
from study.engine.progress import Progress, ProgressCounter
from study.engine.store import StageStore

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.stages.stage import StageResult, StageSpec


class Run:
    """A session of a run on a store."""

    def __init__(self, store: Path, run_id: str = "own") -> None:
        self.seen: list[Progress] = []
        self.notes: list[str] = []
        self.progress = ProgressCounter(self.seen.append)
        self.catalog = StageCatalog(StageStore(store, run_id), self.progress, self.notes.append)

    @property
    def now(self) -> Progress:
        self.progress.announce("")
        return self.seen[-1]


@cache
def trained(until: int | None = None) -> tuple[tuple[StageSpec, StageResult], ...]:
    pack = replace(quick(1, 2), until=until)
    return tuple(zip(pack.specs, PackJob(pack).train(bank()), strict=True))


def test_a_request_is_missing_once_and_shared_after_that(tmp_path: Path) -> None:
    run, ((one, _), (two, _)) = Run(tmp_path), trained()
    assert run.catalog.request([one, two, one]) == [one, two]
    assert run.catalog.request([two]) == []
    assert (run.now.stages_total, run.now.stages_shared, run.now.steps_total) == (2, 2, one.steps + two.steps)
    assert run.catalog.sharing.stages_requested == 4
    assert run.catalog.request([quick(3).specs[0]], to_train=False) == []
    assert run.now.stages_total == 2, "who will not train it does not ask for it"


def test_a_kept_stage_is_found_by_the_next_session_and_by_other_runs(tmp_path: Path) -> None:
    first, ((one, result), _) = Run(tmp_path), trained()
    first.catalog.request([one])
    first.catalog.keep(one, result)
    assert first.catalog.steps_done(one.key) == math.inf
    again, other = Run(tmp_path), Run(tmp_path, "other")
    for run in (again, other):
        assert run.catalog.request([one]) == []
        assert run.catalog.latest(one.key) is not None
    assert (again.catalog.sharing.stages_trained, again.now.core_s) == (1, result.core_s)
    assert (other.catalog.sharing.stages_found, other.now.core_s, other.now.stages_shared) == (1, 0.0, 1)


def test_a_torn_stage_is_removed_and_told(tmp_path: Path) -> None:
    run, ((one, _), _) = Run(tmp_path), trained()
    (tmp_path / one.key).mkdir()
    (tmp_path / one.key / "stage.json").write_text("{")
    assert run.catalog.request([one]) == [one]
    assert not (tmp_path / one.key).exists()
    assert run.notes == ["1 finished stages were damaged in the store: they are trained again"]


def test_an_interrupted_stage_goes_on_or_is_pruned_with_what_it_cost(tmp_path: Path) -> None:
    run, ((one, part), (two, other)) = Run(tmp_path), trained(4)
    run.catalog.request([one, two])
    for spec, result in ((one, part), (two, other)):
        run.catalog.keep(spec, result)
    assert run.catalog.steps_done(one.key) == 4
    assert not list(tmp_path.iterdir()), "nothing unfinished is in the store"
    assert run.catalog.prune([one.key]) == part.core_s
    assert run.catalog.prune([one.key]) == 0.0
    assert run.now.steps_total == two.steps + 4
    sharing = run.catalog.sharing
    assert (sharing.stages_pruned, sharing.pruned_core_s) == (1, part.core_s)
    assert run.catalog.request([one]) == [one], "somebody else may want it later"
    assert run.catalog.sharing.stages_pruned == 0


def test_what_another_run_finishes_meanwhile_is_taken_over(tmp_path: Path) -> None:
    run, ((one, part), _) = Run(tmp_path), trained(4)
    run.catalog.request([one])
    run.catalog.keep(one, part)
    StageStore(tmp_path, "other").save(trained()[0][1])
    run.catalog.look_again([one])
    assert one.key in run.catalog.finished
    assert run.catalog.interrupted == {}
    assert run.now.steps_total == 4
    assert run.catalog.sharing.pruned_core_s == part.core_s


def test_the_ledger_knows_what_an_earlier_session_pruned(tmp_path: Path) -> None:
    run, ((one, _), _) = Run(tmp_path), trained()
    run.catalog.request_pruned([one], 2.5)
    sharing = run.catalog.sharing
    assert (sharing.stages_distinct, sharing.stages_pruned, sharing.pruned_core_s) == (1, 1, 2.5)
    assert run.now.core_s == pytest.approx(2.5)


def test_parents_count_when_they_are_finished_and_sound(tmp_path: Path) -> None:
    run, ((one, result), _) = Run(tmp_path), trained()
    child = replace(quick(5).specs[0], parents=(one.key,))
    run.catalog.request([one])
    assert not run.catalog.has_parents_of(child)
    run.catalog.keep(one, replace(result, status="planted failure"))
    assert not run.catalog.has_parents_of(child)
    run.catalog.finished[one.key] = result
    assert run.catalog.has_parents_of(child)


def test_a_kernel_counts_as_the_steps_that_take_as_long(tmp_path: Path) -> None:
    run, network = Run(tmp_path), quick(1).specs[0]
    kernel = KernelStage(None, KernelSettings(), network.train, network.val, network.seeds)
    run.catalog.request([network, kernel])
    assert kernel.effort > kernel.steps == 0
    assert run.now.steps_total == network.steps + kernel.effort
    run.catalog.prune([kernel.key])
    assert run.now.steps_total == network.steps
