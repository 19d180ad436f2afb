"""A study of three levels from start to end: its table, its price, what `plan`, figures and `export` make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from three_levels import BY_LEVEL, LADDER, sweep_text, write_three_levels
from tiny_sweep import Counting

from analysis.curves.curves import curves_of, representative_curves
from analysis.figures.bars import bars_data
from analysis.figures.cost import cost_data
from analysis.figures.money import SAVED, money_data, plot_money
from analysis.plan.run_evidence import RunEvidence
from asteroid.labelling.cheap_methods import cheap_method
from study.config.sweep_text import parse_sweep
from study.export.run_model import Choice, run_force_field
from study.prices import PriceList
from study.recipes.workload import make_workload
from study.run.run import run_workload
from study.tables.manifest import read_manifest
from study.tables.results import read_results

if TYPE_CHECKING:
    from pathlib import Path

STRATEGIES = "[accurate_only, pretrain_finetune, gdml_delta, ladder_finetune, ladder_asteroid, ladder_delta]"
TEXT = sweep_text(LADDER, STRATEGIES, BY_LEVEL).replace("[10, 15]", "[10, 12, 14, 16]")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ladder")
    write_three_levels(folder)
    sweep = parse_sweep(TEXT, "sweep.yaml", folder)
    run_workload(make_workload(sweep), folder / "run", Counting(), lambda _: None, lambda _: None)
    return folder / "run"


def test_rows_name_their_levels_and_pay_for_them(ran: Path) -> None:
    table = read_results(ran)
    assert (table["status"] == "ok").all()
    climbing = table[table["strategy"] == "ladder_finetune"]
    assert set(climbing["cheap_level"] + " " + climbing["intermediate_level"]) == {"gfn2-xtb mp2/cc-pvdz"}
    assert set(climbing["n_intermediate"]) == {20, 30}
    below = climbing["n_cheap"] * 0.052 + climbing["n_intermediate"] * 3.0
    np.testing.assert_allclose(climbing["cost_cheap_cpu_s"], below)
    assert set(table.loc[table["strategy"] == "accurate_only", "cheap_level"]) == {""}
    on_disk = pd.read_csv(ran / "results.csv", keep_default_na=False)
    assert list(on_disk["intermediate_level"]) == list(table["intermediate_level"])
    manifest = read_manifest(ran)
    assert manifest["lower_levels"] == {"gfn2-xtb": 150, "mp2/cc-pvdz": 60}
    assert manifest["ledger"]["cheap_frames_assumed_bought"] >= 70
    usage = table.drop_duplicates(["strategy", "cheap_level"]).set_index(["strategy", "cheap_level"])[
        "use_cpu_s_per_frame"
    ]
    assert usage["ladder_delta", "gfn2-xtb"] > usage["accurate_only", ""], "xTB runs at every prediction"


def test_curves_of_several_levels_are_told_apart_everywhere(ran: Path) -> None:
    table, manifest = read_results(ran), read_manifest(ran)
    curves = curves_of(table)
    labels = [curve.key.label() for curve in curves]
    assert len(set(labels)) == len(labels)
    assert "Pretraining + fine-tuning, 30 MP2/cc-pVDZ" in labels
    assert "Ladder, fine-tuned twice, 40 GFN2-xTB, 30 MP2/cc-pVDZ" in labels
    assert "Delta-learning with sGDML, MP2/cc-pVDZ" in labels
    shown = [(c.key.strategy, c.key.cheap_level) for c in representative_curves(curves)]
    assert shown.count(("pretrain_finetune", "gfn2-xtb")) == shown.count(("pretrain_finetune", "mp2/cc-pvdz")) == 1
    bars = bars_data({"run": table}, {"run": manifest})
    assert len(bars[bars["part"] == "bar"]) == len(shown)
    prices = PriceList.from_json(manifest["prices"])
    cost = cost_data(table, prices)
    assert cost.loc[cost["part"] == "run", "look"].nunique() == len(shown)


def test_the_money_of_the_cheapest_way_is_told_level_by_level(ran: Path) -> None:
    prices = PriceList.from_json(read_manifest(ran)["prices"])
    data = money_data(RunEvidence(read_results(ran), prices))
    assert len(data)
    for _, rows in data.groupby("target_ev_ang"):
        assert list(rows["level"]) == ["ccsd_t/cc-pvdz", "gfn2-xtb", "mp2/cc-pvdz"]
        assert rows["level_cpu_s"].sum() == pytest.approx(rows["price_cpu_s"].iloc[0], rel=1e-9)
        assert rows["share"].sum() == pytest.approx(1.0)
        assert (rows.loc[rows["level"] == "ccsd_t/cc-pvdz", "level_cpu_s"] == 28.0 * rows["n_accurate"].iloc[0]).all()
    cheapest = data.drop_duplicates("target_ev_ang").sort_values("target_ev_ang")["price_cpu_s"]
    assert cheapest.is_monotonic_decreasing, "a laxer target costs no more"
    figure = Figure(figsize=(3.4, 4.4), layout="constrained")
    plot_money(data, figure)
    assert len(figure.axes) == 3
    saved = data[data["strategy"] == "ladder_finetune"].dropna(subset=SAVED)
    assert (saved["saved_p5"] <= saved[SAVED[0]]).all()


def test_a_model_that_adds_twice_to_a_cheap_method_goes_out_whole(ran: Path) -> None:
    found = run_force_field(ran, Choice(strategy="ladder_delta", budget=16, committee=0))
    assert (found.cheap_level, len(found.model.models)) == ("gfn2-xtb", 2)
    training = found.card.training
    assert training.n_intermediate in (20, 30)
    assert training.intermediate_level == "mp2/cc-pvdz"
    method = cheap_method("gfn2-xtb")
    assert method is not None
    numbers, at = found.trained_on.numbers, found.trained_on.positions[:2]
    energy, forces = found.model.energy_and_forces(numbers, at)
    assert np.isfinite(energy).all()
    assert np.abs(forces - method(numbers, at)[1]).max() > 1e-3
    assert found.trained_on.forces is None or np.abs(forces - found.trained_on.forces[:2]).max() < 1


def test_run_again_it_trains_nothing(ran: Path) -> None:
    executor = Counting()
    sweep = parse_sweep(TEXT, "sweep.yaml", ran.parent)
    before = read_results(ran)
    after = run_workload(make_workload(sweep), ran, executor, lambda _: None, lambda _: None)
    assert not executor.packs
    pd.testing.assert_frame_equal(before.drop(columns="use_cpu_s_per_frame"), after.drop(columns="use_cpu_s_per_frame"))
