"""Prices of curves: what each strategy pays on the cheap side is read off its rows, at any prices."""

from dataclasses import replace

import numpy as np
import pytest
from planning import plan_target

from analysis.curves.curves import curves_of
from analysis.figures.bars import bars_data
from analysis.figures.cost import cost_data
from analysis.plan.pricing import label_price
from analysis.plan.words import explain
from analysis.report.tables import options_table
from asteroid.errors import InputError
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.strategies import STRATEGIES
from study.tables import results
from study.tables.results import COLUMNS, results_frame

BUDGETS = (20, 40, 80, 160, 320, 500)
ACCURATE, LABEL, SAMPLING = 28.0, 0.002, 0.018
PRICES = PriceList(
    "ccsd_t/cc-pvdz",
    "gfn2-xtb",
    {"ccsd_t/cc-pvdz": LevelPrice(ACCURATE, "card"), "gfn2-xtb": LevelPrice(LABEL, "card", SAMPLING)},
)
FRAMES = (4000, 4000 * (LABEL + SAMPLING), 0.0)
#: Of each strategy: cheap frames, what they cost whatever the budget, and what each accurate label adds.
CHEAP = {
    "cheap_only": FRAMES,
    "accurate_only": (0, 0.0, 0.0),
    "gdml": (0, 0.0, 0.0),
    "pretrain_finetune": FRAMES,
    "asteroid": FRAMES,
    "asteroid_unlabelled": (4000, 4000 * SAMPLING, 0.0),
    "residual": FRAMES,
    "gdml_residual": FRAMES,
    "network_delta": (0, 0.0, LABEL),
    "gdml_delta": (0, 0.0, LABEL),
}


def cheap_cost(strategy, n):
    _, fixed, each = CHEAP[strategy]
    return fixed + n * each


@pytest.fixture(autouse=True)
def _columns(monkeypatch):
    monkeypatch.setitem(results.COLUMNS, "use_cpu_s_per_frame", ("float64", "CPU seconds to predict one frame"))
    monkeypatch.setitem(results.COLUMNS, "warnings", ("string", "sentences, or empty"))


def table(strategies=tuple(CHEAP), budgets=BUDGETS, use=1e-4, delta_use=1e-4):
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for at, strategy in enumerate(strategies):
        n_cheap = CHEAP[strategy][0]
        gamma = {"asteroid": 1.0, "pretrain_finetune": np.inf}.get(strategy, np.nan)
        for budget in (0,) if strategy == "cheap_only" else budgets:
            for seed in range(3):
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                error = 0.1 * 0.9**at * (max(budget, 20) / 20) ** -0.5 * np.exp(0.03 * rng.normal())
                values |= {"strategy": strategy, "gamma_rel": gamma, "n_cheap": n_cheap, "budget": budget, "seed": seed}
                values |= {"test_force_mae_ev_ang": error, "status": "ok", "n_test": 300, "recipe_core_s": 3.0}
                values |= {"cost_accurate_cpu_s": budget * ACCURATE, "cost_cheap_cpu_s": cheap_cost(strategy, budget)}
                rows.append(values | {"use_cpu_s_per_frame": delta_use if strategy == "gdml_delta" else use})
    return results_frame(rows)


def test_fixture_knows_every_strategy():
    assert set(CHEAP) == {s for s, entry in STRATEGIES.items() if not entry.has_intermediate_axis}


@pytest.mark.parametrize("strategy", CHEAP)
def test_price_at_any_budget_is_that_of_the_rows(strategy):
    (curve,) = curves_of(table([strategy]))
    price = label_price(curve, PRICES)
    for n in (20, 37, 500, 1234) if strategy != "cheap_only" else (0,):
        assert price.cheap(n) == pytest.approx(cheap_cost(strategy, n), rel=1e-9, abs=1e-12)
        assert price.total(n) == pytest.approx(ACCURATE * n + cheap_cost(strategy, n), rel=1e-9)


def test_one_budget_is_enough_for_labels_that_come_with_the_accurate_ones():
    (curve,) = curves_of(table(["gdml_delta"], budgets=(50,)))
    assert label_price(curve, PRICES).cheap(80) == pytest.approx(80 * LABEL)
    (curve,) = curves_of(table(["asteroid"], budgets=(50,)))
    assert label_price(curve, PRICES).cheap(80) == pytest.approx(80.0)


