from __future__ import annotations

from study.prices import LevelPrice, PriceList
from sweeps.counts import label_lines

PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", {"ccsd_t/cc-pvdz": LevelPrice(28.0, "card")})


def test_labels_stand_with_their_price_and_test_labels_outside_every_budget() -> None:
    ledger = {
        "accurate_labels_assumed_bought": 1900,
        "accurate_cpu_s": 3600.0,
        "cheap_frames_assumed_bought": 9000,
        "cheap_cpu_s": 60.0,
        "evaluation_labels": 300,
        "evaluation_cpu_s": 7200.0,
    }
    accurate, cheap, evaluation = label_lines(ledger, PRICES)
    assert accurate.startswith("  ccsd_t/cc-pvdz: 1,900 labels assumed bought, ")
    assert cheap.startswith("  gfn2-xtb: 9,000 labels assumed bought, ")
    assert "300 labels of ccsd_t/cc-pvdz" in evaluation
    assert evaluation.endswith("of CPU, outside every budget")
