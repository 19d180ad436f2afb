"""The command `report`: one file that repeats, for runs and for searches; one line for a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from command_line import answer
from drawn_run import draw_only_svg, make_run, stems

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _only_svg_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_only_svg(monkeypatch)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return make_run(folder / "one", searched=True), make_run(folder / "two", "ethanol")


def test_a_run_of_searches_only_is_drawn_and_reported(tmp_path: Path) -> None:
    run = make_run(tmp_path / "searched", searched=True)
    (run / "results.parquet").unlink()
    code, _, err = answer("plot", str(run))
    assert (code, err) == (0, "")
    assert stems(run / "figures") == {"pareto", "importance"}
    code, _, err = answer("report", str(run))
    assert (code, err) == (0, "")
    assert "not a number of labels" in (run / "report.html").read_text()


def test_report_is_one_file_that_repeats(runs: tuple[Path, Path]) -> None:
    before = set(runs[0].iterdir())
    words = ("report", str(runs[0]), "--target", "0.3 kcal/mol/A", "--confidence", "0.8")
    code, out, err = answer(*words)
    assert (code, err) == (0, "")
    path = runs[0] / "report.html"
    assert out.strip() == str(path)
    assert set(runs[0].iterdir()) - before == {path}
    page = path.read_bytes()
    assert answer(*words)[0] == 0
    assert path.read_bytes() == page
    text = page.decode()
    assert "probability of at least 80%" in text
    assert "What the settings matter" in text
    assert str(runs[0]) not in text, "a page may be passed on: it names no folder of this machine"


def test_report_takes_prices_and_says_how_to_ask_again(runs: tuple[Path, Path]) -> None:
    assert answer("report", str(runs[1]), "--price", "ccsd_t/cc-pvdz=10min")[0] == 0
    text = (runs[1] / "report.html").read_text()
    assert "--price ccsd_t/cc-pvdz=10min" in text
    assert "600 s (given)" in text
    assert "No target was given" in text
    assert "trials.csv" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report", "{run}", "--target", "0.5"], "needs a unit"),
        (["report", "{run}", "--confidence", "1.5"], "1.5"),
        (["report", "{run}", "--price", "mp2=3s"], "no labels of level 'mp2'"),
        (["report", "{run}", "--force-unit", "furlong"], "furlong"),
        (["report", "{empty}"], "results.parquet"),
        (["plot", "{run}", "{run}"], "found one twice"),
        (["plot", "{run}", "--budget", "30", "--out", "{empty}/x"], "choose one of 20, 50, 100, 200"),
        (["plot", "{run}", "{empty}"], "results.parquet"),
    ],
)
def test_mistakes_get_one_line_and_write_nothing(
    runs: tuple[Path, Path], tmp_path: Path, words: list[str], says: str
) -> None:
    before = {path: path.stat().st_mtime_ns for path in runs[0].rglob("*")}
    code, out, err = answer(*(word.format(run=runs[0], empty=tmp_path) for word in words))
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert says in err
    assert not list(tmp_path.iterdir())
    assert {path: path.stat().st_mtime_ns for path in runs[0].rglob("*")} == before
