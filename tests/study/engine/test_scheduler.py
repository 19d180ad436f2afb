"""Packs are begun as their parents are finished and slots are free, and failed ones again as they were."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from tiny_packs import bank, quick

from study.engine.catalog import StageCatalog
from study.engine.executors import PackJob
from study.engine.failures import FailureLog
from study.engine.progress import ProgressCounter
from study.engine.scheduler import PackScheduler
from study.engine.store import StageStore
from study.recipes.packs import Pack

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.stages.stage import StageResult


@cache
def model() -> StageResult:
    (result,) = PackJob(quick(1)).train(bank())
    return result


class ByHand:
    """An executor whose packs are finished by the test."""

    slots = 2
    on_retry: Any = None

    def __init__(self) -> None:
        self.jobs: list[PackJob] = []
        self.futures: list[Future[list[StageResult]]] = []

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        self.jobs.append(job)
        self.futures.append(Future())
        return self.futures[-1]

    def finish(self, number: int) -> None:
        self.futures[number].set_result([replace(model(), key=spec.key) for spec in self.jobs[number].pack.specs])

    def close(self) -> None:
        pass


class AtOnce(ByHand):
    """Finishes every pack at once; the first attempts may fail."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.failures = failures

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        future = super().submit(job)
        if len(self.jobs) <= self.failures:
            future.set_exception(ValueError("planted"))
        else:
            self.finish(len(self.jobs) - 1)
        return future


def scheduler_of(store: Path, executor: ByHand, *packs: Pack) -> tuple[PackScheduler, StageCatalog, list[int]]:
    kept: list[int] = []
    progress = ProgressCounter(lambda _: None)
    catalog = StageCatalog(StageStore(store), progress, lambda _: None)
    catalog.request(spec for pack in packs for spec in pack.specs)
    log = FailureLog(lambda _: None)
    scheduler = PackScheduler(catalog, executor, progress, log, lambda: kept.append(len(catalog.finished)))
    return scheduler, catalog, kept


def child_of(pack: Pack, seed: int) -> Pack:
    return Pack((replace(quick(seed).specs[0], parents=(pack.specs[0].key,)),), share_batches=False)


def test_children_wait_for_their_parents_and_get_their_models(tmp_path: Path) -> None:
    parent, executor = quick(1), AtOnce()
    child = child_of(parent, 2)
    scheduler, catalog, kept = scheduler_of(tmp_path, executor, parent, child)
    scheduler.train([child, parent])
    assert [job.pack for job in executor.jobs] == [parent, child]
    assert executor.jobs[1].parents.keys() == {parent.specs[0].key}
    assert kept == [1, 2]
    assert catalog.finished.keys() == {parent.specs[0].key, child.specs[0].key}


def test_only_what_is_wanted_and_missing_is_trained_in_its_place(tmp_path: Path) -> None:
    pack, executor = quick(1, 2, 3), AtOnce()
    scheduler, catalog, _ = scheduler_of(tmp_path, executor, pack)
    keys = [spec.key for spec in pack.specs]
    scheduler.train([pack], among=keys[:2])
    assert [spec.key for spec in executor.jobs[0].pack.specs] == [keys[0], keys[1], keys[0]]
    assert catalog.finished.keys() == set(keys[:2])
    scheduler.train([pack])
    assert [spec.key for spec in executor.jobs[1].pack.specs] == [keys[2]] * 3
    scheduler.train([pack])
    assert len(executor.jobs) == 2, "nothing is left"


def test_a_failed_pack_is_submitted_again_as_it_was(tmp_path: Path) -> None:
    pack, executor = quick(1, 2), AtOnce(failures=2)
    scheduler, catalog, _ = scheduler_of(tmp_path, executor, pack)
    scheduler.train([pack])
    assert [job.pack for job in executor.jobs] == [pack] * 3
    assert len(catalog.finished) == 2


def test_slots_are_filled_and_one_result_is_kept_at_a_time(tmp_path: Path) -> None:
    packs, executor = [quick(1), quick(2)], ByHand()
    scheduler, catalog, _ = scheduler_of(tmp_path, executor, *packs)
    for pack in packs:
        scheduler.begin(pack)
    assert scheduler.packs_in_training == scheduler.slots == 2
    assert scheduler.stages_in_training == {pack.specs[0].key for pack in packs}
    assert not scheduler.one_is_finished
    executor.finish(1)
    assert scheduler.one_is_finished
    scheduler.await_one()
    assert catalog.finished.keys() == keys_of(packs[1])
    scheduler.abandon()
    assert executor.futures[0].cancelled()
    assert scheduler.packs_in_training == 0


def keys_of(pack: Pack) -> set[str]:
    return {spec.key for spec in pack.specs}


def test_what_ends_the_run_leaves_nothing_in_training(tmp_path: Path) -> None:
    class Stopped(AtOnce):
        def submit(self, job: PackJob) -> Future[list[StageResult]]:
            if self.jobs:
                raise KeyboardInterrupt
            return ByHand.submit(self, job)

    packs, executor = [quick(1), quick(2)], Stopped()
    scheduler, _, _ = scheduler_of(tmp_path, executor, *packs)
    with pytest.raises(KeyboardInterrupt):
        scheduler.train(packs)
    assert scheduler.packs_in_training == 0
    assert executor.futures[0].cancelled()
