"""The commands `plot` (one run, several runs, runs of searches) and `report`: files, words, one line for a mistake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from command_line import answer
from matplotlib.figure import Figure

from asteroid.units import KCAL_PER_MOL_EV
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame, write_results
from study.tables.trials import write_importances, write_trials

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(28.0, "card"), "gfn2-xtb": LevelPrice(0.002, "card", 0.018)}
PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)
BLANK: dict[str, Any] = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}


@pytest.fixture(autouse=True)
def _only_svg_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a word for PDF and PNG, which take most of the time: these tests are about files, not about pictures."""
    draw = Figure.savefig

    def savefig(figure: Figure, target: Any, **options: Any) -> None:
        if options["format"] == "svg":
            draw(figure, target, **options)
        else:
            target.write_text("picture")

    monkeypatch.setattr(Figure, "savefig", savefig)


def make_run(folder: Path, name: str = "methanol", *, searched: bool = False) -> Path:
    """A small finished run folder, written without training."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for strategy, gamma_rel, n_cheap, at_20 in (
        ("accurate_only", np.nan, 0, 2.0),
        ("pretrain_finetune", np.inf, 4000, 0.5),
        ("asteroid", 1.0, 4000, 0.55),
    ):
        for budget in (20, 50, 100, 200):
            for seed in range(2):
                values = {column: BLANK[dtype] for column, (dtype, _) in COLUMNS.items()}
                error = at_20 * (budget / 20) ** -0.5 * KCAL_PER_MOL_EV * np.exp(0.05 * rng.normal())
                values |= {"strategy": strategy, "gamma_rel": gamma_rel, "n_cheap": n_cheap, "budget": budget}
                values |= {"seed": seed, "test_force_mae_ev_ang": error, "status": "ok", "n_test": 300}
                rows.append(values | {"recipe_core_s": 2.0})
    table = results_frame(rows)
    write_results(table, folder)
    ledger = {"accurate_labels_assumed_bought": 300, "cheap_frames_assumed_bought": 4000}
    ledger |= {"evaluation_labels": 300, "sweep_core_s": 60.0}
    manifest = {"name": name, "status": "complete", "molecule": "CH4O", "rows": len(table), "pool_size": 1025}
    manifest |= {"level_accurate": "ccsd_t/cc-pvdz", "level_cheap": "gfn2-xtb", "prices": PRICES.to_json()}
    manifest |= {"n_test": 300, "ledger": ledger, "sweep": {"name": name}, "data_card_lines": ["a card"]}
    manifest |= {"versions": {"asteroid-study": "0.1.0"}, "hardware": {"cores": 2}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "sweep.yaml").write_text(f"name: {name}\n")
    if searched:
        write_searches(folder)
    return folder


def write_searches(folder: Path) -> None:
    trials = [
        {
            "study": "pareto asteroid",
            "mode": "pareto",
            "strategy": "asteroid",
            "trial": at,
            "state": "COMPLETE",
            "budget": budget,
            "n_cheap": 4000,
            "gamma_rel": np.inf,
            "cv_force_mae_ev_ang": 0.5 / budget,
            "cv_force_mae_se_ev_ang": 0.05 / budget,
            "cost_accurate_cpu_s": 28.0 * budget,
            "cost_cheap_cpu_s": 80.0,
            "core_s": 1.0,
            "chosen": False,
            "settings": "{}",
        }
        for at, budget in enumerate((20, 50, 100))
    ]
    write_trials(pd.DataFrame(trials), folder)
    own = {"study": "tune asteroid 50", "strategy": "asteroid", "budget": 50}
    shares = [
        own | {"parameter": "gamma_rel", "importance": 0.7, "kind": "parameter"},
        own | {"parameter": "seed_noise", "importance": 0.3, "kind": "seed_noise"},
    ]
    write_importances(pd.DataFrame(shares), folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return make_run(folder / "one", searched=True), make_run(folder / "two", "ethanol")


def stems(folder: Path) -> set[str]:
    """Figures of a folder; each must have all four files."""
    found = {path.stem for path in folder.iterdir()}
    assert {path.name for path in folder.iterdir()} == {
        f"{stem}.{kind}" for stem in found for kind in ("pdf", "svg", "png", "csv")
    }
    return found


def test_several_runs_get_their_own_figures_and_bars_together(runs: tuple[Path, Path], tmp_path: Path) -> None:
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


def test_one_run_takes_budget_and_folder(runs: tuple[Path, Path], tmp_path: Path) -> None:
    code, _, err = answer("plot", str(runs[1]), "--out", str(tmp_path / "here"), "--budget", "50")
    assert (code, err) == (0, "")
    assert "bars_of_runs" not in stems(tmp_path / "here")
    assert set(pd.read_csv(tmp_path / "here" / "bars.csv")["budget"]) == {50}


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
    assert "600 s (command line)" in text
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
