"""Starts Ray workers and ends them: which frames they read, where they run, and how their deaths are told."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.ray_backend.remote_exception import cause_of_death
from study.ray_backend.server_watch import ServerWatch
from study.ray_backend.shared_bank import MappedBank, SharedBank
from study.ray_backend.worker import Mailbox, PackWorker

#: How often the driver looks for answers, s.
POLL_S = 0.2

if TYPE_CHECKING:
    from collections.abc import Callable


class PoolClosed(Exception):  # noqa: N818 -- no error, a way out
    """The executor is being closed."""


class WorkerDied(Exception):  # noqa: N818 -- the executor deals with it
    """A worker did not live to answer; the message says why in one line."""


@dataclass(eq=False)
class Worker:
    """One process that trains.

    Attributes:
        actor: Ray's handle.
        wants_mapped: whether it was told to map the frames' files.
        pid: process id on its node; None until it is ready.
        mapped: whether it does: a node that does not see the files reads the object store's copy.
        ready_s: when it became ready, on the monotonic clock.
        fresh: whether it has trained nothing yet.
    """

    actor: Any
    wants_mapped: bool
    pid: int | None = None
    mapped: bool = False
    ready_s: float = 0.0
    fresh: bool = True


class WorkerPool:
    """The workers of an executor; safe to use from several threads.

    Args:
        shared: the frames; they go to the object store once, whose first copy stays on the driver's node.
        scratch: folder for the frames' files, which every node should see; None for one of this machine.
        changed: notified when a worker becomes ready or goes; its lock guards everything here.
        gpus_per_worker: share of a GPU that each worker takes and trains on; None: on the CPU.
    """

    def __init__(
        self,
        shared: SharedBank,
        scratch: Path | None,
        changed: threading.Condition,
        gpus_per_worker: float | None = None,
    ) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.mailbox: Any = None
        self.closing = False
        self.last_ready_s = time.monotonic()
        self._workers: set[Worker] = set()
        self._changed = changed
        self._shared, self._scratch = shared, scratch
        self._gpus_per_worker = gpus_per_worker
        self._mapped: MappedBank | None = None
        self._writing = threading.Lock()
        self._bank: Any = ray.put(shared)
        # Beside the driver, so that no other node's loss takes it along. Restarted where it dies: what it held is
        # lost, which is no more than a gap in a progress display.
        context = ray.get_runtime_context()
        self._server = ServerWatch(context.gcs_address)
        here = NodeAffinitySchedulingStrategy(context.get_node_id(), soft=False)
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
        self.mailbox = ray.remote(Mailbox).options(**options).remote()

    @property
    def ready(self) -> tuple[Worker, ...]:
        """Workers that can train."""
        with self._changed:
            return tuple(worker for worker in self._workers if worker.pid is not None)

    def start(self, while_waiting: Callable[[], None], *, mapped: bool) -> Worker:
        """Start a worker and wait until it is ready, which lasts until a core is free.

        Args:
            while_waiting: called again and again meanwhile.
            mapped: whether it is to map the frames' files, which are written for the first one.

        Raises:
            PoolClosed: the executor is being closed.
            WorkerDied: it did not live to be ready.
        """
        import ray

        files = self._files() if mapped else None
        with self._changed:
            if self.closing:
                raise PoolClosed
            # Wherever there is room, rather one node full than all half: Ray's default, which starts them fastest.
            options = {"num_cpus": 1, "num_gpus": self._gpus_per_worker or 0}
            device = "cpu" if self._gpus_per_worker is None else "cuda"
            actor: Any = ray.remote(PackWorker).options(**options).remote([self._bank], self.mailbox, files, device)
            worker = Worker(actor, mapped)
            self._workers.add(worker)
        try:
            pid, worker.mapped = self.answer(actor.ready.remote(), while_waiting)
        except WorkerDied:
            self.stop(worker)
            raise
        with self._changed:
            worker.pid, worker.ready_s = pid, time.monotonic()
            self._changed.notify_all()
        return worker

    def stop(self, worker: Worker) -> None:
        """End a worker, dead or alive."""
        import ray

        with self._changed:
            if self.closing or worker not in self._workers:
                return
            self._workers.discard(worker)
            if worker.pid is not None and not any(other.pid is not None for other in self._workers):
                self.last_ready_s = time.monotonic()
            self._changed.notify_all()
        ray.kill(worker.actor)  # it may live on where only the connection broke

    def answer(self, reference: Any, while_waiting: Callable[[], None] | None = None) -> Any:
        """Wait for what a worker returns.

        Raises:
            PoolClosed: the executor is being closed.
            WorkerDied: the worker did not live to answer.
            ServerLostError: Ray's server is gone.
        """
        import ray

        self._server.check()
        try:
            while not ray.wait([reference], timeout=POLL_S)[0]:
                if self.closing:
                    raise PoolClosed
                self._server.check()
                if while_waiting is not None:
                    while_waiting()
            return ray.get(reference)
        except ray.exceptions.RayTaskError:
            raise  # the worker lives: it could not read what it was sent
        except ray.exceptions.RayError as error:
            if self.closing:
                raise PoolClosed from error
            raise WorkerDied(cause_of_death(error)) from error

    def kill_all(self) -> None:
        """End every worker and the mailbox; none can be started any more."""
        import ray

        with self._changed:
            self.closing = True
            self._changed.notify_all()
        for worker in self._workers:  # from here on nobody changes them
            ray.kill(worker.actor)
        ray.kill(self.mailbox)

    def free(self) -> None:
        """Give back the frames' memory and files, when nobody waits for anything any more."""
        self._bank = None  # the last reference
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _files(self) -> MappedBank | None:
        """The frames' files; None where the disk has no space for them, and the object store's copy must do."""
        with self._writing:
            if self._mapped is None:
                if self._scratch is None:
                    self._scratch = Path(tempfile.mkdtemp(prefix="asteroid-study-"))
                try:
                    self._mapped = MappedBank.write(self._shared, self._scratch)
                except OSError:
                    return None
            return self._mapped
