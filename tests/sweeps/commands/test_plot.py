"""The command `plot`: every format of every figure, one run or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from command_line import answer, refused
from drawn_run import draw_only_svg, make_run, stems

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return make_run(folder / "one", searched=True), make_run(folder / "two", "ethanol")


def test_every_format_is_drawn_with_its_data(
    runs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = ("learning_curve", "every_curve", "cost")
    draw_only_svg(monkeypatch, *drawn)
    code, out, _ = answer("plot", str(runs[1]), "--out", str(tmp_path / "figures"))
    assert code == 0
    for stem in drawn:
        assert stem in out
        for suffix in ("pdf", "svg", "png", "csv"):
            assert (tmp_path / "figures" / f"{stem}.{suffix}").stat().st_size > 500


def test_several_runs_get_their_own_figures_and_bars_together(
    runs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_only_svg(monkeypatch)
    code, out, err = answer("plot", *map(str, runs), "--out", str(tmp_path / "together"))
    assert (code, err) == (0, "")
    always = {"learning_curve", "every_curve", "cost", "bars", "gamma"}
    assert stems(runs[0] / "figures") == always | {"pareto", "importance"}
    assert stems(runs[1] / "figures") == always
    assert stems(tmp_path / "together") == {"bars_of_runs"}
    assert str(tmp_path / "together" / "bars_of_runs") in out
    bars = pd.read_csv(tmp_path / "together" / "bars_of_runs.csv")
    assert set(bars["run"]) == {"methanol", "ethanol"}
    assert set(bars["budget"]) == {200}


def test_one_run_takes_budget_and_folder(
    runs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_only_svg(monkeypatch)
    code, _, err = answer("plot", str(runs[1]), "--out", str(tmp_path / "here"), "--budget", "50")
    assert (code, err) == (0, "")
    assert "bars_of_runs" not in stems(tmp_path / "here")
    assert set(pd.read_csv(tmp_path / "here" / "bars.csv")["budget"]) == {50}


def test_mistakes_get_one_line(runs: tuple[Path, Path], tmp_path: Path) -> None:
    assert "results.parquet" in refused("plot", tmp_path)
    assert "furlong" in refused("plot", runs[0], "--force-unit", "furlong")
    assert not list(tmp_path.iterdir())
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "figures").symlink_to(tmp_path)
    for name in ("manifest.json", "results.parquet"):
        (tmp_path / "run" / name).write_bytes((runs[0] / name).read_bytes())
    assert "found a link" in refused("plot", tmp_path / "run")
