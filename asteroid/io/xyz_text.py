"""The text of (extended) XYZ files, compressed or not: how many frames it has, and that each of them is whole."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ase.data import atomic_numbers

from asteroid.errors import InputError
from asteroid.io.foreign import foreign_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: No line of an XYZ file has so many characters; a compressed file may claim any number.
LINE_MAX = 1_000_000
_OPENERS: dict[bytes, Callable[[Path], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
#: Numbers of columns in Properties=species:S:1:pos:R:3, and in nothing else that a comment may hold.
_COLUMNS = re.compile(r":[SRIL]:(\d{1,18})(?=[:\s\"']|$)")
#: A number such as 1.0D-05 in a row.
_FORTRAN = re.compile(r"\s[-+]?\d*\.?\d+[dD][-+]?\d")
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class XyzText:
    """What the lines of a file say.

    Attributes:
        comments: comment line of each frame.
        n_lines: lines of all frames; blank ones may follow.
        fortran: whether numbers have exponents as Fortran writes them (1.0D-05).
    """

    comments: tuple[str, ...]
    n_lines: int = 0
    fortran: bool = False

    @property
    def is_extended(self) -> bool:
        """Whether the comment of the first frame names columns or a cell, as extended XYZ does."""
        return bool(self.comments) and names_columns(self.comments[0])


def names_columns(comment: str) -> bool:
    """Whether a comment names columns or a cell, as extended XYZ does."""
    return any(key in comment for key in ("Properties=", "Lattice="))


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """The text of a file, decompressed where it is gzip, bzip2 or xz by its first bytes.

    Raises:
        InputError: a compressed file is damaged.
    """
    with path.open("rb") as raw:
        start = raw.read(8)
    opener = next((known for magic, known in _OPENERS.items() if start.startswith(magic)), None)
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    with foreign_parser(f"{path.name} must be text", "fetch or write it again"):
        binary = path.open("rb") if opener is None else opener(path)
        with io.TextIOWrapper(binary, encoding=encoding, errors="replace") as stream:
            yield stream


def is_xyz(path: Path) -> bool:
    """Whether a file begins as XYZ does, whatever its name: a number, a comment, an element with three numbers."""
    try:
        with open_text(path) as stream:
            first, _, atom = (stream.readline(LINE_MAX) for _ in range(3))
            return first.strip().isdigit() and _is_atom(atom)
    except (InputError, OSError):
        return False


def scan(path: Path) -> XyzText:
    """Go through a file line by line, before any parser does.

    Raises:
        InputError: a frame has fewer lines than it says, something stands behind a blank line, a line that should be a
            number of atoms is none, or the last line is not ended.
    """
    comments, fortran = [], False
    with open_text(path) as stream:
        number, last = 1, ""
        while line := _next(stream, path):
            if not line.strip():
                _refuse_more(stream, path, number)
                break
            size, rows = _size(line, number, path), 0
            last = _next(stream, path)
            comments.append(last.strip())
            while rows < size and (row := _next(stream, path)):
                if not rows:
                    _refuse_claimed_columns(last, row, len(comments) - 1, path)
                    fortran = fortran or _FORTRAN.search(row) is not None
                rows, last = rows + 1, row
            if rows < size:
                raise InputError(
                    f"frame {len(comments) - 1} of {path.name} (from line {number}) must have {size} atoms, found the "
                    f"end of the file behind {rows}: it is cut off, fetch or write it again"
                )
            number += 2 + size
    if last.strip() and not last.endswith("\n"):
        raise InputError(
            f"the last line of {path.name} is not ended, so the file may be cut off: end it or write it again"
        )
    return XyzText(tuple(comments), number - 1, fortran)


def _refuse_claimed_columns(comment: str, row: str, frame: int, path: Path) -> None:
    """ASE makes as many columns as a comment claims, whatever stands in the rows.

    Raises:
        InputError: it claims more than the first row has.
    """
    claimed = sum(map(int, _COLUMNS.findall(comment)))
    if claimed > (found := len(row.split())):
        raise InputError(
            f"frame {frame} of {path.name} claims {claimed:,} columns (Properties=...), found {found}: repair it, or "
            "write it with ase.io"
        )


def _next(stream: IO[str], path: Path) -> str:
    line = stream.readline(LINE_MAX)
    if len(line) >= LINE_MAX:
        raise InputError(f"lines of {path.name} must be shorter than {LINE_MAX:,} characters: check the file")
    return line


def _size(line: str, number: int, path: Path) -> int:
    text = line.strip()
    if not (text.isascii() and text.isdigit() and int(text[:19]) > 0 and len(text) < 19):
        raise InputError(
            f"line {number} of {path.name} must be the number of atoms of a frame, found {text[:60]!r}: it is no XYZ "
            "file, or lines are missing or left over before it"
        )
    return int(text)


def _refuse_more(stream: IO[str], path: Path, number: int) -> None:
    for later, line in enumerate(iter(lambda: _next(stream, path), ""), number + 1):
        if line.strip():
            raise InputError(
                f"{path.name} ends for its reader at line {number - 1}, found more at line {later}: remove the blank "
                "line before it"
            )


def _is_atom(line: str) -> bool:
    words = line.split()
    if len(words) < 4 or (words[0].capitalize() not in atomic_numbers and not words[0].isdigit()):
        return False
    try:
        return all(float(word) == float(word) for word in words[1:4])
    except ValueError:
        return False
