from out_of_fold_tables import planted_table

from analysis.buying.decide import decide
from analysis.buying.decision import Limits
from analysis.buying.words import explain_decision
from asteroid.units import force_unit_in_ev_ang
from study.prices import LevelPrice, PriceList

PRICES = PriceList("high", "low", {"high": LevelPrice(28.0, ""), "low": LevelPrice(0.1, "")})
TABLE = planted_table({"residual": (0.02, 0.6)}, (16, 24))


def said(target_kcal, **limits):
    target = target_kcal * force_unit_in_ev_ang("kcal/mol/Å")
    return " ".join(explain_decision(decide(TABLE, PRICES, target_ev_ang=target, limits=Limits(**limits))))


def test_stop_buy_and_cannot_read_as_sentences():
    assert said(1.0).startswith("Enough: 24 labels, Pretraining + residual net: error 0.")
    assert "it meets 0.3 kcal/mol/Å with a probability of" in said(0.3)
    assert " more, " in said(0.3)
    assert "even 200 labels would do with a probability of only 1%" in said(0.01, most_labels=200)
    assert "the error to be had with them is 0." in said(0.01, most_labels=200)
    assert said(0.3, most_labels=24).startswith("No more labels may be bought: 24 labels")
