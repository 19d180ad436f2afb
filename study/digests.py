"""Files that other tools read as they are, written with a digest beside them, so that a changed one is not believed.

A record carries its digest in itself (`study.files`); a table or a text cannot. Theirs stand in one record of the
folder, for each file the digest of what is about to be written and that of what it replaces: whenever the writer is
killed, the file is one of the two.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from asteroid.content_digest import content_digest
from asteroid.errors import InputError
from asteroid.new_file import new_file
from study.files import read_record, write_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGESTS_FILE = "digests.json"


@contextmanager
def file_with_digest(path: Path) -> Iterator[Path]:
    """As `asteroid.new_file.new_file`; what was written is noted before it takes the path's place.

    Args:
        path: the file to be written, in a folder that one process writes at a time.
    """
    with new_file(path) as temporary:
        yield temporary
        record = path.with_name(DIGESTS_FILE)
        new = content_digest(temporary.read_bytes())
        noted = _noted(record) if record.is_file() else {}
        before = noted.get(path.name, [])[:1]
        if not before and path.is_file():  # of an earlier version
            before = [content_digest(path.read_bytes())]
        write_record(record, {**noted, path.name: [new, *before]})


def write_text_with_digest(path: Path, text: str) -> None:
    """Write a text, complete or not at all, and note its digest."""
    with file_with_digest(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_intact(path: Path, remedy: str) -> bytes:
    """Read what `file_with_digest` wrote; folders of earlier versions have no digests.

    Args:
        path: a file.
        remedy: what to do where it was changed.

    Raises:
        InputError: it is not as it was written, or the digests of its folder are damaged.
        OSError: it cannot be read.
    """
    content = path.read_bytes()  # before the digests: a writer notes them first
    record = path.with_name(DIGESTS_FILE)
    noted = _noted(record).get(path.name) if record.is_file() else None
    if noted is not None and content_digest(content) not in noted:
        raise InputError(f"{path} is not as it was written (its digest differs): {remedy}")
    return content


def _noted(record: Path) -> dict[str, list[str]]:
    plain, intact = read_record(record, remedy := "remove it, then repeat the command that wrote the folder")
    for noted in plain.values():
        intact = intact and isinstance(noted, list) and all(isinstance(own, str) for own in noted)
    if not intact:
        raise InputError(f"{record} is not as it was written: {remedy}")
    return plain
