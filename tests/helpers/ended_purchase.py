"""The folder of a purchase that has ended, made of planted curves: what `analysis` reads of it, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from out_of_fold_tables import planted_table

from analysis.buying.certificate import certify
from analysis.buying.decide import decide
from study.digests import write_text_with_digest
from study.files import write_record
from study.prices import LevelPrice, PriceList
from study.tables.out_of_fold import write_out_of_fold
from study.tables.rounds import rounds_frame, write_rounds

if TYPE_CHECKING:
    from pathlib import Path

PRICES = PriceList(
    "ccsd_t/cc-pvdz", "gfn2-xtb", {"ccsd_t/cc-pvdz": LevelPrice(28.0, ""), "gfn2-xtb": LevelPrice(0, "")}
)
#: Errors are level (n / 20)^-slope: 0.0104 and 0.0577 eV/Å with 60 labels.
CURVES = {"residual": (0.02, 0.6), "accurate_only": (0.1, 0.5)}
TARGET = 0.015
SIZES = (16, 24, 60)


def write_ended_purchase(folder: Path) -> None:
    """Write certificate, rounds, out-of-fold errors and study file."""
    looks = planted_table(CURVES, SIZES)
    decision = decide(looks, PRICES, target_ev_ang=TARGET)
    found = certify(looks, decision, {"accurate labels": 1680.0})
    more = {
        "name": "planted",
        "labels": {"owned": 60, "bought": 60, "failed": 0},
        "prior": "learnt",
        "version": "0.1.0",
    }
    told = found.to_json() | more | {"prices": PRICES.to_json(), "data_card": ["planted curves"]}
    write_record(folder / "certificate.json", told)
    write_text_with_digest(folder / "certificate.txt", "\n".join(found.lines()) + "\n")
    (folder / "study.yaml").write_text("name: planted\n")
    write_out_of_fold(looks, folder)
    rows = [
        {
            "round": number,
            "n_labels": n,
            "contender": strategy,
            "strategy": strategy,
            "error_ev_ang": (error := level * (n / 20) ** -slope),
            "low_ev_ang": 0.8 * error,
            "high_ev_ang": 1.2 * error,
            "probability": 0.9,
            "racing": True,
            "best": strategy == "residual",
            "action": "stop" if n == SIZES[-1] else "buy",
            "n_next": n,
            "label_cpu_s": 28.0 * n,
            "core_s": 60.0,
            "target_ev_ang": TARGET,
            "confidence": 0.9,
        }
        for number, n in enumerate(SIZES, 1)
        for strategy, (level, slope) in CURVES.items()
    ]
    write_rounds(rounds_frame(rows), folder)
