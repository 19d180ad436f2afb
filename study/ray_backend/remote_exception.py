"""Exceptions on their way from a worker to the driver."""

from __future__ import annotations

import os
import pickle
import re
import traceback
from dataclasses import dataclass

from asteroid.plain_text import one_line

#: What Ray adds to its account of a death: guesses, inventories and advice on its own settings, a screen of them.
_ADDED = re.compile(r" (Some common causes include|Object store memory usage|Refer to the documentation)")
#: Where Ray begins to say what happened, after names and numbers of the actor.
_BEGINS = "The actor is dead because"
#: Longest account of a worker's death, in characters.
_ACCOUNT_MAX = 320


@dataclass(frozen=True)
class RemoteException:
    """An exception that a worker raised, with the causes that pickle would drop.

    Attributes:
        chain: the exception, its cause, the cause's cause and so on.
    """

    chain: tuple[Exception, ...]

    @classmethod
    def of(cls, error: Exception) -> RemoteException:
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


def cause_of_death(error: Exception) -> str:
    """What Ray knows of the end of a worker, in one line: what happened, without its guesses at the causes."""
    account = " ".join(str(error).split())
    account = account[max(0, account.find(_BEGINS)) :]
    found = _ADDED.search(account)
    return one_line(account if found is None else account[: found.start()], _ACCOUNT_MAX)
