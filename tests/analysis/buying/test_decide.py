import dataclasses

import pytest
from out_of_fold_tables import planted_table

from analysis.buying.decide import decide
from analysis.buying.decision import Limits
from analysis.buying.prior import VAGUE
from analysis.caveats import Caveat
from analysis.curves.curve_key import CurveKey
from asteroid.errors import InputError
from study.prices import LevelPrice, PriceList

PRICES = PriceList("high", "low", {"high": LevelPrice(28.0, ""), "low": LevelPrice(0.1, "")})
CURVES = {"accurate_only": (0.1, 0.5), "residual": (0.02, 0.6), "gdml_delta": (0.021, 0.6)}
TABLE = planted_table(CURVES, (16, 24))


def ask(target, table=TABLE, **options):
    return decide(table, PRICES, target_ev_ang=target, **options)


def test_a_target_far_above_the_error_is_met():
    decision = ask(0.04)
    assert (decision.action, decision.n_next) == ("stop", 24)
    assert decision.best.key.strategy == "residual"
    assert decision.best.low_ev_ang < 0.02 * 1.2**-0.6 < decision.best.high_ev_ang
    assert decision.expected_cpu_s == 0


def test_a_target_a_little_below_the_error_is_bought_for():
    decision = ask(0.014)
    assert decision.action == "buy"
    assert 24 < decision.n_next < 80
    assert decision.expected_cpu_s >= 28 * (decision.n_next - 24)


def test_a_strategy_that_cannot_win_is_trained_no_more():
    assert {key.strategy for key in ask(0.014).racing} == {"residual", "gdml_delta"}


@pytest.mark.parametrize("confidences", [(0.7, 0.9, 0.95)])
def test_more_confidence_never_stops_earlier(confidences):
    table = planted_table({"residual": (0.02, 0.6)}, (16, 24, 40))
    for target in (0.012, 0.014, 0.017, 0.02):
        stops = [ask(target, table, confidence=c).action == "stop" for c in confidences]
        assert stops == sorted(stops, reverse=True)


def test_a_target_below_the_floor_is_told_early_with_the_error_that_can_be_had():
    decision = ask(0.0005, limits=Limits(most_labels=200))
    assert decision.action == "cannot"
    assert decision.farthest.n_labels == 200
    assert decision.farthest.probability < 0.1
    assert 0.0005 < decision.farthest.error_ev_ang < 0.02


def test_limits_are_kept():
    assert ask(0.014, limits=Limits(most_labels=26)).n_next <= 26
    assert ask(0.014, limits=Limits(most_cpu_s=28.2 * 3)).n_next <= 27
    assert ask(0.014, limits=Limits(least_batch=20)).n_next >= 44
    ended = ask(0.014, limits=Limits(most_labels=24))
    assert (ended.action, ended.caveats) == ("cannot", (Caveat.LIMIT_REACHED,))


def test_dear_looks_make_larger_batches():
    cheap = ask(0.013, look_core_s=dict.fromkeys(ask(0.014).racing, 0.01))
    dear = ask(0.013, look_core_s=dict.fromkeys(ask(0.014).racing, 1000.0))
    assert dear.n_next > cheap.n_next


def test_the_same_table_gives_the_same_decision_and_the_prior_matters():
    assert ask(0.014) == ask(0.014)
    one, other = ask(0.014).farthest, ask(0.014, prior=VAGUE).farthest
    assert one.high_ev_ang / one.low_ev_ang < other.high_ev_ang / other.low_ev_ang


def test_wild_labels_are_told():
    assert Caveat.WILD_LABELS in ask(0.014, TABLE.assign(pool_cheap_energy_ev=-3.0)).caveats


def test_a_target_or_confidence_that_means_nothing_is_refused():
    with pytest.raises(InputError, match="a target error must be positive, found -1"):
        ask(-1.0)
    with pytest.raises(InputError, match=r"between 0\.5 and 0\.99, found 1"):
        ask(0.01, confidence=1.0)


def test_the_order_of_the_rows_does_not_matter():
    assert dataclasses.asdict(ask(0.014, TABLE.iloc[::-1])) == dataclasses.asdict(ask(0.014))


def test_a_cheap_level_that_is_better_by_label_and_dear_loses_to_one_that_is_not():
    low, dear = (CurveKey("gdml_delta", cheap_level=level) for level in ("low", "dear"))
    table = planted_table({low: (0.021, 0.6), dear: (0.02, 0.6)}, (16, 24))
    wins = []
    for price in (0.1, 60.0):
        prices = PriceList("high", "low", {**PRICES.levels, "dear": LevelPrice(price, "")})
        decision = decide(table, prices, target_ev_ang=0.014)
        assert {own.key for own in decision.standings} == {low, dear}
        wins.append({own.key: own.wins for own in decision.standings})
    assert wins[0][dear] > wins[0][low]
    assert wins[1][low] > wins[1][dear], "with every label goes one of the cheap level, at 60 s"


def test_of_strategies_that_are_sure_the_most_accurate_is_best():
    """Probabilities of an easy target differ by rounding, errors by a factor of five."""
    decision = ask(5.0)
    assert [own.key.strategy for own in decision.standings] == ["residual", "gdml_delta", "accurate_only"]
    assert min(own.probability for own in decision.standings) > 0.99
