"""Packs whose workers die or run out of memory: fresh workers, then frames mapped from files, then the end."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import tiny_packs
import torch
from tiny_packs import Holder, bank, bits, failing, quick
from tiny_sweep import lines

from asteroid.stages.train import train_pack
from study.engine.executors import PackFailedError, PackJob
from study.ray_backend import pack_queue as ray_queue
from study.ray_backend import session as ray_session
from study.ray_backend import worker_supply as ray_supply
from study.ray_backend.executor import RayExecutor
from study.ray_backend.worker_supply import WorkerLostError
from study.run.run import run_workload
from study.tables.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path
    from typing import Any

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult
    from study.recipes.packs import Pack
    from study.recipes.workload import Workload

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture(scope="module")
def instance() -> Iterator[None]:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 4)
        assert ray_session.open_session(4, 0, None)
    import ray

    ray.cloudpickle.register_pickle_by_value(tiny_packs)  # workers cannot import the tests
    yield
    ray.cloudpickle.unregister_pickle_by_value(tiny_packs)
    ray.shutdown()


def hold(cores: int) -> Any:
    """Take cores of the four."""
    import ray

    holder = ray.remote(Holder).options(num_cpus=cores).remote()
    assert ray.get(holder.ready.remote())
    return holder


@pytest.fixture(params=[True, False], ids=["deaths", "shortages"])
def deadly(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def reason_of(deadly: bool, attempt: int) -> str:
    return "a worker died: The actor " if deadly else f"memory ran out: MemoryError: attempt {attempt} Unable to all"


def test_a_pack_is_trained_again_by_a_fresh_worker_and_then_with_mapped_frames(
    instance: None, tmp_path: Path, deadly: bool
) -> None:
    """After one failure from shared memory again, after two from files, after three from files again."""
    failures = 3
    made = RayExecutor(bank(), workers=1, scratch=tmp_path / "scratch")
    told: list[tuple[Pack, str]] = []
    made.on_retry = lambda pack, reason: told.append((pack, reason))
    pack = failing(quick(1, 2), tmp_path / "record", failures, deadly=deadly)
    try:
        results = made.submit(PackJob(pack)).result(timeout=120)
        assert bits(results) == bits(train_pack(bank(), pack.specs, {})), "the same to the last bit"
        pids, frames = zip(*map(str.split, (tmp_path / "record").read_text().splitlines()), strict=True)
        assert frames == ("shared", "shared", "files", "files")
        assert len(set(pids)) == failures + 1, "a fresh worker every time"
        assert [p for p, _ in told] == [pack] * failures
        for attempt, (_, reason) in enumerate(told, 1):
            assert reason.startswith(reason_of(deadly, attempt))
            assert reason.endswith(" (now with memory-mapped frames)") is (attempt >= 2)
            assert "\n" not in reason
        assert (tmp_path / "scratch").is_dir()
        assert bits(made.submit(PackJob(quick(3))).result(timeout=120)) == bits(train_pack(bank(), quick(3).specs, {}))
    finally:
        made.close()
    assert [path.name for path in tmp_path.iterdir()] == ["record"], "the files are gone"


def test_the_end_of_patience_is_one_line_with_the_last_reason(instance: None, tmp_path: Path, deadly: bool) -> None:
    made = RayExecutor(bank(), workers=1, max_retries=1)
    try:
        error = made.submit(PackJob(failing(quick(1), tmp_path / "record", 9, deadly=deadly))).exception(timeout=120)
        assert isinstance(error, WorkerLostError)
        assert isinstance(error, PackFailedError), "the engine does not start all over again"
        assert f"the last time: {reason_of(deadly, 2)}" in str(error)
        assert "\n" not in str(error)
        assert isinstance(error.__cause__, MemoryError) is not deadly
        assert len((tmp_path / "record").read_text().splitlines()) == 2
        assert made.submit(PackJob(quick(1))).exception(timeout=120) is None, "it goes on"
    finally:
        made.close()


def test_a_disk_without_room_for_the_frames_leaves_them_in_shared_memory(
    instance: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").write_text("a file is in the way")
    made = RayExecutor(bank(), workers=1, scratch=tmp_path / "scratch" / "deeper")
    try:
        pack = failing(quick(1), tmp_path / "record", 2, deadly=False)
        assert bits(made.submit(PackJob(pack)).result(timeout=120)) == bits(train_pack(bank(), pack.specs, {}))
        assert [line.split()[1] for line in (tmp_path / "record").read_text().splitlines()] == ["shared"] * 3
    finally:
        made.close()


def test_a_pack_that_waits_for_a_core_is_taken_over_by_another_worker(
    instance: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster that has lost a node: the worker that died finds no core, and the others have trained before."""
    import ray

    monkeypatch.setattr(ray_queue, "_PATIENCE_S", 0.5)
    monkeypatch.setattr(ray_supply, "_FEWER_S", 0.5)
    notes: list[str] = []
    holders = [hold(2)]
    scratch = tmp_path / "scratch"
    made = RayExecutor(bank(), workers=2, scratch=scratch, on_note=notes.append)

    def fill(pack: Pack, reason: str) -> None:  # told after the dead worker is dismissed, whose core is free then
        holders.append(hold(1))

    made.on_retry = fill
    while len(made.worker_pids) < 2:
        threading.Event().wait(0.05)
    try:
        for seed in (1, 2, 3, 4):  # both have trained
            made.submit(PackJob(quick(seed))).result(timeout=60)
        pack = failing(quick(5), tmp_path / "record", 1, deadly=True)
        assert bits(made.submit(PackJob(pack)).result(timeout=60)) == bits(train_pack(bank(), pack.specs, {}))
        others = [made.submit(PackJob(quick(seed))) for seed in (6, 7, 8)]
        assert [future.exception(timeout=60) for future in others] == [None] * 3
        assert len(made.worker_pids) == 1
        assert not scratch.exists(), "nothing is written without need"
        assert len(notes) == 1
        assert notes[0].startswith("1 of 2 workers are at work (cores of Ray: 4): ")
        ray.kill(holders.pop())
        for _ in range(200):
            if len(made.worker_pids) == 2:
                break
            threading.Event().wait(0.1)
        assert len(made.worker_pids) == 2, "hired again as soon as there is room"
    finally:
        made.close()
        for holder in holders:
            ray.kill(holder)


