"""Finished run folders written without training, and figures of which only SVG is really drawn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from asteroid.units import KCAL_PER_MOL_EV
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame, write_results
from study.tables.trials import write_importances, write_trials

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(28.0, "card"), "gfn2-xtb": LevelPrice(0.002, "card", 0.018)}
PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)
BLANK: dict[str, Any] = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}


def draw_only_svg(monkeypatch: pytest.MonkeyPatch, *fully: str) -> None:
    """Write a word for PDF and PNG, which take most of the time, of all figures but those named.

    These tests are about files, not about pictures.
    """
    draw = Figure.savefig

    def savefig(figure: Figure, target: Any, **options: Any) -> None:
        if options["format"] == "svg" or target.name.lstrip(".").split(".")[0] in fully:
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
                values = {column: BLANK[dtype] for column, (dtype, _) in COLUMNS.items() if column not in COUNT_COLUMNS}
                error = at_20 * (budget / 20) ** -0.5 * KCAL_PER_MOL_EV * np.exp(0.05 * rng.normal())
                values |= {"strategy": strategy, "gamma_rel": gamma_rel, "n_cheap": n_cheap, "budget": budget}
                values |= {"seed": seed, "test_force_mae_ev_ang": error, "status": "ok", "n_test": 300}
                rows.append(values | {"recipe_core_s": 2.0})
    table = results_frame(rows)
    write_results(table, folder)
    ledger = {"accurate_labels_assumed_bought": 300, "cheap_frames_assumed_bought": 4000}
    ledger |= {"evaluation_labels": 300, "sweep_core_s": 60.0, "accurate_cpu_s": 8400.0}
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


def stems(folder: Path) -> set[str]:
    """Figures of a folder; each must have all four files."""
    found = {path.stem for path in folder.iterdir()}
    assert {path.name for path in folder.iterdir()} == {
        f"{stem}.{kind}" for stem in found for kind in ("pdf", "svg", "png", "csv")
    }
    return found
