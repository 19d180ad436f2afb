"""The cost figure: prices, Pareto steps over all strategies, training time apart."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.cost import cost_data, plot_cost
from analysis.figures.style import new_figure
from asteroid.units import KCAL_PER_MOL_EV
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame

BUDGETS = (20, 50, 100, 200)
LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(28.0, "card"), "gfn2-xtb": LevelPrice(0.002, "card", 0.018)}
PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)
#: Median errors in kcal/mol/Å and seconds of training; asteroid is best from 100 labels on.
ARMS = {
    ("cheap_only", np.inf, 4000): ((7.0,), 1.2),
    ("accurate_only", np.nan, 0): ((2.0, 0.9, 0.5, 0.3), 1.5),
    ("pretrain_finetune", np.inf, 4000): ((0.5, 0.35, 0.28, 0.22), 2.0),
    ("asteroid", 1.0, 4000): ((0.55, 0.36, 0.27, 0.21), 3.0),
}


def table(train=1.0):
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for (strategy, gamma_rel, n_cheap), (errors, seconds) in ARMS.items():
        budgets = (0,) if strategy == "cheap_only" else BUDGETS
        for budget, error in zip(budgets, errors, strict=True):
            for seed, noise in enumerate((0.97, 1.0, 1.03)):
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "gamma_rel": gamma_rel, "n_cheap": n_cheap, "budget": budget}
                values |= {"test_force_mae_ev_ang": error * noise * KCAL_PER_MOL_EV, "status": "ok", "n_test": 300}
                rows.append(values | {"seed": seed, "recipe_core_s": train * (seconds + seed / 10)})
    return results_frame(rows)


TABLE = table()
DATA = cost_data(TABLE, PRICES)


def test_cost_is_the_price_of_labels():
    runs = DATA[DATA["part"] == "run"].drop_duplicates(["strategy", "budget"]).set_index(["strategy", "budget"])
    assert runs.loc[("accurate_only", 50), "price_cpu_s"] == pytest.approx(50 * 28.0)
    assert runs.loc[("asteroid", 50), "price_cpu_s"] == pytest.approx(50 * 28.0 + 4000 * 0.02)
    assert runs.loc[("cheap_only", 0), "price_cpu_s"] == pytest.approx(4000 * 0.02)
    _, ax = new_figure()
    assert plot_cost(DATA, ax) is ax
    assert ax.get_xlabel() == "Price of the labels (CPU min)"
    dearer = cost_data(TABLE, PRICES.override("ccsd_t/cc-pvdz", 28e3, "test"))
    assert plot_cost(dearer, new_figure()[1]).get_xlabel() == "Price of the labels (CPU d)"


def test_steps_join_the_medians_that_nothing_cheaper_reaches():
    steps = DATA[DATA["part"] == "pareto"]
    expected = [("cheap_only", 0, 7.0), ("accurate_only", 20, 2.0), ("pretrain_finetune", 20, 0.5)]
    expected += [("pretrain_finetune", 50, 0.35), ("asteroid", 100, 0.27), ("asteroid", 200, 0.21)]
    assert list(zip(steps["strategy"], steps["budget"], strict=True)) == [(s, n) for s, n, _ in expected]
    np.testing.assert_allclose(steps["force_mae_ev_ang"] / KCAL_PER_MOL_EV, [error for _, _, error in expected])
    assert steps["price_cpu_s"].is_monotonic_increasing
    assert steps["seed"].isna().all()
    _, ax = new_figure()
    plot_cost(DATA, ax)
    (line,) = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    assert len(line.get_xdata()) == len(expected) + 1
    assert "Pareto" in ax.get_legend().get_texts()[-1].get_text()


def test_training_times_belong_to_their_runs_and_stand_apart():
    runs = DATA[DATA["part"] == "run"].set_index(["strategy", "budget", "seed"])["train_core_s"]
    source = TABLE.set_index(["strategy", "budget", "seed"])["recipe_core_s"]
    assert len(runs) == len(source)
    np.testing.assert_allclose(runs, source.loc[runs.index])
    assert DATA.loc[DATA["part"] != "run", "train_core_s"].isna().all()
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    ax, beside = figure.subplots(1, 2, sharey=True)
    plot_cost(DATA, ax, compute_ax=beside)
    assert beside.get_xlabel() == "Training, one run (core s)"
    assert beside.get_ylim() == ax.get_ylim()
    assert sum(len(line.get_xdata()) for line in beside.lines) == len(TABLE)
    assert {line.get_markerfacecolor() for line in beside.lines} == {"none"}
    assert ax.get_legend() is None
    assert len(figure.legends) == 1
    hours = cost_data(table(train=20_000), PRICES)
    plot_cost(hours, ax, compute_ax=beside)
    assert beside.get_xlabel() == "Training, one run (core h)"