def test_packs_that_nobody_can_train_any_more_fail(
    instance: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    holders = [hold(3)]
    made = RayExecutor(bank(), workers=1)

    def fill(pack: Pack, reason: str) -> None:
        monkeypatch.setattr(ray_supply, "START_S", 0.5)
        holders.append(hold(1))

    made.on_retry = fill
    try:
        error = made.submit(PackJob(failing(quick(1), tmp_path / "record", 1, deadly=True))).exception(timeout=60)
        assert isinstance(error, WorkerLostError)
        assert "no worker is left to train one pack (identify, 1 models): none found a free core" in str(error)
    finally:
        made.close()
        for holder in holders:
            ray.kill(holder)


def test_a_listener_of_retries_that_raises_ends_the_pack(instance: None, tmp_path: Path) -> None:
    made = RayExecutor(bank(), workers=1)

    def listener(pack: Pack, reason: str) -> None:
        raise LookupError("mine")

    made.on_retry = listener
    try:
        failed = made.submit(PackJob(failing(quick(1), tmp_path / "record", 1, deadly=True))).exception(timeout=60)
        assert isinstance(failed, LookupError)
        assert made.submit(PackJob(quick(1))).exception(timeout=60) is None, "it goes on"
    finally:
        made.close()


class Planting(RayExecutor):
    """Its first pack fails twice."""

    record: Path
    planted = False

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        if not self.planted:
            self.planted = True
            job = replace(job, pack=failing(job.pack, self.record, 2, deadly=False))
        return super().submit(job)


def test_a_sweep_keeps_the_reasons_and_gives_the_same_table(
    instance: None, tiny_workload: Workload, tiny_run: Path, tmp_path: Path
) -> None:
    def make(frames: FrameBank) -> RayExecutor:
        made = Planting(frames, workers=1, scratch=tmp_path / "ray" / "scratch")
        made.record = tmp_path / "record"
        return made

    notes: list[str] = []
    run_workload(tiny_workload, tmp_path / "ray", make, lambda _: None, notes.append)
    assert lines(tmp_path / "ray") == lines(tiny_run)
    failures = read_manifest(tmp_path / "ray")["failures"]
    assert [f["reason"].startswith(reason_of(False, n)) for n, f in enumerate(failures, 1)] == [True, True]
    assert failures[1]["reason"].endswith(" (now with memory-mapped frames)")
    assert len(notes) == 2
    assert not (tmp_path / "ray" / "scratch").exists()
