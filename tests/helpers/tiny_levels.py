"""Tiny purchases with two cheap levels and with a ladder of three, on the files of `three_levels`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from three_levels import FILES
from tiny_purchase import STUDY, until

from study.buying.decision import Verdict
from study.config.buying import parse_buy_study

if TYPE_CHECKING:
    from pathlib import Path

    from study.buying.decision import Situation
    from study.config.buying import BuyStudy

ONE_CHEAP = STUDY[STUDY.index("  cheap:") : STUDY.index("buy:")]
TWO_CHEAP = (ONE_CHEAP, f"  cheap:\n    - {FILES['xtb']}\n    - {FILES['mp2'].replace('mp2.npz', 'other.npz')}\n")
LADDER = (ONE_CHEAP, f"  levels:\n    - {FILES['xtb']}\n    - {FILES['mp2']}\n    - ccsd_t/cc-pvdz\n")
STRATEGIES = "[accurate_only, pretrain_finetune]"
BY_LEVEL = ("n_cheap: [40]", "n_cheap: {gfn2-xtb: [40], mp2/cc-pvdz: [20, 30]}\nkernel: {sigmas: [10]}")
CLIMBING = (STRATEGIES, "[residual, ladder_delta]")
REPLAY = STUDY[STUDY.index("  replay:") : STUDY.index("strategies")]
HERE = (REPLAY, "  level: hf/sto-3g\n  price: 2s\n  candidates: 60\n  here: {}\n")


def levels_study(folder: Path, *changes: tuple[str, str]) -> BuyStudy:
    """The tiny study with pieces of its text changed; its files lie in the folder."""
    text = STUDY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_buy_study(text, "study.yaml", folder)


def climbing(n: int) -> Any:
    """A rule that has everybody join at the first look, and then buys until n labels are owned."""
    then = until(n)

    def decide(situation: Situation) -> Verdict:
        verdict = then(situation)
        if not situation.waiting:
            return verdict
        names = tuple(situation.waiting)
        return Verdict("buy", situation.n_owned, verdict.standings, ("more between",), names, 30)

    return decide
