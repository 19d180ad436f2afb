"""Too few workers, without any: what is said, and which packs fail."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import pytest
from tiny_packs import quick

from asteroid.errors import InputError
from study.engine.executors import PackJob
from study.ray_backend import worker_supply
from study.ray_backend.pack_queue import PackQueue, QueuedPack
from study.ray_backend.worker_supply import WorkerLostError, WorkerSupply


@dataclass
class Pool:
    ready: tuple[object, ...] = ()
    last_ready_s: float = 0.0


@pytest.fixture(autouse=True)
def _cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_supply, "total_cores", lambda: 4)


def waiting(pool: Pool, wanted: int, said: list[str]) -> tuple[WorkerSupply, QueuedPack]:
    """A supply with one pack that waits."""
    changed = threading.Condition()
    queue, pack = PackQueue(changed), QueuedPack(PackJob(quick(1)))
    queue.put(pack)
    return WorkerSupply(pool, queue, wanted, said.append, changed), pack


def test_fewer_workers_are_told_once_after_a_while() -> None:
    said: list[str] = []
    pool = Pool(ready=(1, 2), last_ready_s=time.monotonic())
    supply, pack = waiting(pool, 3, said)
    supply.check(waited_s=1.0)
    assert said == []
    supply.check(waited_s=60.0)
    supply.check(waited_s=70.0)
    assert len(said) == 1
    assert said[0].startswith("2 of 3 workers are at work (cores of Ray: 4)")
    assert not pack.future.done()


def test_packs_fail_when_no_slot_can_start_a_worker() -> None:
    supply, pack = waiting(Pool(last_ready_s=time.monotonic()), 2, [])
    supply.note_unstartable(0, "no memory")
    assert not pack.future.done(), "the other slot may start one"
    supply.note_started(0)
    supply.note_unstartable(1, "no memory")
    assert not pack.future.done()
    supply.note_unstartable(0, "no memory")
    with pytest.raises(WorkerLostError, match="no worker is left to train one pack"):
        pack.future.result(timeout=0)
    with pytest.raises(WorkerLostError, match="no memory"):
        supply.await_first()


def test_waiting_for_the_first_worker_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_supply, "START_S", 0.01)
    supply, _ = waiting(Pool(), 2, [])
    with pytest.raises(InputError, match=r"waited 0 s for the first of 2 \(the cluster has 4 cores\)"):
        supply.await_first()


def test_packs_fail_when_no_core_became_free_for_long() -> None:
    supply, pack = waiting(Pool(last_ready_s=time.monotonic() - 2 * worker_supply.START_S), 2, [])
    supply.check(waited_s=0.0)
    with pytest.raises(WorkerLostError, match="none found a free core in 300 s"):
        pack.future.result(timeout=0)
