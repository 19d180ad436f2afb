"""Attempts to train a pack that failed: which are made again, and which end the run."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from study.engine.executors import PackFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from study.recipes.packs import Pack

#: How often a pack is trained in all before the run gives up.
ATTEMPTS = 3


@dataclass(frozen=True)
class Failure:
    """An attempt to train a pack that failed.

    Attributes:
        kind: kind of the pack's stages.
        first_stage: key of its first stage.
        reason: what went wrong, in one line.
        traceback: where it did; empty where a worker died without telling.
    """

    kind: str
    first_stage: str
    reason: str
    traceback: str = ""


class FailureLog:
    """Failed attempts of a run.

    Args:
        on_note: called with a line about a pack that is trained again.

    Attributes:
        failures: all failed attempts, in the order of time.
    """

    def __init__(self, on_note: Callable[[str], None]) -> None:
        self.failures: list[Failure] = []
        self._on_note = on_note
        self._attempts: Counter[str] = Counter()  # failed ones by first stage

    def allow_retry(self, pack: Pack, error: BaseException) -> None:
        """Remember a failed attempt; returns where the pack may be trained again.

        Raises:
            InputError: the error itself; it would only be raised again.
            PackFailedError: the pack failed `ATTEMPTS` times, or the executor gave up on it.
        """
        if isinstance(error, InputError) or not isinstance(error, Exception):
            raise error
        first = pack.specs[0].key
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        self.failures.append(Failure(pack.kind, first, reason, "".join(traceback.format_exception(error))))
        if isinstance(error, PackFailedError):
            raise error
        self._attempts[first] += 1
        if self._attempts[first] >= ATTEMPTS:
            raise PackFailedError(f"{_name(pack)} failed {ATTEMPTS} times, the last time with {reason}") from error
        self._on_note(f"{_name(pack)} failed and is trained again: {reason}")

    def note_retry(self, pack: Pack, reason: str) -> None:
        """Remember a failed attempt after which the executor itself trains the pack again; from any thread."""
        self.failures.append(Failure(pack.kind, pack.specs[0].key, reason))
        self._on_note(f"{_name(pack)} is trained again: {reason}")

    def forget_attempts(self, pack: Pack) -> None:
        """Count anew: the pack was trained, and the next part of its training may fail as often."""
        self._attempts.pop(pack.specs[0].key, None)


def _name(pack: Pack) -> str:
    return f"a pack ({pack.kind}, {len(pack.specs)} models)"
