"""The Pareto figure of trials: finished trials of budget searches only, their fronts and prices."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures.style import look_of
from analysis.figures.trials import pareto_data, plot_pareto
from asteroid.units import KCAL_PER_MOL_EV
from study.prices import LevelPrice, PriceList
from study.tables.trials import validate_trials


def trial(number, strategy, price, error, **changes):
    return {
        "study": f"pareto {strategy}",
        "mode": "pareto",
        "strategy": strategy,
        "trial": number,
        "state": "COMPLETE",
        "budget": round(price / 30),
        "n_cheap": 0,
        "n_accurate_labels": round(price / 30),
        "n_cheap_labels": 0,
        "n_cheap_sampled": round(price / 30),
        "gamma_rel": np.nan,
        "cv_force_mae_ev_ang": error * KCAL_PER_MOL_EV,
        "cv_force_mae_se_ev_ang": 0.1 * error * KCAL_PER_MOL_EV,
        "cost_accurate_cpu_s": np.nan,  # at other prices, which nobody reads back
        "cost_cheap_cpu_s": np.nan,
        "core_s": 1.0,
        "chosen": False,
        "settings": "{}",
    } | changes


#: 30 s for a label and a frame.
PRICES = PriceList("a", "b", {"a": LevelPrice(27.0, "card"), "b": LevelPrice(1.0, "card", 3.0)})
TRIALS = validate_trials(
    pd.DataFrame(
        [
            trial(0, "asteroid", 3000, 0.4),
            trial(1, "asteroid", 600, 0.8),
            trial(2, "asteroid", 3000, 0.6),
            trial(3, "asteroid", 9000, np.nan, state="RUNNING"),
            trial(0, "accurate_only", 600, 2.0),
            trial(1, "accurate_only", 6000, 0.3, cv_force_mae_se_ev_ang=1.0),
            trial(2, "accurate_only", 7000, 0.5, n_cheap_sampled=0),
            trial(0, "asteroid", 300, 0.01, study="tune asteroid 50", mode="tune"),
        ]
    )
)
DATA = pareto_data(TRIALS, PRICES)


def test_finished_trials_of_budget_searches_with_their_fronts():
    assert DATA["strategy"].tolist() == ["accurate_only"] * 3 + ["asteroid"] * 3, "simplest first"
    assert DATA["price_cpu_s"].tolist() == pytest.approx([600, 6000, 27 * 233, 600, 3000, 3000])
    assert DATA["non_dominated"].tolist() == [True, True, False, True, True, False]
    assert DATA["non_dominated_overall"].tolist() == [False, True, False, True, True, False]


def test_no_finished_trial_no_rows():
    assert pareto_data(TRIALS[TRIALS["mode"] == "tune"], PRICES).empty
    assert pareto_data(TRIALS.iloc[:0], PRICES).empty


def test_every_trial_is_a_dot_and_fronts_are_steps():
    figure = Figure(figsize=(3.4, 3.4), layout="constrained")
    ax = figure.subplots()
    assert plot_pareto(DATA, ax) is ax
    assert ax.get_xlabel() == "Price of the labels (CPU min)"
    assert ax.get_ylabel() == "Force MAE cross-validated (kcal/mol/Å)"
    dots = [line for line in ax.lines if line.get_marker() != "None"]
    assert sum(len(line.get_xdata()) for line in dots) == len(DATA)
    filled = [line for line in dots if line.get_markerfacecolor() != "none"]
    assert [line.get_marker() for line in filled] == [look_of(s).marker for s in ("accurate_only", "asteroid")]
    np.testing.assert_allclose(filled[1].get_xydata(), [[10, 0.8], [50, 0.4]])
    assert len([line for line in ax.lines if line.get_drawstyle() == "steps-post"]) == 2
    assert ax.get_ylim()[0] > 0, "a standard error as large as the error stays on the logarithmic axis"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Accurate labels only", "ASTEROID"]
