from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from study.tables.csv_files import as_written, write_csv

if TYPE_CHECKING:
    from pathlib import Path


def test_no_cell_is_a_formula_and_texts_come_back(tmp_path: Path) -> None:
    texts = ["=1+1", "+x", "-x", "@SUM(A1)", "plain", "'quoted", ""]
    frame = pd.DataFrame({"name": pd.array(texts, dtype="string"), "=head": [-1.0, 2, 3, 4, 5, 6, 7]})
    write_csv(frame, tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    assert not any(cell.startswith(("=", "+", "@")) for line in text.splitlines() for cell in line.split(","))
    back = as_written(pd.read_csv(tmp_path / "a.csv", dtype={"name": "string"}, keep_default_na=False))
    assert back["name"].tolist() == texts
    assert back.iloc[0, 1] == -1.0


def test_control_characters_are_spelt_out(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"name": ["\x1b[31mred"]}), tmp_path / "a.csv")
    assert "\x1b" not in (tmp_path / "a.csv").read_text()
