"""Trains packs in Ray workers: one process and one thread for each, the frames shared, dead workers replaced.

Ray is imported where it is used, so that runs without it never load it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from study.engine.executors import PackFailedError
from study.ray_backend.jobs import Job
from study.ray_backend.session import open_session, total_cores
from study.ray_backend.shared_bank import SharedBank
from study.ray_backend.worker import Raised
from study.ray_backend.worker_pool import POLL_S, Closing, Hiring, Worker, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult
    from study.engine.executors import PackJob
    from study.recipes.packs import Pack

#: How long packs may wait while no worker lives, s. On a busy or growing cluster that is the wait for a free core.
START_S = 120.0
#: How long fewer workers than asked for are passed over in silence, s.
_FEWER_S = 10.0
#: Longest pause before a worker that could not be started is tried again, s.
_LONGEST_PAUSE_S = 30.0
_CLOSED = "the executor was closed before the pack was trained"


class WorkerLostError(PackFailedError):
    """Workers died or ran out of memory one after the other on the same pack, or there was none to train it."""


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
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"training needs at least one worker, found {workers}: use --workers 1 or more")
        self.on_retry: Callable[[Pack, str], None] | None = None
        self._on_note = on_note
        self._max_retries = max_retries
        self._tickets = count()
        self._changed = threading.Condition()  # guards what follows
        self._closing = False
        self._jobs: deque[Job] = deque()
        self._cannot_hire: dict[int, str] = {}  # by thread, why its workers keep failing to start
        self._noted = (workers, 0)
        self._threads: list[threading.Thread] = []
        shared = SharedBank.of(bank)
        self._opened = open_session(workers or os.cpu_count() or 1, shared.nbytes, address)
        try:
            self.slots = workers or _all_cores()
            self._hiring = Hiring(shared, scratch, self._changed)
        except BaseException:
            self._leave()
            raise
        try:
            self._start_workers()
        except BaseException:  # Ctrl-C included: no process may stay
            self.close()
            raise

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers that are ready, each on its own node."""
        return tuple(worker.pid for worker in self._hiring.ready if worker.pid is not None)

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        """Queue a pack for the next free worker.

        Its `on_validation` is called from a thread of this executor in the order of steps, once for each even where the
        pack is trained again, and never after the future is done.

        Returns:
            a future of one result per place. Its exception is what the training raised, the worker's traceback added
            as a note; what `on_validation` raised; or `WorkerLostError`.
        """
        queued = Job(job)
        with self._changed:
            if self._closing:
                raise RuntimeError("the executor is closed: make another one")
            self._jobs.append(queued)
            self._changed.notify_all()
        return queued.future

    def close(self) -> None:
        """Kill the workers, and stop Ray or leave the cluster where this executor started or joined it."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
        self._hiring.kill_all()
        for thread in self._threads:
            thread.join()
        for job in self._jobs:
            job.give_up(RuntimeError(_CLOSED))
        self._hiring.free()
        self._leave()

    def _leave(self) -> None:
        import ray

        if self._opened:
            ray.shutdown()

    def _start_workers(self) -> None:
        for place in range(self.slots):
            thread = threading.Thread(target=self._serve, args=(place,), name="RayExecutor", daemon=True)
            thread.start()
            self._threads.append(thread)
        until = time.monotonic() + START_S
        with self._changed:
            while not self._hiring.ready:
                if len(self._cannot_hire) == self.slots:
                    raise WorkerLostError(self._cannot_hire.popitem()[1])
                if not self._changed.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    raise InputError(
                        f"every worker needs a free core of Ray, waited {START_S:.0f} s for the first of "
                        f"{self.slots} (the cluster has {total_cores()} cores): wait until other work on the cluster "
                        "ends or add nodes, then run again"
                    )

    def _serve(self, place: int) -> None:
        """Life of one thread: hire a worker, then give it one pack after another."""
        seat = _Seat(place)
        try:
            while True:
                self._see_through(self._next_job(seat), seat)
        except Closing:
            pass

    def _next_job(self, seat: _Seat) -> Job:
        """Wait for a worker, then for a pack that it may train; nobody holds a pack while it waits for a core."""
        while True:
            worker = seat.worker or self._hire(seat)
            with self._changed:
                while not self._closing:
                    job = next((job for job in self._jobs if job.suits(worker)), None)
                    late = next((job for job in self._jobs if job.waits_too_long), None)
                    if late is not None and late is not job:
                        late.waits_since_s = time.monotonic()  # one seat is enough
                        break
                    if job is not None:
                        self._jobs.remove(job)
                        if job.begin():
                            worker.fresh = False
                            return job
                        continue
                    self._changed.wait(1.0 if self._jobs else None)
                else:
                    raise Closing
            self._dismiss(seat)

    def _hire(self, seat: _Seat) -> Worker:
        """Start a worker, again until one lives."""
        failures = 0
        began_s = time.monotonic()

        def while_waiting() -> None:
            self._note_fewer(time.monotonic() - began_s)
            self._refuse_what_nobody_trains(f"none found a free core in {START_S:.0f} s")

        while True:
            with self._changed:
                mapped = any(job.wants_mapped for job in self._jobs)
            try:
                seat.worker = self._hiring.hire(while_waiting, mapped=mapped)
            except WorkerDied as death:
                failures += 1
                if failures > self._max_retries:
                    self._cannot_hire[seat.place] = (
                        f"a worker could not be started in {failures} attempts: {death} Check that there is memory "
                        "left and that asteroid-study is installed on every node"
                    )
                    self._refuse_what_nobody_trains(self._cannot_hire[seat.place])
                    # The first attempts follow each other at once, as a death may be bad luck.
                    pause_s = min(_LONGEST_PAUSE_S, 2.0 ** (failures - self._max_retries))
                    with self._changed:
                        self._changed.notify_all()
                        self._changed.wait_for(lambda: self._closing, timeout=pause_s)
            else:
                self._cannot_hire.pop(seat.place, None)
                return seat.worker

    def _note_fewer(self, waited_s: float) -> None:
        """Say once that there are fewer workers than asked for."""
        if self._on_note is None or waited_s < _FEWER_S:
            return
        with self._changed:
            state = (self.slots, len(self._hiring.ready))
            if state == self._noted or not state[1]:
                return
            self._noted = state
        self._on_note(
            f"{state[1]} of {state[0]} workers are at work (cores of Ray: {total_cores()}): the run goes on with them, "
            "the others join as soon as cores are free"
        )

    def _refuse_what_nobody_trains(self, reason: str) -> None:
        """Fail the packs that wait where no worker lives and none can be had."""
        with self._changed:
            none_for_s = time.monotonic() - self._hiring.last_ready_s
            hopeless = none_for_s > START_S or len(self._cannot_hire) == self.slots
            if self._hiring.ready or not hopeless:
                return
            jobs = list(self._jobs)
            self._jobs.clear()
        for job in jobs:
            job.give_up(WorkerLostError(f"no worker is left to train {job.name}: {reason}; add nodes, then run again"))

    def _see_through(self, job: Job, seat: _Seat) -> None:
        """Have a pack trained, or put it back for a fresh worker where this one died or ran out of memory."""
        try:
            try:
                outcome = self._watch(job, seat)
            except WorkerDied as death:
                self._try_again(job, seat, f"a worker died: {death}", death)
                return
            if not isinstance(outcome, Raised):
                job.future.set_result(outcome)
                return
            error = outcome.rebuild()
            if not outcome.out_of_memory:
                raise error
            self._try_again(job, seat, f"memory ran out: {type(error).__name__}: {error}", error)
        except Closing:
            job.give_up(RuntimeError(_CLOSED))
            raise
        except BaseException as error:
            job.give_up(error)

    def _try_again(self, job: Job, seat: _Seat, reason: str, cause: Exception) -> None:
        self._dismiss(seat)  # whoever goes on finds a worker with nothing in its memory
        job.put_back(reason)
        if len(job.reasons) > self._max_retries:
            lost = WorkerLostError(
                f"{len(job.reasons)} workers died or ran out of memory one after the other on {job.name}, the last "
                f"time: {job.reasons[-1]} Where memory is short, use fewer --workers or a smaller pack_size, then run "
                "again"
            )
            lost.__cause__ = cause
            job.give_up(lost)
            return
        if self.on_retry is not None:
            mapped = " (now with memory-mapped frames)" if job.wants_mapped else ""
            self.on_retry(job.given.pack, job.reasons[-1] + mapped)
        with self._changed:
            if not self._closing:
                self._jobs.appendleft(job)
                self._changed.notify_all()
                return
        job.give_up(RuntimeError(_CLOSED))

    def _watch(self, job: Job, seat: _Seat) -> list[StageResult] | Raised:
        """Give a pack to a worker, and hand on its validation errors until it answers."""
        import ray

        assert seat.worker is not None
        worker, board = seat.worker, self._hiring.board
        finished = job.given.on_validation is None
        ticket = None if finished else next(self._tickets)
        answer = worker.actor.train.remote(replace(job.given, on_validation=None), ticket)
        while not finished:
            finished = bool(ray.wait([answer], timeout=POLL_S)[0])
            try:
                job.deliver(self._hiring.answer(board.take.remote(ticket)))
            except BaseException:
                self._dismiss(seat)  # it trains what nobody waits for any more
                raise
        outcome: list[StageResult] | Raised = self._hiring.answer(answer)
        return outcome

    def _dismiss(self, seat: _Seat) -> None:
        if seat.worker is not None:
            self._hiring.dismiss(seat.worker)
            seat.worker = None


def _all_cores() -> int:
    cores = total_cores()
    if not cores:
        raise InputError(
            "without --workers every core of the Ray cluster gets one, found a cluster of no cores: start nodes with "
            "--num-cpus, or give --workers and the run waits for them"
        )
    return cores


@dataclass
class _Seat:
    """The worker of one thread; None after a death."""

    place: int
    worker: Worker | None = None
