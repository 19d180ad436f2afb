"""Tables that are JSON, whatever their names: records, one record a line, or columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from asteroid.errors import InputError
from asteroid.io.foreign import foreign_parser

if TYPE_CHECKING:
    from pathlib import Path


def is_json(text: str) -> bool:
    """Whether a text begins as JSON does: an object, or a list of them."""
    beginning = text.lstrip()[:200]
    return beginning.startswith("{") or (beginning.startswith("[") and beginning[1:].lstrip()[:1] in ("{", "]"))


def json_table(text: str, path: Path) -> dict[str, list[str | None]]:
    """The columns of the table, with cells as text.

    Raises:
        InputError: it is damaged, or no table: values are lists or objects, or columns are of different lengths.
    """
    rule = f"{path} must be a table, as CSV or as JSON with one record for each row"
    with foreign_parser(rule, "save it as CSV"):
        try:
            content: Any = json.loads(text)
        except json.JSONDecodeError:
            content = [json.loads(line) for line in text.splitlines() if line.strip()]
        frame = pd.DataFrame(content)
    names = [str(name).strip() for name in frame.columns]
    nested = any(isinstance(value, (dict, list)) for value in frame.to_numpy(dtype=object).ravel())
    if not names or not len(frame) or nested or len(set(names)) < len(names):
        found = "lists or objects in place of values" if nested else "none"
        raise InputError(f"{rule}, found {found}: save it as CSV")
    cells: dict[str, list[str | None]] = {}
    for name, column in zip(names, frame.columns, strict=True):
        missing = frame[column].isna()
        cells[name] = [None if gone else str(value) for value, gone in zip(frame[column], missing, strict=True)]
    return cells
