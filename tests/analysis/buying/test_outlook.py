"""Other targets and prices: planted curves give the numbers of labels that they imply."""

import json

import numpy as np
import pytest
from ended_purchase import CURVES, PRICES
from out_of_fold_tables import planted_table

from analysis.buying.outlook import explain_price, explain_target, ways_for_price, ways_to_target
from asteroid.errors import InputError

TABLE = planted_table(CURVES, (16, 24, 60))


def test_a_target_takes_more_labels_than_the_curve_needs_for_its_median():
    way, *others = ways_to_target(TABLE, PRICES, 0.0075)
    assert (way.key.strategy, way.promised, others[0].promised) == ("residual", True, False)
    median_needs = 20 * (0.0075 / 0.02) ** (-1 / 0.6)  # 103 labels
    assert 1.05 * median_needs < way.n_labels < 2 * median_needs
    assert way.n_more == way.n_labels - 60
    assert way.cost_cpu_s == pytest.approx(28.0 * way.n_more)
    assert 0.9 <= way.probability < 0.95
    assert way.low_ev_ang < way.error_ev_ang < way.high_ev_ang
    assert others[0].n_labels == 240, "as far as purchases look ahead"
    sure = ways_to_target(TABLE, PRICES, 0.0075, 0.97)[0]
    assert sure.n_labels > way.n_labels


def test_the_labels_owned_suffice_for_an_easy_target():
    way = ways_to_target(TABLE, PRICES, 0.02)[0]
    assert (way.n_labels, way.n_more, way.cost_cpu_s) == (60, 0, 0.0)
    assert "the 60 labels owned" in explain_target([way], PRICES.accurate, 0.02, 0.9, "kcal/mol/Å")[1]


def test_a_price_buys_labels_and_their_error_follows_the_curve():
    way, other = ways_for_price(TABLE, PRICES, 40 * 28.0)
    assert (way.n_labels, way.n_more, other.n_labels) == (100, 40, 100)
    level, slope = CURVES["residual"]
    assert way.error_ev_ang == pytest.approx(level * (100 / 20) ** -slope, rel=0.15)
    assert np.isnan(way.probability)
    assert json.loads(json.dumps(way.to_json()))["probability"] is None
    lines = explain_price([way, other], PRICES.accurate, 40 * 28.0, "kcal/mol/Å")
    assert lines[0] == "For 19 min of CPU:"
    assert "100 labels of CCSD(T)/cc-pVDZ, 40 more than are owned (19 min)" in lines[1]


def test_what_is_not_enough_never_looks_like_what_was_asked_for():
    lines = explain_target(ways_to_target(TABLE, PRICES, 0.001), PRICES.accurate, 0.001, 0.9, "kcal/mol/Å")
    assert lines[0].startswith("Cannot be promised")
    assert "not with 240 labels, probability 1%" in lines[1]
    assert "cross-validated" in lines[-1]


def test_bad_input():
    with pytest.raises(InputError, match="must be positive"):
        ways_to_target(TABLE, PRICES, -1.0)
    with pytest.raises(InputError, match="a price to spend must be positive"):
        ways_for_price(TABLE, PRICES, 0.0)
