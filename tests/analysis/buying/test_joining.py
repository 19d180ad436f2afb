"""More labels of the level between are bought where they pay, and only there."""

import math
from dataclasses import replace
from functools import partial

import pytest
from out_of_fold_tables import planted_table

from analysis.buying.decide import decide
from analysis.buying.decision import Limits
from analysis.buying.joining import Between, worth_joining
from analysis.curves.curve_key import CurveKey
from study.prices import LevelPrice, PriceList

PRICES = PriceList(
    "high", "low", {"high": LevelPrice(28.0, ""), "low": LevelPrice(0.0, ""), "mid": LevelPrice(1.5, "")}
)
DELTA = CurveKey("gdml_delta", cheap_level="low")
LADDER = CurveKey("ladder_delta", cheap_level="low", intermediate_level="mid", n_intermediate=60)
MORE = replace(LADDER, n_intermediate=250)
SIZES = (16, 24)
TARGET = 0.011


def ask(curves, waiting=(MORE,), *, target=TARGET, prices=PRICES, most=None, left=math.inf):
    table = planted_table(curves, SIZES)
    wish = {"target_ev_ang": target, "limits": Limits(most_labels=most)}
    now = decide(table, prices, **wish)
    owned = max(key.lower.labels_of("mid") for key in curves)
    between = Between("mid", owned, waiting, left)
    decide_on = partial(_decide, prices, wish)
    return now, worth_joining(table, prices, now, between, decide_on, dict.fromkeys(curves, 5.0))


def _decide(prices, wish, table, like, spent_cpu_s):
    assert set(like) <= {CurveKey.of_row(row) for row in table.to_dict("records")}
    assert spent_cpu_s > 0
    return decide(table, prices, **wish)


def test_a_level_between_that_pays_is_bought_at_the_price_of_its_labels():
    now, joining = ask({DELTA: (0.03, 0.4), LADDER: (0.016, 0.3)})
    assert now.action == "buy"
    assert joining is not None
    assert (joining.keys, joining.n_labels, joining.n_more) == ((MORE,), 250, 190)
    assert 190 * 1.5 < joining.expected_cpu_s < now.expected_cpu_s


def test_one_that_costs_as_much_as_accurate_labels_is_not():
    dear = replace(PRICES, levels={**PRICES.levels, "mid": LevelPrice(20.0, "")})
    assert ask({DELTA: (0.03, 0.4), LADDER: (0.016, 0.3)}, prices=dear)[1] is None


def test_one_whose_strategies_have_left_the_race_is_not():
    now, joining = ask({DELTA: (0.013, 0.5), LADDER: (0.06, 0.3)})
    assert LADDER not in now.racing
    assert joining is None


def test_two_numbers_of_labels_tell_the_slope():
    fewer = replace(LADDER, n_intermediate=15)
    flat = ask({fewer: (0.016, 0.3), LADDER: (0.016, 0.3)})[1]
    steep = ask({fewer: (0.03, 0.3), LADDER: (0.016, 0.3)})[1]
    assert flat is None, "four times the labels have changed nothing"
    assert steep is not None


def test_a_target_out_of_reach_is_tried_with_more_where_that_may_be_enough():
    curves = {DELTA: (0.03, 0.1), LADDER: (0.014, 0.05)}
    now, joining = ask(curves, target=0.0125, most=24)
    assert now.action == "cannot"
    assert joining is not None
    assert 0.1 < joining.chance < 1


def test_a_purchase_that_may_buy_little_is_not_taken_for_a_cheap_one():
    curves = {DELTA: (0.03, 0.4), LADDER: (0.0132, 0.3)}
    now, joining = ask(curves, most=28)
    assert now.action == "buy"
    assert now.expected_cpu_s < 190 * 1.5, "it would soon end, without what was wanted"
    assert joining is not None


def test_nothing_is_bought_that_is_not_needed_or_cannot_be_paid():
    assert ask({DELTA: (0.005, 0.4), LADDER: (0.005, 0.3)})[1] is None, "the target is met"
    assert ask({LADDER: (0.016, 0.3)}, left=100.0)[1] is None
    assert ask({LADDER: (0.016, 0.3)}, waiting=())[1] is None


@pytest.mark.parametrize(
    ("key", "n"),
    [(MORE, 250), (DELTA, 0), (CurveKey("residual", n_cheap=40, cheap_level="mid"), 40)],
)
def test_labels_that_a_strategy_takes_of_the_level_between(key, n):
    assert key.lower.labels_of("mid") == n
