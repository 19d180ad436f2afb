"""What lives in a Ray worker's process: the shared frames, the training of a pack, the board for validation errors.

Heavy modules are imported where they are used: the board's process needs none of them.
"""

from __future__ import annotations

import os
import pickle
import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asteroid.stages.stage import StageResult
    from study.engine.executors import PackJob
    from study.ray_backend.shared_bank import MappedBank


@dataclass(frozen=True)
class Raised:
    """An exception on its way from a worker, with the causes that pickle would drop.

    Attributes:
        chain: the exception, its cause, the cause's cause and so on.
    """

    chain: tuple[Exception, ...]

    @classmethod
    def of(cls, error: Exception) -> Raised:
        """Prepare an exception that was just caught; the traceback becomes a note."""
        report = "".join(traceback.format_exception(error)).strip()
        chain = [_portable(error)]
        cause = error.__cause__
        while isinstance(cause, Exception) and len(chain) < 10:
            chain.append(_portable(cause))
            cause = cause.__cause__
        chain[0].add_note(f"In the worker with process id {os.getpid()}:\n{report}")
        return cls(tuple(chain))

    @property
    def out_of_memory(self) -> bool:
        """Whether the worker asked for memory that it did not get; PyTorch has no class of its own for that on CPUs."""
        return any(isinstance(error, MemoryError) or "can't allocate memory" in str(error) for error in self.chain)

    def rebuild(self) -> Exception:
        """The exception, linked to its causes."""
        for error, cause in zip(self.chain, self.chain[1:], strict=False):
            error.__cause__ = cause
        return self.chain[0]


def _portable(error: Exception) -> Exception:
    """The exception, or a description of one that does not survive pickling."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 -- written one call earlier
    except Exception:  # whatever a foreign class raises when it is rebuilt
        return RuntimeError(f"{type(error).__qualname__}: {error}")
    return error


class Board:
    """Validation errors wait here until the driver asks for them."""

    def __init__(self) -> None:
        self._posts: dict[int, list[tuple[int, list[float]]]] = {}

    def post(self, ticket: int, step: int, errors: list[float]) -> None:
        """Put up the errors of one validation."""
        self._posts.setdefault(ticket, []).append((step, errors))

    def take(self, ticket: int) -> list[tuple[int, list[float]]]:
        """Take down what a pack in training has put up since, in its order."""
        return self._posts.pop(ticket, [])


class PackWorker:
    """Trains packs on one thread.

    Args:
        bank: reference of the frames in the object store, in a list, so that Ray does not fetch what is not needed.
        board: handle of the board's actor.
        mapped: the same frames in files, to be read instead where this node sees them.
    """

    def __init__(self, bank: list[Any], board: Any, mapped: MappedBank | None = None) -> None:
        import ray
        import torch

        import asteroid.stages.train  # noqa: F401 -- loaded before the worker says that it is ready

        torch.set_num_threads(1)  # more would change the rounding, and cost time on small products
        self._mapped = mapped is not None
        try:
            self._bank = mapped.open() if mapped is not None else ray.get(bank[0]).open()
        except OSError:  # another machine's disk
            self._mapped = False
            self._bank = ray.get(bank[0]).open()
        self._board = board

    def ready(self) -> tuple[int, bool]:
        """Process id, and whether the frames are mapped files; that it answers says that the worker is ready."""
        return os.getpid(), self._mapped

    def train(self, job: PackJob, ticket: int | None) -> list[StageResult] | Raised:
        """Train a pack.

        Args:
            job: the pack; nobody listens to it here.
            ticket: under which the board keeps the validation errors; None for not at all.

        Returns:
            one result per place, or what was raised. The board has everything by then.
        """
        import ray

        posted = None

        def post(step: int, errors: list[float]) -> None:
            nonlocal posted
            posted = self._board.post.remote(ticket, step, errors)

        outcome: list[StageResult] | Raised
        try:
            outcome = replace(job, on_validation=None if ticket is None else post).train(self._bank)
        except Exception as error:
            outcome = Raised.of(error)
        if posted is not None:
            ray.get(posted)  # posts of one worker arrive in order, so the earlier ones are there as well
        return outcome
