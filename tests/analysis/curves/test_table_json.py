"""JSON that is a table is read as one, whatever the file is called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from analysis.curves.table_text import read_table
from asteroid.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [{"n": 25, "error": 0.62}, {"n": 50, "error": 0.44}, {"n": 100, "error": None}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\n".join(json.dumps(row) for row in ROWS),
        json.dumps({"n": [25, 50, 100], "error": [0.62, 0.44, None]}),
        json.dumps({"n": {"0": 25, "1": 50, "2": 100}, "error": {"0": 0.62, "1": 0.44, "2": None}}),
    ],
)
def test_records_lines_and_columns_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    frame, notes = read_table(path)
    assert frame["n"].tolist() == [25, 50, 100]
    assert frame["error"].dropna().tolist() == [0.62, 0.44]
    assert notes == ("read as JSON",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (json.dumps(ROWS)[:-5], "found a mistake"),
        (json.dumps({"n": [1, 2], "error": [1]}), "found a mistake"),
        (json.dumps([{"n": 1, "error": {"test": 2}}]), "lists or objects in place of values"),
        ("{}", "found none"),
        ('[{"a":' + "[" * 10**5, "found it nested too deeply"),
    ],
)
def test_other_json_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_table(path)
