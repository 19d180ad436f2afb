"""What is said and done where there are fewer workers than asked for, or none at all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from study.engine.executors import PackFailedError
from study.ray_backend.session import total_cores

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from study.ray_backend.pack_queue import PackQueue
    from study.ray_backend.worker_pool import WorkerPool

#: How long packs may wait while no worker lives, s. On a busy or growing cluster that is the wait for a free core; with
#: fifty processes to a core, importing what a worker needs takes over two minutes.
START_S = 300.0
#: How long fewer workers than asked for are passed over in silence, s.
_FEWER_S = 10.0


class WorkerLostError(PackFailedError):
    """Workers died or ran out of memory one after the other on the same pack, or there was none to train it."""


class WorkerSupply:
    """Watches over the number of workers that are ready; safe to use from several threads.

    Args:
        pool: the workers.
        queue: the packs that wait for them.
        wanted: number of workers asked for.
        on_note: told in a line when there are fewer; None for nobody.
        changed: notified when a worker becomes ready or cannot be started; its lock guards everything here.
    """

    def __init__(
        self,
        pool: WorkerPool,
        queue: PackQueue,
        wanted: int,
        on_note: Callable[[str], None] | None,
        changed: threading.Condition,
    ) -> None:
        self._pool, self._queue, self._wanted, self._on_note = pool, queue, wanted, on_note
        self._changed = changed
        self._unstartable: dict[int, str] = {}  # by slot, why its workers keep failing to start
        self._noted = wanted

    def await_first(self) -> None:
        """Wait until a worker is ready.

        Raises:
            InputError: no core became free.
            WorkerLostError: no worker could be started.
        """
        until = time.monotonic() + START_S
        with self._changed:
            while not self._pool.ready:
                if len(self._unstartable) == self._wanted:
                    raise WorkerLostError(self._unstartable.popitem()[1])
                if not self._changed.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    raise InputError(
                        f"every worker needs a free core of Ray, waited {START_S:.0f} s for the first of "
                        f"{self._wanted} (the cluster has {total_cores()} cores): wait until other work on the cluster "
                        "ends or add nodes, then run again"
                    )

    def note_unstartable(self, slot: int, reason: str) -> None:
        """Take note that the workers of a slot keep failing to start."""
        with self._changed:
            self._unstartable[slot] = reason
        self._fail_unstartable_packs(reason)
        with self._changed:
            self._changed.notify_all()

    def note_started(self, slot: int) -> None:
        """Take note that a slot has a worker."""
        with self._changed:
            self._unstartable.pop(slot, None)

    def check(self, waited_s: float) -> None:
        """Say once that there are fewer workers than asked for, and fail the packs that none will ever train.

        Args:
            waited_s: how long a worker has been waited for.
        """
        self._note_fewer(waited_s)
        self._fail_unstartable_packs(f"none found a free core in {START_S:.0f} s")

    def _note_fewer(self, waited_s: float) -> None:
        if self._on_note is None or waited_s < _FEWER_S:
            return
        with self._changed:
            ready = len(self._pool.ready)
            if ready in (0, self._noted):
                return
            self._noted = ready
        self._on_note(
            f"{ready} of {self._wanted} workers are at work (cores of Ray: {total_cores()}): the run goes on with "
            "them, the others join as soon as cores are free"
        )

    def _fail_unstartable_packs(self, reason: str) -> None:
        """Fail the packs that wait where no worker lives and none can be had."""
        with self._changed:
            none_for_s = time.monotonic() - self._pool.last_ready_s
            unstartable = none_for_s > START_S or len(self._unstartable) == self._wanted
            if self._pool.ready or not unstartable:
                return
            packs = self._queue.clear()
        for pack in packs:
            pack.fail(WorkerLostError(f"no worker is left to train {pack.name}: {reason}; add nodes, then run again"))
