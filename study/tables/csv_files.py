"""Tables as CSV files that no spreadsheet takes for programs: a text that begins like a formula is marked as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.new_file import new_file
from asteroid.plain_text import printable

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

#: First characters by which spreadsheets know formulas; behind the apostrophe they are text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = "'"


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table, complete or not at all; texts lose control characters, those like formulas get an apostrophe."""
    plain = frame.copy()
    for name in plain.columns:
        if plain[name].dtype.kind not in "biufcmM":
            plain[name] = plain[name].map(_harmless)
    plain.columns = [_harmless(name) for name in plain.columns]
    with new_file(path) as temporary:
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
