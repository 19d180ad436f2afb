"""Purchases between study and analysis: on a ladder the rounds, certificate, status and card name levels and labels."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from command_line import answer
from drawn_run import draw_only_svg
from three_levels import write_three_levels
from tiny_levels import BY_LEVEL, LADDER, STRATEGIES
from tiny_purchase import STUDY

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

#: Kernels alone, which take a second; a target that 10 labels between do not meet with the accurate ones allowed.
CHANGES = (LADDER, BY_LEVEL, (STRATEGIES, "[gdml_delta, ladder_delta]"), ("[20, 30]", "[10, 30]"))


def test_a_ladder_is_bought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw_only_svg(monkeypatch)
    write_three_levels(tmp_path)
    text = STUDY
    for old, new in CHANGES:
        text = text.replace(old, new)
    (tmp_path / "ladder.yaml").write_text(text)
    code, said, told = answer("buy", "ladder.yaml", "--target", "0.6 kcal/mol/A", "--most", "12", "--out", "out")
    assert code == 0, told
    assert re.search(r"round \d \| 1\d labels and 10 of MP2/cc-pVDZ, .*\| buy 20 of MP2/cc-pVDZ\n", said)
    assert re.search(r"1\d labels, Ladder, sGDML twice, GFN2-xTB, 30 MP2/cc-pVDZ: error", said)
    certificate = json.loads((tmp_path / "out/certificate.json").read_text())
    assert certificate["labels"]["intermediate"] == 30
    assert certificate["levels"] == ["ccsd_t/cc-pvdz", "gfn2-xtb", "mp2/cc-pvdz"]
    assert certificate["spent_cpu_s"]["MP2/cc-pVDZ labels"] == 90.0
    card = json.loads((tmp_path / "out/model/model.json").read_text())["card"]["training"]
    assert (card["n_intermediate"], card["intermediate_level"]) == (30, "mp2/cc-pvdz")
    code, said, told = answer("status", "out")
    assert code == 0, told
    assert "beside gfn2-xtb and mp2/cc-pvdz, complete" in said
    assert re.search(r"\d +1\d +10 .* 30 MP2/cc-pVDZ\n", said)