def test_prices_are_applied_to_the_counts_of_the_table_not_to_its_costs():
    rows = table(["asteroid"]).assign(cost_cheap_cpu_s=np.nan, cost_accurate_cpu_s=1e9)
    (curve,) = curves_of(rows)
    assert label_price(curve, PRICES).total(50) == pytest.approx(80.0 + 50 * ACCURATE)
    (curve,) = curves_of(rows.assign(n_cheap_labels=0))  # somebody's variant that bought frames alone
    assert label_price(curve, PRICES).cheap(50) == pytest.approx(4000 * SAMPLING)
    with pytest.raises(InputError, match="correct n_accurate_labels, n_cheap_labels, n_cheap_sampled"):
        curves_of(rows.assign(n_cheap_labels=7))


@pytest.mark.parametrize("strategy", CHEAP)
def test_another_price_of_a_cheap_label_reaches_those_who_buy_labels(strategy):
    dear = PRICES.override("gfn2-xtb", 1.0, "test").override("ccsd_t/cc-pvdz", 56.0, "test")
    (curve,) = curves_of(table([strategy]))
    price = label_price(curve, dear)
    for n in (0, 37) if strategy == "cheap_only" else (20, 37):
        n_labels = {"asteroid_unlabelled": 0, "gdml_delta": n, "network_delta": n}.get(strategy, curve.key.n_cheap)
        assert price.cheap(n) == pytest.approx(n_labels * 1.0 + curve.key.n_cheap * SAMPLING, rel=1e-12)
        assert price.accurate(n) == 56.0 * n


def test_plan_bars_and_cost_figure_agree_on_prices():
    rows = table()
    plan = plan_target(rows, PRICES, 0.03)
    for option in filter(None, [plan.choice, *plan.alternatives]):
        assert option.cheap_cpu_s == pytest.approx(cheap_cost(option.key.strategy, option.n_accurate), abs=1e-9)
    manifest = {"run": {"molecule": "CH4O", "prices": PRICES.to_json()}}
    bars = bars_data({"run": rows}, manifest, budget=80)
    points = cost_data(rows, PRICES)
    assert set(bars["strategy"]) == set(points["strategy"]) == set(CHEAP)
    for data in (bars, points):
        expected = [cheap_cost(s, n) + ACCURATE * n for s, n in zip(data["strategy"], data["budget"], strict=True)]
        np.testing.assert_allclose(data["price_cpu_s"], expected, rtol=1e-9)


def test_plan_tells_what_predictions_cost():
    rows = table(("accurate_only", "gdml_delta"), delta_use=0.005)
    plan = plan_target(rows, PRICES, 0.03)
    assert plan.choice.key.strategy == "gdml_delta"
    text = "\n".join(explain(plan))
    assert "0.005 CPU s per predicted frame; it runs GFN2-xTB at every prediction" in text
    assert "each with a label of GFN2-xTB" in text
    data = plan.to_json()
    assert data["use"] == {"cpu_s_per_frame": 0.005, "total_cpu_s": 0.0, "runs_cheap_method": True}
    assert data["alternatives"][0]["use"] == {"cpu_s_per_frame": 1e-4, "total_cpu_s": 0.0, "runs_cheap_method": False}
    assert [row[-1] for row in options_table(plan).rows] == ["0.005 s; runs GFN2-xTB each time", "0.0001 s"]


def test_unmeasured_use_is_not_invented():
    plan = plan_target(table(("accurate_only", "gdml_delta"), use=np.nan, delta_use=np.nan), PRICES, 0.03)
    assert plan.to_json()["use"]["cpu_s_per_frame"] is None
    assert "runs GFN2-xTB at every prediction" in "\n".join(explain(plan))
    assert "CPU s per predicted frame" not in "\n".join(explain(plan))


def test_frames_without_labels_are_said_to_cost_their_sampling():
    plan = plan_target(table(("accurate_only", "asteroid_unlabelled")), PRICES, 0.03)
    assert plan.choice.key.strategy == "asteroid_unlabelled"
    assert "0.018 s each for sampling alone" in "\n".join(explain(plan))
    labelled = plan_target(table(("accurate_only", "asteroid")), PRICES, 0.03)
    assert "0.02 s each with sampling" in "\n".join(explain(labelled))
    given = replace(PRICES.levels[PRICES.cheap], sampling_cpu_s=0.0)
    unknown = replace(PRICES, levels={**PRICES.levels, PRICES.cheap: given})
    text = "\n".join(explain(plan_target(table(("accurate_only", "asteroid")), unknown, 0.03)))
    assert "s each without their sampling, whose price is not stated, card" in text
