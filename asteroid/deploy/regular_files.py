"""Files of a folder from somebody else: read only where they are plain files of an expected size."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from asteroid.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def read_plain_file(path: Path, most_bytes: int) -> bytes:
    """The content of a plain file; links are not followed, pipes and devices not opened.

    Raises:
        InputError: there is no such file, it is something else, or larger than allowed.
    """
    try:
        found = path.lstat()
    except OSError as error:
        raise InputError(f"a model folder needs {path.name}, found none in {path.parent}: export the model") from error
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"files of a model folder are plain files, found another kind ({path}): copy the file itself")
    if found.st_size > most_bytes:
        raise InputError(f"{path} must have at most {most_bytes:,} bytes, found {found.st_size:,}: export it again")
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        return file.read(most_bytes)
