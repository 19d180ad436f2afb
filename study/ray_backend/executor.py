"""Trains packs in Ray workers: one process and one thread for each, the frames shared, dead workers replaced.

Ray is imported where it is used, so that runs without it never load it.
"""

from __future__ import annotations

import os
import threading
from itertools import count
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from study.ray_backend.pack_queue import CLOSED, PackQueue, QueuedPack
from study.ray_backend.session import open_session, total_cores, total_gpus
from study.ray_backend.shared_bank import SharedBank
from study.ray_backend.worker_pool import WorkerPool
from study.ray_backend.worker_slot import WorkerSlot
from study.ray_backend.worker_supply import WorkerSupply

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult
    from study.engine.executors import PackJob
    from study.recipes.packs import Pack


class RayExecutor:
    """Trains packs side by side in the processes of a Ray instance.

    A pack goes to the next free worker. Its results are those of `SerialExecutor` to the last bit: one thread does the
    same arithmetic on the same frames. A pack whose worker died or ran out of memory goes to a fresh worker, and after
    the second time to one that maps the frames from files. Lost workers are replaced as soon as there is room; until
    then the others go on alone.

    Args:
        bank: the described frames; they go to Ray's shared memory once.
        workers: processes to train in, each with one core and one thread; None: as many as Ray has cores.
        address: None to start Ray on this machine, "host:port" or "auto" to join a cluster.
        max_retries: how often a pack is trained again because its worker died or ran out of memory.
        scratch: folder for the frames' files; all nodes of a cluster should see it. Removed when the executor closes.
        on_note: told in a line when there are fewer workers than asked for, from any thread.
        gpus_per_worker: share of a GPU that each worker takes and trains on; None: they train on the CPU.

    Attributes:
        slots: packs that it can train at the same time.
        on_retry: told the pack and the reason when a pack is trained again, from any thread.

    Raises:
        InputError: fewer than one worker or more than there are cores here, an address that does not answer, a machine
            on which Ray cannot run, or no core that becomes free.
        WorkerLostError: no worker could be started.
    """

    def __init__(
        self,
        bank: FrameBank,
        *,
        workers: int | None = 1,
        address: str | None = None,
        max_retries: int = 3,
        scratch: Path | None = None,
        on_note: Callable[[str], None] | None = None,
        gpus_per_worker: float | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"training needs at least one worker, found {workers}: use --workers 1 or more")
        self.on_retry: Callable[[Pack, str], None] | None = None
        self._threads: list[threading.Thread] = []
        changed = threading.Condition()  # guards what queue, pool and supply share
        self._queue = PackQueue(changed)
        shared = SharedBank.of(bank)
        self._opened = open_session(workers or os.cpu_count() or 1, shared.nbytes, address)
        try:
            self.slots = workers or _all_places(gpus_per_worker)
            if gpus_per_worker is not None:
                _check_gpus(self.slots, gpus_per_worker)
            self._pool = WorkerPool(shared, scratch, changed, gpus_per_worker)
        except BaseException:
            self._leave_ray()
            raise
        supply = WorkerSupply(self._pool, self._queue, self.slots, on_note, changed)
        job_ids = count()
        try:
            for number in range(self.slots):
                slot = WorkerSlot(
                    number, self._pool, self._queue, supply, job_ids, max_retries, self._tell_retry, changed
                )
                self._threads.append(threading.Thread(target=slot.run, name="RayExecutor", daemon=True))
                self._threads[-1].start()
            supply.await_first()
        except BaseException:  # Ctrl-C included: no process may stay
            self.close()
            raise

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers that are ready, each on its own node."""
        return tuple(worker.pid for worker in self._pool.ready if worker.pid is not None)

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        """Queue a pack for the next free worker.

        Its `on_validation` is called from a thread of this executor in the order of steps, once for each even where the
        pack is trained again, and never after the future is done.

        Returns:
            a future of one result per place. Its exception is what the training raised, the worker's traceback added
            as a note; what `on_validation` raised; or `WorkerLostError`.
        """
        queued = QueuedPack(job)
        self._queue.put(queued)
        return queued.future

    def close(self) -> None:
        """Kill the workers, and stop Ray or leave the cluster where this executor started or joined it."""
        if not self._queue.close():
            return
        self._pool.kill_all()
        for thread in self._threads:
            thread.join()
        for pack in self._queue.clear():
            pack.fail(RuntimeError(CLOSED))
        self._pool.free()
        self._leave_ray()

    def _tell_retry(self, pack: Pack, reason: str) -> None:
        if self.on_retry is not None:
            self.on_retry(pack, reason)

    def _leave_ray(self) -> None:
        import ray

        if self._opened:
            ray.shutdown()


def _all_places(gpus_per_worker: float | None) -> int:
    """Workers that the cluster has cores for, and GPUs where they need them."""
    cores = total_cores()
    if not cores:
        raise InputError(
            "without --workers every core of the Ray cluster gets one, found a cluster of no cores: start nodes with "
            "--num-cpus, or give --workers and the run waits for them"
        )
    return cores if gpus_per_worker is None else max(1, min(cores, _places(gpus_per_worker)))


def _check_gpus(workers: int, gpus_per_worker: float) -> None:
    if workers > _places(gpus_per_worker):
        raise InputError(
            f"{workers} workers need {gpus_per_worker:g} of a GPU each, found {total_gpus():g} GPUs in Ray: use fewer "
            "--workers or a smaller --gpus-per-worker"
        )


def _places(gpus_per_worker: float) -> int:
    """Workers that the GPUs have room for; a share cannot be spread over two."""
    gpus = total_gpus()
    return int(gpus / gpus_per_worker) if gpus_per_worker > 1 else int(gpus) * int(1 / gpus_per_worker + 1e-9)
