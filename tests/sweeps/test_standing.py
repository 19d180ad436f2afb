"""How far a run has come, with its errors so far, read while it is being made."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pandas as pd
from command_line import answer

from asteroid.units import KCAL_PER_MOL_EV
from sweeps.commands import status
from sweeps.standing import error_lines, standing_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_errors_so_far_are_the_best_setting_s_means() -> None:
    rows = [("a", 20, 0, 0.2), ("a", 20, 0, 0.4), ("a", 40, 0, 0.1), ("b", 20, 100, 0.6), ("b", 20, 500, 0.5)]
    columns = ["strategy", "budget", "n_cheap", "test_force_mae_ev_ang"]
    table = pd.DataFrame(rows, columns=columns).assign(gamma_rel=float("inf"), schedule="standard", status="ok")
    table["cv_force_mae_ev_ang"] = float("nan")
    table["test_force_mae_ev_ang"] *= KCAL_PER_MOL_EV
    assert [line.split() for line in error_lines(table)] == [
        ["force", "MAE", "so", "far", "(kcal/mol/Å)", "20", "40"],
        ["a", "0.3", "0.1"],
        ["b", "0.5", "."],
    ]
    assert error_lines(table.assign(status="failed")) == []


def test_a_run_without_rows_has_no_errors_yet(tiny_run: Path, tmp_path: Path) -> None:
    shutil.copyfile(tiny_run / "manifest.json", tmp_path / "manifest.json")
    found = standing_of(tmp_path)
    assert (found.ended, found.errors) == (True, ())
    assert len(standing_of(tiny_run).errors) == 5


def test_watching_ends_with_the_run(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"status": "running"}))
    looks = []

    def wait(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            shutil.copyfile(tiny_run / "manifest.json", run / "manifest.json")

    monkeypatch.setattr(status.time, "sleep", wait)
    code, out, _ = answer("status", str(run), "--watch")
    assert code == 0
    assert len(looks) == 2
    assert out.count("18/18 stages finished") == 2, "what has not changed is not said again"
    assert out.count("to go on: ") == 1
    assert "force MAE so far (kcal/mol/Å)" in out
