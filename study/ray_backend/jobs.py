"""What waits to be trained by Ray workers: packs with their futures, and what went wrong with them so far."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asteroid.stages.stage import StageResult
    from study.engine.executors import PackJob
    from study.ray_backend.worker_pool import Worker

#: After so many deaths or shortages of memory on one pack its next worker maps the frames from files.
_MAPPED_AFTER = 2
#: How long a pack waits for a fresh worker before one that has trained others is replaced for it, s.
_PATIENCE_S = 5.0


@dataclass
class Job:
    """A pack on its way through the executor.

    Attributes:
        given: the pack as it was submitted.
        future: of one result per place.
        reasons: why it was not trained, once for each worker that died or ran out of memory.
        failed_s: when it last came back from a worker, on the monotonic clock.
        waits_since_s: since when it waits for a fresh worker; later where one is being replaced for it.
    """

    given: PackJob
    future: Future[list[StageResult]] = field(default_factory=Future)
    reasons: list[str] = field(default_factory=list)
    failed_s: float = 0.0
    waits_since_s: float = 0.0
    _begun: bool = False
    _last_step: int = 0

    @property
    def name(self) -> str:
        """The pack in words."""
        return f"one pack ({self.given.pack.kind}, {len(self.given.pack.specs)} models)"

    @property
    def wants_mapped(self) -> bool:
        """Whether its next worker is to map the frames from files."""
        return len(self.reasons) >= _MAPPED_AFTER

    def suits(self, worker: Worker) -> bool:
        """Whether a worker may train it: after a failure only a fresh one, started since, as others may be dead too."""
        if not self.reasons:
            return True
        return worker.fresh and worker.ready_s > self.failed_s and worker.wants_mapped >= self.wants_mapped

    @property
    def waits_too_long(self) -> bool:
        """Whether it has waited in vain for a fresh worker."""
        return bool(self.reasons) and time.monotonic() - self.waits_since_s > _PATIENCE_S

    def put_back(self, reason: str) -> None:
        """Take note of a worker that did not finish it."""
        self.reasons.append(" ".join(reason.split()))
        self.failed_s = self.waits_since_s = time.monotonic()

    def begin(self) -> bool:
        """Take note that somebody trains it; False where nobody wants it any more."""
        self._begun = self._begun or self.future.set_running_or_notify_cancel()
        return self._begun

    def give_up(self, error: BaseException) -> None:
        """End it without a result."""
        if self.begin():
            self.future.set_exception(error)

    def deliver(self, posts: list[tuple[int, list[float]]]) -> None:
        """Hand on validation errors; a fresh worker repeats those of a dead one."""
        for step, errors in posts:
            if step > self._last_step and self.given.on_validation is not None:
                self._last_step = step
                self.given.on_validation(step, errors)
