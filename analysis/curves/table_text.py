"""Tables of errors as people keep them: separators, comments, decimal commas and encodings are told from the text.

What cannot be told is refused by its name; what was told is said, so that nobody is surprised by it.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pandas as pd

from analysis.curves.table_checks import is_unit
from analysis.curves.table_json import is_json, json_table
from asteroid.errors import InputError
from asteroid.plain_text import one_line

if TYPE_CHECKING:
    from pathlib import Path

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", "&": "ampersands"}
#: Beginnings of files that are tables, but no text.
_NOT_TEXT = {
    b"PK": "a zip or spreadsheet file",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of Excel",
    b"{\\rtf": "a text with formats",
}
_BYTES_MAX = 2**28
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
#: Groups of three digits, which may be thousands or decimals; a leading zero has no thousands.
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+")
#: A whole number with a point before three zeros, which may be one of thousands.
_POINT_OF_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:\.000)+")
#: What stands under the name of a column of counts in a line of units.
_NO_UNITS = frozenset(("", "-", "–", "—", "1", "#", "n", "count", "labels", "frames", "structures", "configurations"))
#: What Excel takes for a separator and no row.
_SEPARATOR_LINE = re.compile(r"sep=.")
#: |---|:---:|, +----+----+, \\midrule and the like.
_RULE = re.compile(r"[|+:=\- \t]*-[|+:=\- \t]*-[|+:=\- \t]*|\\(?:(?:h|c|top|mid|bottom)(?:line|rule)|begin|end)\b.*")


def read_table(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a text table with a head.

    Args:
        path: a file; columns are set apart by commas, semicolons, tabs, bars or blanks.

    Returns:
        (the table, numbers as numbers; what was told from its text, one line each).

    Raises:
        InputError: there is no file, it is no text table, two columns have one name, or a comma between digits may be
            a decimal comma or one of thousands.
    """
    try:
        if not path.is_file():
            raise InputError(f"a table is a CSV file, found none at {path}: check the path")
    except OSError as error:
        raise InputError(f"a table is a CSV file, found none at {path} ({error.strerror})") from error
    text, notes = _text(path)
    if is_json(text):
        return _with_numbers(json_table(text, path), path, [*notes, "read as JSON"])
    lines = text.splitlines()
    if lines and _SEPARATOR_LINE.fullmatch(lines[0].strip()):
        del lines[0]
    head, body = _without_comments(_without_rules(lines))
    if not head.strip():
        raise InputError(f"{path} needs a head and rows, found an empty table: save it as CSV")
    separator = _separator(head, body)
    if separator not in (",", " "):
        notes.append(f"columns set apart by {_SEPARATORS[separator]}")
    elif separator == " ":
        notes.append("columns set apart by blanks")
    names = _split(head, separator)
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"columns of {path} need names of their own, found {twice!r} twice: rename one")
    names = [name or ("" if at == names.index("") else f"column {at + 1}") for at, name in enumerate(names)]
    rows = _without_units(_rows(body, separator, names, path), names, notes)
    return _with_numbers({name: [row[at] for row in rows] for at, name in enumerate(names)}, path, notes)


