"""Packs that wait for Ray workers: which worker may train which, and in what order."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from tiny_packs import quick

from study.engine.executors import PackJob
from study.ray_backend.pack_queue import PackQueue, QueuedPack
from study.ray_backend.worker_pool import Worker


@pytest.mark.parametrize(
    ("failures", "worker", "can_run"),
    [
        (0, {"fresh": False, "ready_s": 1.0}, True),
        (1, {"ready_s": 3.0}, True),
        (1, {"ready_s": 3.0, "fresh": False}, False),  # what it trained before may still fill its memory
        (1, {"ready_s": 1.0}, False),  # it may have died with the other one
        (2, {"ready_s": 3.0}, False),
        (2, {"ready_s": 3.0, "wants_mapped": True}, True),
    ],
)
def test_who_may_train_what_failed(failures: int, worker: dict[str, Any], can_run: bool) -> None:
    pack = QueuedPack(PackJob(quick(1)))
    pack.failures, pack.failed_s = ["died"] * failures, 2.0
    assert pack.can_run_on(Worker(None, **({"wants_mapped": False} | worker))) is can_run


def test_who_came_back_goes_first_to_a_fresh_worker_and_others_go_on() -> None:
    queue, packs = PackQueue(threading.Condition()), [QueuedPack(PackJob(quick(seed))) for seed in (1, 2)]
    used = Worker(None, wants_mapped=False, fresh=False, ready_s=time.monotonic())
    for pack in packs:
        queue.put(pack)
    assert queue.take(used) is packs[0]
    packs[0].note_failure("a worker\ndied")
    queue.put_back(packs[0])
    assert queue.take(used) is packs[1], "one that has trained others may not train it"
    packs[0].waits_since_s -= 60.0
    assert queue.take(used) is None, "it has waited for long: the worker is to be replaced"
    fresh = Worker(None, wants_mapped=False, ready_s=time.monotonic())
    assert queue.take(fresh) is packs[0]
    assert not fresh.fresh
    assert packs[0].failures == ["a worker died"]


def test_a_cancelled_pack_is_passed_over_and_a_closed_queue_gives_nothing_out() -> None:
    queue, (cancelled, begun) = PackQueue(threading.Condition()), [QueuedPack(PackJob(quick(s))) for s in (1, 2)]
    queue.put(cancelled)
    queue.put(begun)
    cancelled.future.cancel()
    worker = Worker(None, wants_mapped=False)
    assert queue.take(worker) is begun
    assert queue.close()
    assert not queue.close(), "once"
    assert queue.take(worker) is None
    with pytest.raises(RuntimeError, match="closed"):
        queue.put(cancelled)
    queue.put_back(begun)
    with pytest.raises(RuntimeError, match="closed before the pack was trained"):
        begun.future.result()


def test_validation_errors_of_a_repetition_are_told_once() -> None:
    seen: list[int] = []
    pack = QueuedPack(PackJob(quick(1), {}, lambda step, _: seen.append(step)))
    pack.report([(4, [0.1]), (8, [0.1])])
    pack.report([(4, [0.1]), (8, [0.1]), (12, [0.1])])
    assert seen == [4, 8, 12]
