"""The notebooks run as written, cell by cell, at a smaller size."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from drawn_run import draw_only_svg

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
#: What makes them small enough for a test; everything else stays as it is.
SMALLER = {
    "my_first_budget": {
        "budgets: [20, 30, 50, 80, 160, 320]": "budgets: [20, 30, 50, 80]",
        "budget=320": "budget=80",
        "n_cheap: [500]": "n_cheap: [60]",
        "seeds: [0, 1, 2]": "seeds: [0, 1]",
        "hidden: 32": "hidden: 8",
        "steps: 800": "steps: 30",
        "steps: 1000": "steps: 30",
        "steps: 500": "steps: 20",
        '"0.5 kcal/mol/A"': '"20 kcal/mol/A"',
    },
    "my_own_model": {
        "n_cheap: [300]": "n_cheap: [60]",
        "steps: 300": "steps: 15",
        "steps: 150": "steps: 15",
        "hidden: 32": "hidden: 8",
    },
}


def cells(name: str, kind: str) -> list[str]:
    notebook = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_every_notebook_is_tried() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(SMALLER)


@pytest.mark.parametrize("name", SMALLER)
def test_a_notebook_runs_as_written(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_only_svg(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))  # as a kernel does with the folder of its notebook
    written = cells(name, "code")
    for text, smaller in SMALLER[name].items():
        assert any(text in cell for cell in written), f"{text!r} is no longer in the notebook"
        written = [cell.replace(text, smaller) for cell in written]
    namespace: dict[str, Any] = {}
    for at, cell in enumerate(written):
        exec(compile(cell, f"{name}, cell {at}", "exec"), namespace)
    tables = [pd.read_csv(path) for path in tmp_path.glob("runs/*/results.csv")]
    assert tables
    assert all((table["status"] == "ok").all() for table in tables)


def test_notebooks_name_no_folder_of_a_machine() -> None:
    for path in FOLDER.glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"[\s\"'(](/\w[^\s\"']*)", text)
