"""The smallest error that a price buys."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import plan_price
from planted_plans import ACCURATE, LABEL, PRICES, table

from analysis.plan.answers import explain_price
from asteroid.errors import InputError

TABLE = table()


def test_a_price_buys_the_smallest_error():
    plan = plan_price(TABLE, PRICES, 100 * (ACCURATE + LABEL))
    choice = plan.choice
    assert (choice.key.strategy, choice.n_accurate) == ("gdml_delta", 100)
    assert choice.cost_cpu_s == pytest.approx(100 * (ACCURATE + LABEL))
    median, low, high = choice.error_ev_ang
    assert low < 0.02 * 5**-0.25 < high
    assert median == pytest.approx(0.02 * 5**-0.25, rel=0.05)
    assert [option.key.strategy for option in plan.alternatives] == ["pretrain_finetune", "accurate_only"]
    assert plan.alternatives[0].n_accurate == math.floor((100 * (ACCURATE + LABEL) - 120.0) / ACCURATE)
    lines = explain_price(plan)
    assert "47 min" in lines[0]
    assert "100 labels of CCSD(T)/cc-pVDZ" in lines[1]
    data = plan.to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data


@given(prices=st.tuples(st.floats(600, 1e5), st.floats(600, 1e5)))
@settings(max_examples=10, deadline=None)
def test_more_money_never_buys_a_larger_error(prices):
    poor, rich = (plan_price(TABLE, PRICES, price).choice for price in sorted(prices))
    assert poor.cost_cpu_s <= min(prices) * (1 + 1e-9)
    assert rich.mean_log_error <= poor.mean_log_error + 1e-12


def test_no_further_than_four_times_the_largest_budget_and_nothing_for_nothing():
    rich = plan_price(TABLE, PRICES, 1e9, pool=400)
    assert rich.choice.n_accurate == 2000
    assert {"extrapolated", "beyond_pool"} <= set(rich.choice.status)
    poor = plan_price(TABLE, PRICES, 60.0)
    assert poor.choice is None
    assert poor.to_json()["status"] == ["nothing_affordable"]
    assert "nothing of this sweep can be bought" in explain_price(poor)[0]


def test_a_price_is_positive():
    with pytest.raises(InputError, match="a price must be positive"):
        plan_price(TABLE, PRICES, 0.0)
