"""Plans for a price, with labels that are owned, with MD steps, between runs, and the runs to make next."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import next_runs, plan_budget, plan_target

from analysis.plan.answers import explain_budget, explain_next, explain_surface, surface_json
from analysis.plan.words import explain
from analysis.surface.transfer import surface_of
from asteroid.errors import InputError
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame

BUDGETS = (20, 40, 80, 160, 320, 500)
ACCURATE, LABEL, SAMPLING = 28.0, 0.01, 0.02
LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(ACCURATE, "card"), "gfn2-xtb": LevelPrice(LABEL, "card", SAMPLING)}
PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)
SCRATCH, PLAIN, DELTA = ("accurate_only", 0), ("pretrain_finetune", 4000), ("gdml_delta", 0)
LAWS = {
    SCRATCH: lambda n: 0.1 * (n / 20) ** -0.6,
    PLAIN: lambda n: 0.03 * (n / 20) ** -0.25,
    DELTA: lambda n: 0.02 * (n / 20) ** -0.25,
}
USE = {"accurate_only": 1e-4, "pretrain_finetune": 1e-4, "gdml_delta": 5e-3}


def table(laws=LAWS, noise=0.05, use=USE, se=0.0):
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for (strategy, n_cheap), law in laws.items():
        for budget in BUDGETS:
            for seed in range(3):
                error = law(budget) * np.exp(noise * rng.normal())
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "n_cheap": n_cheap, "budget": budget, "seed": seed, "status": "ok"}
                values |= {"gamma_rel": np.inf if n_cheap else np.nan, "n_test": 300, "recipe_core_s": 3.0}
                values |= {"test_force_mae_ev_ang": error, "test_force_mae_se_ev_ang": se * error}
                cheap = n_cheap * (LABEL + SAMPLING) + (budget * LABEL if strategy == "gdml_delta" else 0.0)
                values |= {"cost_accurate_cpu_s": budget * ACCURATE, "cost_cheap_cpu_s": cheap}
                rows.append(values | {"use_cpu_s_per_frame": use.get(strategy, np.nan)})
    return results_frame(rows)


TABLE = table()


def test_a_price_buys_the_smallest_error():
    plan = plan_budget(TABLE, PRICES, 100 * (ACCURATE + LABEL))
    choice = plan.choice
    assert (choice.key.strategy, choice.n_accurate) == ("gdml_delta", 100)
    assert choice.cost_cpu_s == pytest.approx(100 * (ACCURATE + LABEL))
    median, low, high = choice.error_ev_ang
    assert low < 0.02 * 5**-0.25 < high
    assert median == pytest.approx(0.02 * 5**-0.25, rel=0.05)
    assert [option.key.strategy for option in plan.alternatives] == ["pretrain_finetune", "accurate_only"]
    assert plan.alternatives[0].n_accurate == math.floor((100 * (ACCURATE + LABEL) - 120.0) / ACCURATE)
    lines = explain_budget(plan)
    assert "47 min" in lines[0]
    assert "100 labels of ccsd_t/cc-pvdz" in lines[1]
    data = plan.to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data


@given(prices=st.tuples(st.floats(600, 1e5), st.floats(600, 1e5)))
@settings(max_examples=10, deadline=None)
def test_more_money_never_buys_a_larger_error(prices):
    poor, rich = (plan_budget(TABLE, PRICES, price).choice for price in sorted(prices))
    assert poor.cost_cpu_s <= min(prices) * (1 + 1e-9)
    assert rich.mean_log_error <= poor.mean_log_error + 1e-12


def test_no_further_than_four_times_the_largest_budget_and_nothing_for_nothing():
    rich = plan_budget(TABLE, PRICES, 1e9, pool=400)
    assert rich.choice.n_accurate == 2000
    assert {"extrapolated", "beyond_pool"} <= set(rich.choice.status)
    poor = plan_budget(TABLE, PRICES, 60.0)
    assert poor.choice is None
    assert poor.to_json()["status"] == ["nothing_affordable"]
    assert "nothing of this sweep can be bought" in explain_budget(poor)[0]


def test_owned_labels_cost_nothing():
    base = plan_target(TABLE, PRICES, 0.014)
    some = plan_target(TABLE, PRICES, 0.014, already={"ccsd_t/cc-pvdz": 60})
    assert some.choice.n_accurate == base.choice.n_accurate
    assert base.choice.cost_cpu_s - some.choice.cost_cpu_s == pytest.approx(60 * ACCURATE)
    assert "60 of them owned" in "\n".join(explain(some))
    assert some.to_json()["already"] == {"ccsd_t/cc-pvdz": 60}
    frames = {"gfn2-xtb": 1000}
    cheap = [
        next(o for o in plan_target(TABLE, PRICES, 0.03, already=a).alternatives if o.key.n_cheap) for a in ({}, frames)
    ]
    assert cheap[0].cheap_cpu_s - cheap[1].cheap_cpu_s == pytest.approx(1000 * (LABEL + SAMPLING))
    more = plan_budget(TABLE, PRICES, 3600.0, already={"ccsd_t/cc-pvdz": 60}).choice
    less = plan_budget(TABLE, PRICES, 3600.0).choice
    assert more.n_accurate - less.n_accurate == pytest.approx(60, abs=1)


def test_use_decides_for_long_simulations():
    """Delta-learning needs the fewest labels; its live cheap method costs more than they save after 1e6 steps."""
    short = plan_target(TABLE, PRICES, 0.018, md_steps=1e3).choice
    long = plan_target(TABLE, PRICES, 0.018, md_steps=1e8)
    assert short.key.strategy == "gdml_delta"
    assert long.choice.key.strategy != "gdml_delta"
    assert long.choice.use_cpu_s == pytest.approx(1e4)
    assert "1e+08 MD steps" in "\n".join(explain(long))
    assert long.to_json()["md_steps"] == 1e8
    assert plan_budget(TABLE, PRICES, 2e4, md_steps=1e6).choice.key.strategy == "gdml_delta"
    assert plan_budget(TABLE, PRICES, 2e4, md_steps=1e8).choice.key.strategy != "gdml_delta"


def test_use_that_was_not_measured_comes_last_and_is_said():
    unknown = table(use={"accurate_only": 1e-4, "pretrain_finetune": 1e-4})
    plan = plan_target(unknown, PRICES, 0.018, md_steps=1e3)
    assert plan.choice.key.strategy == "pretrain_finetune"
    delta = next(o for o in plan.alternatives if o.key.strategy == "gdml_delta")
    assert "use_not_measured" in delta.status
    assert "use_not_measured" not in plan_target(unknown, PRICES, 0.018).choice.status
    with pytest.raises(InputError, match="found none in this run"):
        plan_target(table(use={}), PRICES, 0.018, md_steps=1e3)


def surface_law(n, n_cheap):
    gain = 300 * (n / 100) ** 0.4 * n_cheap / (n_cheap + 1500) if n_cheap else 0.0
    return 0.004 + 0.03 * ((n + gain) / 100) ** -0.7


SURFACE_TABLE = table(
    {SCRATCH: lambda n: surface_law(n, 0)}
    | {("pretrain_finetune", c): (lambda n, c=c: surface_law(n, c)) for c in (100, 1000, 20000)}
)


def test_numbers_of_cheap_frames_between_runs_compete():
    dear = PriceList(PRICES.accurate, PRICES.cheap, LEVELS)
    fitted = surface_of(SURFACE_TABLE)
    assert fitted.usable
    only_run = plan_target(SURFACE_TABLE, dear, 0.016).choice
    between = plan_target(SURFACE_TABLE, dear, 0.016, surface=fitted).choice
    assert between.total_cpu_s <= only_run.total_cpu_s
    if between.key.n_cheap not in (100, 1000, 20000):
        assert "interpolated_cheap" in between.status
        assert between.total_cpu_s < 0.95 * only_run.total_cpu_s
        truth = surface_law(between.n_accurate, between.key.n_cheap)
        assert truth < 0.016
        assert between.cheap_cpu_s == pytest.approx(between.key.n_cheap * (LABEL + SAMPLING))
    assert "of 4 of their means" not in explain_surface(fitted)
    assert "of their means lie in its 90 % bands" in explain_surface(fitted)[0]
    data = surface_json(fitted)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert explain_surface(None) == []


def test_next_runs_lie_where_the_target_is_undecided():
    found = next_runs(TABLE, PRICES, 0.016, 3)
    assert len(found) == 3
    assert found[0].key.strategy == "gdml_delta"
    assert all(0 < run.variance_saved < 1 for run in found)
    assert all(run.new_labels == run.budget for run in found)
    lines = explain_next(found, "ccsd_t/cc-pvdz")
    assert len(lines) == 4
    assert "new labels of ccsd_t/cc-pvdz" in lines[1]
    assert json.loads(json.dumps([run.to_json() for run in found], allow_nan=False))


def test_next_runs_prefer_labels_that_are_there():
    free = next_runs(TABLE, PRICES, 0.016, 1, already={"ccsd_t/cc-pvdz": 500})[0]
    paid = next_runs(TABLE, PRICES, 0.016, 1)[0]
    assert free.budget > paid.budget
    assert free.new_labels == max(free.budget - 500, 0)
    assert free.variance_saved >= paid.variance_saved


def test_a_run_takes_from_what_is_left():
    """The second of two runs at the same place tells less than the first did."""
    found = next_runs(TABLE, PRICES, 0.016, 8)
    again = {}
    for run in found:
        key = run.label, run.budget
        if key in again:
            assert run.variance_saved < again[key]
        again[key] = run.variance_saved


def test_nothing_to_learn_where_all_is_decided():
    assert next_runs(TABLE, PRICES, 10.0, 2) == ()
    assert "No run would tell more" in explain_next((), "ccsd_t")[0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: plan_budget(TABLE, PRICES, 0.0), "a price must be positive"),
        (lambda: plan_target(TABLE, PRICES, 0.02, already={"mp2": 3}), "no labels of level 'mp2'"),
        (lambda: plan_target(TABLE, PRICES, 0.02, already={"gfn2-xtb": -3}), "at least 0, found -3"),
        (lambda: plan_target(TABLE, PRICES, 0.02, md_steps=-1.0), "MD steps is at least 0"),
        (lambda: next_runs(TABLE, PRICES, 0.02, 0), "at least 1, found 0"),
        (lambda: next_runs(TABLE, PRICES, -0.02, 1), "a target error must be positive"),
    ],
)
def test_wishes_that_cannot_be_met(call, says):
    with pytest.raises(InputError, match=says):
        call()
