import json

from out_of_fold_tables import planted_table

from analysis.buying.certificate import certify
from analysis.buying.decide import decide
from study.prices import LevelPrice, PriceList

PRICES = PriceList("high", "low", {"high": LevelPrice(28.0, ""), "low": LevelPrice(0.1, "")})
TABLE = planted_table({"residual": (0.02, 0.6), "accurate_only": (0.1, 0.5)}, (16, 24, 60))


def certificate(target):
    decision = decide(TABLE, PRICES, target_ev_ang=target)
    return certify(TABLE, decision, {"accurate labels": 1680.0, "training": 60.0}), decision


def test_it_says_what_the_decision_said():
    found, decision = certificate(0.015)
    assert found.standing == decision.best
    assert found.met == (decision.action == "stop")
    assert json.loads(json.dumps(found.to_json()))["standing"]["key"]["strategy"] == "residual"


def test_fewer_labels_would_have_been_enough_for_an_easy_target():
    easy, harder = certificate(0.02)[0].hindsight, certificate(0.015)[0].hindsight
    assert 16 <= easy < harder <= 60


def test_no_hindsight_where_the_target_is_missed():
    found, _ = certificate(0.005)
    assert (found.hindsight, found.met) == (None, False)


def test_the_words_have_error_interval_probability_and_spending():
    text = "\n".join(certificate(0.02)[0].lines())
    assert "Pretraining + residual net, trained on all 60 labels." in text
    assert "90 % interval [" in text
    assert "Spent: accurate labels 28 min, training 1 min." in text
    assert "In hindsight " in text
