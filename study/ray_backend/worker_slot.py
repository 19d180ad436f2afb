"""The life of one worker slot: a worker is started, trains one pack after another, and is replaced when it dies."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from study.ray_backend.pack_queue import CLOSED
from study.ray_backend.remote_exception import RemoteException
from study.ray_backend.server_watch import ServerLostError
from study.ray_backend.worker_pool import POLL_S, PoolClosed, WorkerDied
from study.ray_backend.worker_supply import WorkerLostError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from asteroid.stages.stage import StageResult
    from study.ray_backend.pack_queue import PackQueue, QueuedPack
    from study.ray_backend.worker_pool import Worker, WorkerPool
    from study.ray_backend.worker_supply import WorkerSupply
    from study.recipes.packs import Pack

#: Longest pause before a worker that could not be started is tried again, s.
_LONGEST_PAUSE_S = 30.0


class WorkerSlot:
    """A place for one worker at a time; `run` is the work of one thread.

    Args:
        number: which slot of the executor.
        pool: starts and stops workers.
        queue: the packs.
        supply: told when workers cannot be started.
        job_ids: fresh numbers under which validation errors are kept.
        max_retries: how often a pack is trained again because its worker died or ran out of memory.
        on_retry: told the pack and the reason when a pack is trained again.
        changed: notified when the executor is closed.
    """

    def __init__(
        self,
        number: int,
        pool: WorkerPool,
        queue: PackQueue,
        supply: WorkerSupply,
        job_ids: Iterator[int],
        max_retries: int,
        on_retry: Callable[[Pack, str], None],
        changed: threading.Condition,
    ) -> None:
        self._number, self._pool, self._queue, self._supply = number, pool, queue, supply
        self._job_ids, self._max_retries, self._on_retry = job_ids, max_retries, on_retry
        self._changed = changed
        self._worker: Worker | None = None  # None after a death

    def run(self) -> None:
        """Start a worker, then give it one pack after another, until the executor is closed."""
        try:
            while not self._queue.closed:
                # Nobody holds a pack while it waits for a core.
                try:
                    worker = self._worker or self._start_worker()
                except ServerLostError as lost:
                    self._supply.note_unstartable(self._number, str(lost))
                    self._fail_all(lost)
                    return
                pack = self._queue.take(worker)
                if pack is None:
                    self._stop_worker()
                else:
                    self._train(pack, worker)
        except PoolClosed:
            pass

    def _start_worker(self) -> Worker:
        """Start a worker, again until one lives."""
        failures = 0
        began_s = time.monotonic()
        while True:
            try:
                self._worker = self._pool.start(
                    lambda: self._supply.check(time.monotonic() - began_s), mapped=self._queue.needs_mapped
                )
            except WorkerDied as death:
                failures += 1
                if failures > self._max_retries:
                    self._supply.note_unstartable(
                        self._number,
                        f"a worker could not be started in {failures} attempts: {death} Check that there is memory "
                        "left and that asteroid-study is installed on every node",
                    )
                    # The first attempts follow each other at once, as a death may be an accident.
                    pause_s = min(_LONGEST_PAUSE_S, 2.0 ** (failures - self._max_retries))
                    with self._changed:
                        self._changed.wait_for(lambda: self._queue.closed, timeout=pause_s)
            else:
                self._supply.note_started(self._number)
                return self._worker

    def _fail_all(self, lost: ServerLostError) -> None:
        """Fail whatever is to be trained until the executor is closed."""
        while not self._queue.closed:
            for pack in self._queue.clear():
                pack.fail(lost)
            with self._changed:
                self._changed.wait_for(lambda: self._queue.closed, timeout=POLL_S)

    def _stop_worker(self) -> None:
        if self._worker is not None:
            self._pool.stop(self._worker)
            self._worker = None

    def _train(self, pack: QueuedPack, worker: Worker) -> None:
        """Have a pack trained, or put it back for a fresh worker where this one died or ran out of memory."""
        try:
            try:
                outcome = self._train_on(worker, pack)
            except WorkerDied as death:
                self._try_again(pack, f"a worker died: {death}", death)
                return
            if not isinstance(outcome, RemoteException):
                pack.future.set_result(outcome)
                return
            error = outcome.rebuild()
            if not outcome.out_of_memory:
                raise error
            self._try_again(pack, f"memory ran out: {type(error).__name__}: {error}", error)
        except PoolClosed:
            pack.fail(RuntimeError(CLOSED))
            raise
        except BaseException as error:
            pack.fail(error)

    def _train_on(self, worker: Worker, pack: QueuedPack) -> list[StageResult] | RemoteException:
        """Give a pack to a worker, and hand on its validation errors until it answers."""
        import ray

        mailbox = self._pool.mailbox
        finished = pack.job.on_validation is None
        job_id = None if finished else next(self._job_ids)
        answer = worker.actor.train.remote(replace(pack.job, on_validation=None), job_id)
        while not finished:
            finished = bool(ray.wait([answer], timeout=POLL_S)[0])
            try:
                pack.report(self._pool.answer(mailbox.take.remote(job_id)))
            except BaseException:
                self._stop_worker()  # it trains what nobody waits for any more
                raise
        outcome: list[StageResult] | RemoteException = self._pool.answer(answer)
        return outcome

    def _try_again(self, pack: QueuedPack, reason: str, cause: Exception) -> None:
        self._stop_worker()  # whoever goes on finds a worker with nothing in its memory
        pack.note_failure(reason)
        if len(pack.failures) > self._max_retries:
            lost = WorkerLostError(
                f"{len(pack.failures)} workers died or ran out of memory one after the other on {pack.name}, the last "
                f"time: {pack.failures[-1]} Where memory is short, use fewer --workers or a smaller pack_size, then "
                "run again"
            )
            lost.__cause__ = cause
            pack.fail(lost)
            return
        mapped = " (now with memory-mapped frames)" if pack.needs_mapped else ""
        self._on_retry(pack.job.pack, pack.failures[-1] + mapped)
        self._queue.put_back(pack)
