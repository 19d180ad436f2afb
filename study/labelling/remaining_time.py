"""How long a call will go on, from what it has finished so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RemainingTime:
    """An estimate of the wall time left, which counts only what this call did itself.

    Attributes:
        found: how much of the work earlier calls had finished.
        began: when this call began, by `time.monotonic`.
    """

    found: int
    began: float = field(default_factory=time.monotonic)

    def left_s(self, done: int, total: int) -> float | None:
        """Seconds left where `done` of `total` are finished; None before this call has finished any."""
        own = done - self.found
        return (time.monotonic() - self.began) / own * (total - done) if own else None
