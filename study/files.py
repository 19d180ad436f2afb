"""Small files written whole or not at all, and locks."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, made if need be, for this process; the lock of a process that died holds nobody up.

    Raises:
        InputError: another live process holds it, or the file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise InputError(
                f"{folder} is in use by process {lock.read().strip() or 'unknown'}: wait for it or stop it first"
            ) from None
        except OSError as error:
            raise InputError(
                f"{folder} needs a file system with locks (flock), found none there ({error.strerror}): "
                "mount it with locks, or choose another --out"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def write_text(path: Path, text: str) -> None:
    """Write a file under a temporary name, then rename."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)  # half of it, where the disk is full


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON, complete or not at all."""
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")
