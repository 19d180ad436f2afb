"""Tables as CSV files that no spreadsheet takes for programs: a text that begins like a formula is marked as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.new_file import new_file
from asteroid.plain_text import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pandas as pd

#: First characters by which spreadsheets know formulas; behind the apostrophe they are text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = "'"


def write_csv(
    frame: pd.DataFrame, path: Path, created: Callable[[Path], AbstractContextManager[Path]] = new_file
) -> None:
    """Write a table, complete or not at all; texts lose control characters, those like formulas get an apostrophe.

    Args:
        frame: the table.
        path: of the file.
        created: makes the file; `study.digests.file_with_digest` for one that is read back.
    """
    plain = frame.copy()
    for name in plain.columns:
        if plain[name].dtype.kind not in "biufcmM":
            plain[name] = plain[name].map(_harmless)
    plain.columns = [_harmless(name) for name in plain.columns]
    with created(path) as temporary:
        plain.to_csv(temporary, index=False)


def as_written(frame: pd.DataFrame) -> pd.DataFrame:
    """A table that was read from such a file, its texts without the apostrophes."""
    plain = frame.copy()
    for name in plain.columns:
        if plain[name].dtype.kind not in "biufcmM":
            plain[name] = plain[name].map(_unmarked, na_action="ignore").astype(frame[name].dtype)
    return plain


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    return (_MARK if value.startswith(_FORMULA) else "") + printable(value)


def _unmarked(value: object) -> object:
    return value[1:] if isinstance(value, str) and value.startswith(_MARK) and value[1:].startswith(_FORMULA) else value