def _with_numbers(
    columns: dict[str, list[str | None]], path: Path, notes: list[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with columns of numbers as numbers, and what was told of it.

    Raises:
        InputError: a comma or a point in a number may be one of thousands.
    """
    frame = pd.DataFrame({name: _numbers(cells, name, notes) for name, cells in columns.items()})
    commas = any(note.startswith("decimal commas") for note in notes)
    for name, cells in columns.items():
        points = [cell for cell in cells if cell is not None and _POINT_OF_THOUSANDS.fullmatch(cell)]
        if points and (commas or not all("." in cell for cell in cells if cell is not None)):
            raise InputError(
                f"a point in a number is a decimal one or one of thousands, found {points[0]} in column {name!r} "
                f"of {path}: write it without"
            )
    return frame, tuple(dict.fromkeys(notes))


def _without_units(rows: list[list[str | None]], names: list[str], notes: list[str]) -> list[list[str | None]]:
    """Rows without a line of units below the head, as spreadsheets have it."""
    if len(rows) < 2:
        return rows
    cells = [(cell or "").strip().strip("()[]").strip() for cell in rows[0]]
    units = {name: cell for name, cell in zip(names, cells, strict=True) if is_unit(cell)}
    if not units or any(cell.lower() not in _NO_UNITS and not is_unit(cell) for cell in cells):
        return rows
    if not all(_is_number((row[names.index(name)] or "").replace(",", ".")) for row in rows[1:] for name in units):
        return rows
    notes.append("below the head stand units: " + ", ".join(f"{name} in {unit}" for name, unit in units.items()))
    return rows[1:]


def _text(path: Path) -> tuple[str, list[str]]:
    size = path.stat().st_size
    if size > _BYTES_MAX:
        raise InputError(f"a table has at most {_BYTES_MAX >> 20} MiB, {path} has {size >> 20}: take the rows you need")
    content = path.read_bytes()
    kind = next((name for start, name in _NOT_TEXT.items() if content.startswith(start)), None)
    if kind is not None:
        raise InputError(f"{path} must be a text table, found {kind}: save it as CSV")
    if content.lstrip()[:9].lower().startswith((b"<html", b"<!doctype", b"<table", b"<?xml")):
        raise InputError(f"{path} must be a text table, found a page of HTML or XML: save it as CSV")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace"), ["read as UTF-16"]
    if b"\0" in content:
        raise InputError(f"{path} must be a text table, found binary data: save it as CSV")
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace"), ["read as Windows-1252 or Latin-1, it is no UTF-8"]


def _without_rules(lines: list[str]) -> list[str]:
    """A table as Markdown, databases and LaTeX print it, without its rules and what ends its lines."""
    kept = [line for line in lines if not _RULE.fullmatch(line.strip())]
    kept = [line.rstrip().removesuffix("\\\\") for line in kept]
    if all(len(line.strip()) > 1 and line.strip()[0] == line.strip()[-1] == "|" for line in kept if line.strip()):
        return [line.strip()[1:-1] for line in kept]
    return kept


def _without_comments(lines: list[str]) -> tuple[str, list[str]]:
    """Head and rows; a head may be a comment itself, as NumPy writes it."""
    kept = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    comments = [line.lstrip().lstrip("#") for line in lines if line.lstrip().startswith("#")]
    if kept and comments and all(_is_number(word) for word in re.split(r"[,;|\s]+", kept[0].strip())):
        return comments[-1], kept
    return (kept[0], kept[1:]) if kept else ("", [])


def _is_number(word: str) -> bool:
    try:
        float(word.strip("\"'"))
    except ValueError:
        return False
    return True


def _separator(head: str, body: list[str]) -> str:
    """The separator that gives the head and the first rows the same number of columns, and the most of them."""
    best, most = " ", 1
    for separator in _SEPARATORS:
        columns = len(_split(head, separator))
        if columns > most and all(len(_split(line, separator)) >= columns - 1 for line in body[:5]):
            best, most = separator, columns
    if most > 1:
        return best
    columns = len(head.split())
    same = columns > 1 and all(len(line.split()) == columns for line in body[:20])
    return " " if same else ","


def _split(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    try:
        found = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        found = line.split(separator)
    return [word.strip() for word in found]


def _rows(body: list[str], separator: str, names: list[str], path: Path) -> list[list[str | None]]:
    rows: list[list[str | None]] = []
    try:
        if separator == " ":
            parsed = [line.split() for line in body]
        else:
            parsed = list(csv.reader(io.StringIO("\n".join(body)), delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise InputError(f"{path} is not a CSV table ({one_line(str(error), 80)}): save it as CSV") from error
    for number, words in enumerate(parsed, 1):
        cells: list[str | None] = [word.strip() or None for word in words]
        while len(cells) > len(names) and cells[-1] is None:
            cells.pop()
        if len(cells) > len(names):
            raise InputError(
                f"rows of {path} have as many values as the head, {len(names)}, found {len(cells)} in row {number} "
                "below the head: quote values with separators in them"
            )
        if any(cells):
            rows.append(cells + [None] * (len(names) - len(cells)))
    return rows


def _numbers(cells: list[str | None], name: str, notes: list[str]) -> pd.Series:
    """A column as numbers where all of it are some."""
    values = [cell for cell in cells if cell is not None]
    commas = [value for value in values if "," in value]
    if commas and all(_DECIMAL_COMMA.fullmatch(value) for value in commas):
        if all(_THOUSANDS.fullmatch(value) for value in commas):
            raise InputError(
                f"a comma in a number is one of thousands or a decimal one, found {commas[0]} in column {name!r}: "
                "write it without"
            )
        if not any("." in value for value in values):
            cells = [cell if cell is None else cell.replace(",", ".") for cell in cells]
            notes.append(f"decimal commas in column {name!r}")
    column = pd.Series(cells, dtype="string")
    found = pd.to_numeric(column, errors="coerce")
    return found if values and found.notna().sum() == len(values) else column
