"""Bars: medians of the chosen setting at a shared budget, priced; several runs; bars that are cut say so."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.bars import bars_data, bars_size_in, plot_bars
from asteroid.errors import InputError
from asteroid.units import KCAL_PER_MOL_EV
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame

LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(28.0, "card"), "gfn2-xtb": LevelPrice(0.002, "card", 0.018)}
PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)
ARMS = (
    ("cheap_only", np.inf, 4000),
    ("accurate_only", np.nan, 0),
    ("pretrain_finetune", np.inf, 4000),
    ("asteroid", 1.0, 4000),
    ("asteroid", 0.3, 4000),
)


def error(strategy, budget, seed):
    return 7.0 if strategy == "cheap_only" else (2.0 if strategy == "accurate_only" else 1.0) * (10 + seed**2) / budget


def table(budgets=(20, 50, 100), skip=(), arms=ARMS):
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for strategy, gamma_rel, n_cheap in arms:
        for budget in (0,) if strategy == "cheap_only" else budgets:
            for seed in range(3):
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "gamma_rel": gamma_rel, "n_cheap": n_cheap, "budget": budget}
                mae = error(strategy, budget, seed) * KCAL_PER_MOL_EV
                values |= {"test_force_mae_ev_ang": mae, "val_force_mae_ev_ang": gamma_rel, "n_test": 300}
                if (strategy, budget) not in skip:
                    rows.append(values | {"seed": seed, "status": "ok"})
    return results_frame(rows)


def manifest(name="quickstart", molecule="CH4O"):
    return {"name": name, "molecule": molecule, "prices": PRICES.to_json()}


def bars(*tables, budget=None):
    names = [f"run{at}" for at in range(len(tables))]
    manifests = {name: manifest(name) for name in names}
    return bars_data(dict(zip(names, tables, strict=True)), manifests, budget=budget)


def test_bars_are_medians_at_the_largest_shared_budget_with_their_price():
    data = bars(table())
    medians = data[data["part"] == "bar"].set_index("strategy")
    assert list(medians.index) == ["cheap_only", "accurate_only", "pretrain_finetune", "asteroid"]
    np.testing.assert_allclose(medians["force_mae_ev_ang"] / KCAL_PER_MOL_EV, [7.0, 0.22, 0.11, 0.11])
    assert medians["budget"].tolist() == [0, 100, 100, 100]
    np.testing.assert_allclose(medians["price_cpu_s"], [80.0, 2800.0, 2880.0, 2880.0])
    assert medians.loc["asteroid", "gamma_rel"] == 0.3, "the setting with the better validation error"
    dots = data[data["part"] == "run"]
    assert dots.groupby("strategy")["seed"].apply(list).map(sorted).tolist() == [[0, 1, 2]] * 4


def test_a_budget_that_a_strategy_lacks_is_not_the_default_and_is_refused():
    short = table(skip={("asteroid", 100)})
    assert set(bars(short)["budget"]) == {0, 50}
    assert set(bars(short, budget=20)["budget"]) == {0, 20}
    with pytest.raises(InputError, match=r"run0 was run at, found 100: choose one of 20, 50"):
        bars(short, budget=100)
    with pytest.raises(InputError, match="found none: add one"):
        bars(table(skip={("asteroid", budget) for budget in (50, 100)} | {("accurate_only", 20)}))


def test_runs_share_a_budget_where_they_can():
    data = bars(table(), table(budgets=(20, 50, 80)))
    assert set(data["budget"]) == {0, 50}
    apart = bars(table(), table(budgets=(30, 80)))
    assert apart.groupby("run")["budget"].max().to_dict() == {"run0": 100, "run1": 80}


def test_one_panel_for_each_run_with_text_on_each_bar():
    data = bars(table(), table(), table(), table(arms=ARMS[1:]))
    figure = Figure(figsize=bars_size_in(data), layout="constrained")
    panels = plot_bars(data, figure)
    assert len(panels) == len(figure.axes) == 4
    assert [len(ax.patches) for ax in panels] == [4, 4, 4, 3]
    assert panels[0].get_title(loc="left") == "run0 (CH₄O)"
    texts = [text.get_text() for text in panels[0].texts]
    assert texts[0] == "7 (cut)\n4,000 cheap\n1.3 min"
    assert texts[1] == "0.22\n100 labels\n47 min"
    assert texts[3] == "0.11\n100 + 4,000\n48 min"
    assert panels[0].get_ylim()[0] == 0
    assert not any("cut" in text.get_text() for text in panels[3].texts)


def test_runs_of_one_molecule_have_one_scale():
    tables = {name: table(arms=ARMS[1:]) for name in ("first", "better", "other")}
    tables["better"]["test_force_mae_ev_ang"] /= 5
    manifests = {name: manifest(name, "CH2O" if name == "other" else "CH4O") for name in tables}
    tables["other"]["test_force_mae_ev_ang"] *= 3
    panels = plot_bars(bars_data(tables, manifests), Figure(layout="constrained"))
    heights = [ax.get_ylim()[1] for ax in panels]
    assert heights[0] == heights[1]
    assert heights[2] == pytest.approx(3 * heights[0])


def test_only_a_bar_that_dwarfs_the_others_is_cut():
    for budget, cut in ((20, True), (100, True)):
        figure = Figure(layout="constrained")
        (ax,) = plot_bars(bars(table(), budget=budget), figure)
        assert (ax.patches[0].get_height() < 7.0) == cut
        bought = [bar.get_height() for bar in ax.patches[1:]]
        np.testing.assert_allclose(bought, [2 * 11 / budget, 11 / budget, 11 / budget])
        assert ax.get_ylim()[1] > max(error("accurate_only", budget, 2), ax.patches[0].get_height())
    near = table(budgets=(4, 5))
    (ax,) = plot_bars(bars(near), Figure(layout="constrained"))
    assert ax.patches[0].get_height() == pytest.approx(7.0)
    dots = [line for line in ax.lines if line.get_marker() != "None"]
    assert [len(line.get_xdata()) for line in dots] == [3, 3, 3, 3]
    assert all(len(set(line.get_xdata())) == 3 for line in dots), "equal errors stay visible"
