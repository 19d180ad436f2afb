"""The card of a purchase's page answers as its plan and its decisions do, to the digit, in a browser and outside."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chromium import CHROMIUM, driven, opened
from ended_purchase import CURVES, PRICES, SIZES, write_ended_purchase
from out_of_fold_tables import planted_table

from analysis.buying.decide import decide
from analysis.buying.outlook import explain_target, ways_to_target
from analysis.names import duration
from analysis.purchase_files import read_purchase
from analysis.report.planner_card import planner_json
from analysis.report.purchase_card import purchase_card_data
from analysis.report.purchase_report import make_purchase_report
from asteroid.units import force_unit_in_ev_ang

if TYPE_CHECKING:
    from analysis.buying.outlook import Way

REPORT = Path(__file__).parents[3] / "analysis" / "report"
UNIT, SCALE = "kcal/mol/Å", force_unit_in_ev_ang("kcal/mol/Å")
NODE = shutil.which("node")
#: residual needs few labels; gdml_delta takes a cheap label with each, so that its price is moved as well.
BOTH = CURVES | {"gdml_delta": (0.018, 0.5)}
TABLE = planted_table(BOTH, SIZES)
#: (target as typed, confidence in per cent, CPU seconds of an accurate and of a cheap label).
QUESTIONS = [
    ("0.35", 90, 28.0, 0.0),
    ("0.2", 90, 28.0, 0.0),
    ("0.2", 50, 600.0, 60.0),
    ("0.16", 95, 3600.0, 0.5),
    ("0.7", 80, 1.0, 0.0),
    ("0.13", 99, 28.0, 0.0),
]


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    return purchase_card_data(TABLE, PRICES, 0.31234 * SCALE, 0.9, UNIT)


def asked(question: tuple[str, int, float, float]) -> list[Way]:
    target, confidence, accurate, cheap = question
    prices = PRICES.override(PRICES.accurate, accurate, "given").override(PRICES.cheap, cheap, "given")
    return ways_to_target(TABLE, prices, float(target) * SCALE, confidence / 100)


def first_enough(question: tuple[str, int, float, float]) -> int | None:
    """Labels owned at the first look after which the purchase would have stopped."""
    target, confidence, *_ = question
    for n in SIZES:
        seen = TABLE[TABLE["n_labels"] <= n]
        found = decide(seen, PRICES, target_ev_ang=float(target) * SCALE, confidence=confidence / 100)
        if found.action == "stop":
            return n
    return None


ASK = """
const data = purchaseWays.opened(given.data);
console.log(JSON.stringify(given.questions.map(([target, confidence, accurate, cheap]) => {
  const found = purchaseWays.plan(data, { target: data.targets.indexOf(Number(target)), confidence, accurate, cheap });
  return { enough: found.enough, ways: found.ways.map((way) => [way.label, way.promised, way.n, way.more,
    planner.duration(way.cost), way.error, way.perCent]) };
})));
"""


@pytest.mark.skipif(NODE is None, reason="needs node, which runs the page's script without a browser")
def test_the_script_answers_as_the_plan_of_a_purchase(data: dict[str, Any], tmp_path: Path) -> None:
    given = {"data": json.loads(planner_json(data)), "questions": QUESTIONS}
    (tmp_path / "given.json").write_text(json.dumps(given))
    (tmp_path / "ask.js").write_text(
        f"const purchaseWays = require({str(REPORT / 'purchase_ways.js')!r});\n"
        f"const given = JSON.parse(require('fs').readFileSync({str(tmp_path / 'given.json')!r}, 'utf8'));\n{ASK}"
    )
    assert NODE is not None
    done = subprocess.run([NODE, tmp_path / "ask.js"], capture_output=True, text=True, check=True)
    first, enough = [], []
    for question, mine in zip(QUESTIONS, json.loads(done.stdout), strict=True):
        wanted = []
        for way in asked(question):
            low, middle, high = (value / SCALE for value in (way.low_ev_ang, way.error_ev_ang, way.high_ev_ang))
            error = f"{middle:.3g} [{low:.3g}, {high:.3g}]"
            chance = math.floor(100 * min(max(way.probability, 0.01), 0.99))
            price = duration(way.cost_cpu_s)
            wanted.append([way.key.label(), way.promised, way.n_labels, way.n_more, price, error, chance])
        assert mine["ways"] == wanted
        assert mine["enough"] == first_enough(question)
        first.append(mine["ways"][0])
        enough.append(mine["enough"])
    # The questions are of every kind: met now or with more labels, out of reach, and at several looks.
    assert {way[1] for way in first} == {True, False}
    assert {way[3] == 0 for way in first} == {True, False}
    assert len(set(enough)) >= 3


def test_the_page_s_own_target_is_on_the_slider(data: dict[str, Any]) -> None:
    assert data["targets"][data["start"]["target"]] == 0.31234
    assert data["targets"] == sorted(set(data["targets"]))


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_moves_its_plan_and_asks_nobody(tmp_path: Path) -> None:
    write_ended_purchase(tmp_path)
    files = read_purchase(tmp_path)
    page = make_purchase_report(files, PRICES, target_ev_ang=0.35 * SCALE)
    steps = """
    const said = [read()];
    type("target", "0.2"); type("accurate", "600"); said.push(read());
    type("target", "0.13"); type("confidence", "99"); said.push(read());
    document.querySelector("[data-reset]").click(); said.push(read());
    const hidden = document.querySelector('[data-of="cheap"]').hidden;
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    document.title = JSON.stringify({ said, hidden, loaded });
    """
    seen = driven(page, steps, tmp_path)
    assert [url for url in seen["loaded"] if not url.startswith("data:")] == []
    assert seen["hidden"], "no strategy of this purchase takes cheap labels with accurate ones"
    first, dearer, refused, reset = seen["said"]
    assert first == reset
    for text, target, price, confidence in (
        (first, 0.35, 28.0, 0.9),
        (dearer, 0.2, 600.0, 0.9),
        (refused, 0.13, 600.0, 0.99),
    ):
        prices = PRICES.override(PRICES.accurate, price, "given")
        ways = ways_to_target(files.looks, prices, target * SCALE, confidence)
        said = explain_target(ways, PRICES.accurate, target * SCALE, confidence, UNIT)
        assert text.split("\n")[0].startswith(said[0].rstrip(":"))
        assert [line.strip() for line in said[1:-1]] == [line for line in text.split("\n") if "probability" in line][
            -2:
        ]
    # The page as it is: its policy lets its own scripts run.
    assert 'id="play" hidden' not in opened(tmp_path / "real.html", tmp_path)
