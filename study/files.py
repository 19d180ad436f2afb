"""Small files written whole or not at all, read back with a check that they are what was written, and locks."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asteroid.content_digest import content_digest
from asteroid.errors import InputError
from asteroid.new_file import UNFINISHED, new_file
from asteroid.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Key of the digest of a record, over everything else in it.
DIGEST = "digest"
#: No record of a run is larger.
_BYTES_MAX = 2**28
_LEFTOVER = re.compile(rf"\..+\.[0-9a-f]{{16}}{re.escape(UNFINISHED)}")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, made if need be, for this process; the lock of a process that died holds nobody up.

    Raises:
        InputError: another live process holds it, the lock is a link, a folder inside is one, or the file system has
            no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refuse_linked_folders(folder)
    refuse_special_files(folder)
    try:
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise InputError(f"{folder} needs a lock of its own, found a link named .lock: remove it") from error
    with os.fdopen(descriptor, "r+") as lock:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or os.fstat(descriptor).st_nlink > 1:
            raise InputError(f"{folder} needs a lock of its own, found .lock to be another file as well: remove it")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder} is in use by process {lock.read(20).strip() or 'unknown'}: wait for it or stop it first"
            ) from None
        except OSError as error:
            raise InputError(
                f"{folder} needs a file system with locks (flock), found none there ({error.strerror}): "
                "mount it with locks, or choose another --out"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        for entry in folder.iterdir():
            if _LEFTOVER.fullmatch(entry.name):  # of a writer that was killed: nobody else writes here
                with suppress(OSError):
                    entry.unlink()
        yield


def refuse_linked_folders(folder: Path) -> None:
    """Refuse a folder that says by links where its contents are to be written; it may come from somebody else.

    Raises:
        InputError: an entry of the folder is a link to another folder.
    """
    with os.scandir(folder) as entries:
        linked = next((entry.path for entry in entries if entry.is_symlink() and entry.is_dir()), None)
    if linked is not None:
        raise InputError(f"{linked} must be a folder of its own, found a link: put the folder in its place")


def refuse_special_files(folder: Path) -> None:
    """Refuse a folder with an entry that is neither file nor folder: whoever opens a pipe waits for ever.

    Raises:
        InputError: an entry is a pipe, a socket or a device, or a link to one.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.is_file() or entry.is_dir()) and Path(entry.path).exists():
                raise InputError(f"{entry.path} must be a file or a folder, found a pipe, socket or device: remove it")


def write_text(path: Path, text: str) -> None:
    """Write a file, complete or not at all."""
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON, complete or not at all."""
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def write_record(path: Path, data: dict[str, Any]) -> None:
    """Write plain data with its digest, so that `read_record` tells whether it is as it was written."""
    plain = json.loads(json.dumps(data, allow_nan=False))
    write_json(path, plain | {DIGEST: digest_of(plain)})


def read_record(path: Path, remedy: str) -> tuple[dict[str, Any], bool]:
    """Read what `write_record` wrote; records of earlier releases have no digest.

    Args:
        path: a JSON file.
        remedy: what to do where it is damaged.

    Returns:
        (the data without its digest, whether the digest is missing or right).

    Raises:
        InputError: it is no JSON object, or too large or too deep for one.
        OSError: it cannot be read; `FileNotFoundError` where there is none.
    """
    plain = read_json(path, remedy)
    stated = plain.pop(DIGEST, None)
    return plain, stated is None or stated == digest_of(plain)


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: as `read_record`.
        OSError: as `read_record`.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path} must be a file, found another kind of entry: {remedy}")
    size = found.st_size
    if size > _BYTES_MAX:
        raise InputError(f"{path} is damaged ({size >> 20} MiB, too large for what it is): {remedy}")
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise InputError(f"{path} is damaged (nested too deeply): {remedy}") from error
    except ValueError as error:
        why = "it is empty" if not size else one_line(str(error), 120)
        raise InputError(f"{path} is damaged ({why}): {remedy}") from error
    if not isinstance(plain, dict):
        raise InputError(f"{path} is damaged (no JSON object): {remedy}")
    return plain


def digest_of(plain: Any) -> str:
    """Digest of plain data, whatever the order of its keys."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return content_digest(text.encode("utf-8", "surrogatepass"))
