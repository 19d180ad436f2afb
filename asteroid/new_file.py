"""Files written under a name that nobody can know beforehand, and renamed once they are whole."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Ends the names of unfinished files; in front of it stands a random number.
UNFINISHED = ".tmp"


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A new, empty file beside a path, which takes its place in the end, or is gone where something fails.

    A folder may come from somebody else, with links under any name that could be foreseen: the name is random, the file
    is made exclusively, and a link that stands at the path itself is replaced and never followed.

    Args:
        path: the file to be written.

    Raises:
        OSError: the folder is not there or cannot be written to, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{UNFINISHED}")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
