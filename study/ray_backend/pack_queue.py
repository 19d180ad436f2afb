"""What waits to be trained by Ray workers: packs with their futures, and what went wrong with them so far."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

    from asteroid.stages.stage import StageResult
    from study.engine.executors import PackJob
    from study.ray_backend.worker_pool import Worker

#: After so many deaths or shortages of memory on one pack its next worker maps the frames from files.
_MAPPED_AFTER = 2
#: How long a pack waits for a fresh worker before one that has trained others is replaced for it, s.
_PATIENCE_S = 5.0
#: What is said of a pack that was still to be trained when the executor was closed.
CLOSED = "the executor was closed before the pack was trained"


@dataclass(eq=False)
class QueuedPack:
    """A pack on its way through the executor.

    Attributes:
        job: the pack as it was submitted.
        future: of one result per place.
        failures: why it was not trained, once for each worker that died or ran out of memory.
        failed_s: when it last came back from a worker, on the monotonic clock.
        waits_since_s: since when it waits for a fresh worker; later where one is being replaced for it.
    """

    job: PackJob
    future: Future[list[StageResult]] = field(default_factory=Future)
    failures: list[str] = field(default_factory=list)
    failed_s: float = 0.0
    waits_since_s: float = 0.0
    _begun: bool = False
    _last_step: int = 0

    @property
    def name(self) -> str:
        """The pack in words."""
        return f"one pack ({self.job.pack.kind}, {len(self.job.pack.specs)} models)"

    @property
    def needs_mapped(self) -> bool:
        """Whether its next worker is to map the frames from files."""
        return len(self.failures) >= _MAPPED_AFTER

    def can_run_on(self, worker: Worker) -> bool:
        """Whether a worker may train it: after a failure only a fresh one, started since, as others may be dead too."""
        if not self.failures:
            return True
        return worker.fresh and worker.ready_s > self.failed_s and worker.wants_mapped >= self.needs_mapped

    @property
    def is_overdue(self) -> bool:
        """Whether it has waited in vain for a fresh worker."""
        return bool(self.failures) and time.monotonic() - self.waits_since_s > _PATIENCE_S

    def note_failure(self, reason: str) -> None:
        """Take note of a worker that did not finish it."""
        self.failures.append(" ".join(reason.split()))
        self.failed_s = self.waits_since_s = time.monotonic()

    def begin(self) -> bool:
        """Take note that somebody trains it; False where nobody wants it any more."""
        self._begun = self._begun or self.future.set_running_or_notify_cancel()
        return self._begun

    def fail(self, error: BaseException) -> None:
        """End it without a result."""
        if self.begin():
            self.future.set_exception(error)

    def report(self, validations: list[tuple[int, list[float]]]) -> None:
        """Hand on validation errors, each once: a fresh worker repeats those of a dead one."""
        for step, errors in validations:
            if step > self._last_step and self.job.on_validation is not None:
                self._last_step = step
                self.job.on_validation(step, errors)


class PackQueue:
    """Packs that wait for a worker; safe to use from several threads.

    Args:
        changed: notified when a pack is put in or the queue is closed; its lock guards everything here.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._packs: deque[QueuedPack] = deque()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nothing is given out any more."""
        return self._closed

    @property
    def needs_mapped(self) -> bool:
        """Whether a pack waits for a worker that maps the frames from files."""
        with self._changed:
            return any(pack.needs_mapped for pack in self._packs)

    def put(self, pack: QueuedPack) -> None:
        """Add a pack as the last one.

        Raises:
            RuntimeError: the queue is closed.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError("the executor is closed: make another one")
            self._packs.append(pack)
            self._changed.notify_all()

    def put_back(self, pack: QueuedPack) -> None:
        """Add a pack as the first one; where the queue is closed, it fails."""
        with self._changed:
            if not self._closed:
                self._packs.appendleft(pack)
                self._changed.notify_all()
                return
        pack.fail(RuntimeError(CLOSED))

    def take(self, worker: Worker) -> QueuedPack | None:
        """Wait for a pack that a worker may train.

        Returns:
            the pack, begun; None where the worker is to be replaced, for a pack that only a fresh one may train, or
            where the queue is closed.
        """
        with self._changed:
            while not self._closed:
                pack = next((pack for pack in self._packs if pack.can_run_on(worker)), None)
                overdue = next((pack for pack in self._packs if pack.is_overdue), None)
                if overdue is not None and overdue is not pack:
                    overdue.waits_since_s = time.monotonic()  # one worker is enough
                    return None
                if pack is None:
                    self._changed.wait(1.0 if self._packs else None)
                    continue
                self._packs.remove(pack)
                if pack.begin():
                    worker.fresh = False
                    return pack
            return None

    def clear(self) -> list[QueuedPack]:
        """Take all packs out."""
        with self._changed:
            packs = list(self._packs)
            self._packs.clear()
            return packs

    def close(self) -> bool:
        """Give nothing out any more; False where it was closed before."""
        with self._changed:
            closed, self._closed = self._closed, True
            self._changed.notify_all()
            return not closed
