"""Trains packs in Ray workers: one process and one thread for each, the frames shared, dead workers replaced.

Ray is imported where it is used, so that runs without it never load it.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from study.executors import PackFailedError
from study.ray_session import open_session
from study.ray_worker import Board, PackWorker, Raised, SharedBank

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asteroid.frames import FrameBank
    from asteroid.stages import StageResult, TrainedModel
    from asteroid.training import OnValidation
    from study.packs import Pack

#: How often the driver asks for validation errors, s.
_POLL_S = 0.2
#: How long the first worker may take to start, s. On a busy cluster that is the wait for a free core.
START_S = 120.0
#: Longest report of a worker's death, in characters.
_REASON_LENGTH = 500


class WorkerLostError(PackFailedError):
    """Workers died one after the other on the same pack, or could not be started."""


class RayExecutor:
    """Trains packs side by side in the processes of a Ray instance.

    A pack goes to the next free worker. Its results are those of `SerialExecutor` to the last bit: one thread does the
    same arithmetic on the same frames.

    Args:
        bank: the described frames; they go to Ray's shared memory once.
        workers: processes to train in, each with one core and one thread.
        address: None to start Ray on this machine, "host:port" or "auto" to join a cluster.
        max_retries: how often a pack is trained again because its worker died.

    Attributes:
        slots: packs that it can train at the same time.
        on_retry: told the pack and the reason when a pack is trained again because its worker died.

    Raises:
        InputError: fewer than one worker or more than there are cores here, an address that does not answer, a machine
            on which Ray cannot run, or no core that becomes free.
        WorkerLostError: no worker could be started.
    """

    def __init__(self, bank: FrameBank, *, workers: int, address: str | None = None, max_retries: int = 3) -> None:
        if workers < 1:
            raise InputError(f"training needs at least one worker, found {workers}: use --workers 1 or more")
        self.slots = workers
        self.on_retry: Callable[[Pack, str], None] | None = None
        self._max_retries = max_retries
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._tickets = count()
        self._lock = threading.Lock()  # guards _closing and _workers
        self._closing = False
        self._workers: set[_Worker] = set()
        self._first_worker: queue.SimpleQueue[WorkerLostError | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._board: Any = None
        self._bank: Any = None
        shared = SharedBank.of(bank)
        self._opened = open_session(workers, shared.nbytes, address)
        try:
            self._start_workers(shared, workers)
        except BaseException:  # Ctrl-C included: no process may stay
            self.close()
            raise

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers that are ready, each on its own node."""
        with self._lock:
            return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    def submit(
        self, pack: Pack, parents: Mapping[str, TrainedModel], on_validation: OnValidation | None = None
    ) -> Future[list[StageResult]]:
        """Queue a pack for the next free worker.

        Args:
            pack: the stages.
            parents: trained parents by key.
            on_validation: called from a thread of this executor in the order of steps, once for each even where the
                pack is trained again, and never after the future is done.

        Returns:
            a future of one result per place. Its exception is what the training raised, the worker's traceback added
            as a note; what `on_validation` raised; or `WorkerLostError`.
        """
        job = _Job(pack, dict(parents), on_validation)
        with self._lock:
            if self._closing:
                raise RuntimeError("the executor is closed: make another one")
            self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Kill the workers, and stop Ray or leave the cluster where this executor started or joined it."""
        import ray

        with self._lock:
            if self._closing:
                return
            self._closing = True
        for worker in self._workers:  # from here on nobody changes them
            ray.kill(worker.actor)
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        while not self._jobs.empty():
            if (job := self._jobs.get()) is not None:
                job.future.cancel()
        if self._board is not None:
            ray.kill(self._board)
        self._bank = None  # the last reference: the memory is free again
        if self._opened:
            ray.shutdown()

    def _start_workers(self, shared: SharedBank, workers: int) -> None:
        import ray

        self._bank = ray.put(shared)
        # Restarted where it dies: what it held is lost, which is no more than a gap in a progress display.
        self._board = ray.remote(Board).options(num_cpus=0, max_restarts=-1, max_task_retries=-1).remote()
        for _ in range(workers):
            thread = threading.Thread(target=self._serve, name="RayExecutor", daemon=True)
            thread.start()
            self._threads.append(thread)
        try:
            failure = self._first_worker.get(timeout=START_S)
        except queue.Empty:
            raise InputError(
                f"every worker needs a free core of Ray, waited {START_S:.0f} s for the first: wait until other work "
                "on the cluster ends or add nodes, then run again"
            ) from None
        if failure is not None:
            raise failure

    def _serve(self) -> None:
        """Life of one thread: hire a worker, then give it one pack after another."""
        seat = _Seat()
        try:
            try:
                self._hire(seat)
                self._first_worker.put(None)
            except WorkerLostError as error:
                self._first_worker.put(error)
            while (job := self._jobs.get()) is not None:
                if job.future.set_running_or_notify_cancel():
                    self._see_through(job, seat)
        except _Closing:
            pass

    def _see_through(self, job: _Job, seat: _Seat) -> None:
        try:
            job.future.set_result(self._train(job, seat))
        except _Closing:
            job.future.set_exception(RuntimeError("the executor was closed before the pack was trained"))
            raise
        except BaseException as error:
            job.future.set_exception(error)

    def _train(self, job: _Job, seat: _Seat) -> list[StageResult]:
        """Train a pack, again on a fresh worker where one dies."""
        deaths: list[str] = []
        while len(deaths) <= self._max_retries:
            try:
                outcome = self._watch(job, seat)
            except _WorkerDied as death:
                deaths.append(str(death))
                self._dismiss(seat)
                if self.on_retry is not None and len(deaths) <= self._max_retries:
                    self.on_retry(job.pack, f"a worker died: {death}")
                continue
            if isinstance(outcome, Raised):
                if outcome.out_of_memory:
                    self._dismiss(seat)  # whoever tries again finds a worker with nothing in its memory
                raise outcome.rebuild()
            return outcome
        raise WorkerLostError(
            f"{len(deaths)} workers died one after the other on one pack ({job.pack.kind}, {len(job.pack.specs)} "
            f"models): {deaths[-1]} Where memory is short, use fewer --workers or a smaller pack_size, then run again"
        )

    def _watch(self, job: _Job, seat: _Seat) -> list[StageResult] | Raised:
        """Give a pack to a worker, and hand on its validation errors until it answers."""
        import ray

        worker = seat.worker or self._hire(seat)
        ticket = None if job.on_validation is None else next(self._tickets)
        answer = worker.actor.train.remote(job.pack, job.parents, ticket)
        finished = job.on_validation is None
        while not finished:
            finished = bool(ray.wait([answer], timeout=_POLL_S)[0])
            try:
                job.deliver(ray.get(self._board.take.remote(ticket)))
            except BaseException:
                self._dismiss(seat)  # it trains what nobody waits for any more
                raise
        outcome: list[StageResult] | Raised = self._answer(answer)
        return outcome

    def _hire(self, seat: _Seat) -> _Worker:
        """Start a worker and wait until it is ready: no pack may wait for one that itself waits for a core."""
        import ray

        reasons: list[str] = []
        while len(reasons) <= self._max_retries:
            with self._lock:
                if self._closing:
                    raise _Closing
                actor: Any = ray.remote(PackWorker).options(num_cpus=1).remote(self._bank, self._board)
                seat.worker = _Worker(actor)
                self._workers.add(seat.worker)
            try:
                seat.worker.pid = self._answer(actor.pid.remote())
            except _WorkerDied as death:
                reasons.append(str(death))
                self._dismiss(seat)
            else:
                return seat.worker
        raise WorkerLostError(
            f"a worker could not be started in {len(reasons)} attempts: {reasons[-1]} Check that there is memory left "
            "and that asteroid-study is installed on every node"
        )

    def _dismiss(self, seat: _Seat) -> None:
        import ray

        with self._lock:
            if self._closing or seat.worker is None:
                return
            self._workers.discard(seat.worker)
        ray.kill(seat.worker.actor)  # it may live on where only the connection broke
        seat.worker = None

    def _answer(self, reference: Any) -> Any:
        """Wait for what a worker returns.

        Raises:
            _Closing: the executor is being closed.
            _WorkerDied: the worker did not live to answer.
        """
        import ray

        try:
            while not ray.wait([reference], timeout=_POLL_S)[0]:
                if self._closing:
                    raise _Closing
            return ray.get(reference)
        except ray.exceptions.RayTaskError:
            raise  # the worker lives: it could not read what it was sent
        except ray.exceptions.RayError as error:
            if self._closing:
                raise _Closing from error
            # Ray's guesses at the causes fill a screen; what happened comes before them.
            reason = " ".join(str(error).split()).partition(" Some common causes include")[0]
            raise _WorkerDied(reason[:_REASON_LENGTH]) from error


@dataclass(eq=False)
class _Worker:
    actor: Any
    pid: int | None = None


@dataclass
class _Seat:
    """The worker of one thread; None after a death."""

    worker: _Worker | None = None


@dataclass
class _Job:
    pack: Pack
    parents: Mapping[str, TrainedModel]
    on_validation: OnValidation | None
    future: Future[list[StageResult]] = field(default_factory=Future)
    _last_step: int = 0

    def deliver(self, posts: list[tuple[int, list[float]]]) -> None:
        """Hand on validation errors; a fresh worker repeats those of a dead one."""
        for step, errors in posts:
            if step > self._last_step and self.on_validation is not None:
                self._last_step = step
                self.on_validation(step, errors)


class _Closing(Exception):  # noqa: N818 -- no error, a way out
    """The executor is being closed."""


class _WorkerDied(Exception):  # noqa: N818 -- seen by this file only
    """A worker did not live to answer."""
