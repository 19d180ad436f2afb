"""The card of a page answers as the planner does, to the digit: its own script, run outside and inside a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import planted_plans
import pytest
from chromium import CHROMIUM, driven, opened
from finished_run import MANIFEST, PRICES, table

from analysis.names import duration, in_percent
from analysis.plan.labels_for_target import TargetPlan, plan_target
from analysis.plan.run_evidence import RunEvidence, run_evidence
from analysis.report.planner_card import planner_data, planner_json
from analysis.report.report import make_report
from analysis.run_files import RunFiles
from analysis.surface.transfer import surface_of
from asteroid.units import force_unit_in_ev_ang

if TYPE_CHECKING:
    from analysis.plan.options import Option

REPORT = Path(__file__).parents[3] / "analysis" / "report"
UNIT = "kcal/mol/Å"
NODE = shutil.which("node")
#: (target as typed, confidence in per cent, prices of both labels in CPU seconds, MD steps).
QUESTIONS = [
    ("0.3", 90, 28.0, 0.002, 0.0),
    ("0.3", 50, 28.0, 0.002, 0.0),
    ("0.25", 95, 600.0, 0.002, 0.0),
    ("0.5", 90, 28.0, 30.0, 0.0),
    ("0.5", 80, 0.0, 0.0, 1e7),
    ("0.6", 99, 28.0, 0.002, 1e10),
    ("0.17", 90, 1e6, 0.5, 1e5),
    ("0.05", 99, 28.0, 0.002, 0.0),
]
BETWEEN = [
    ("0.3", 90, 28.0, 0.25, 0.0),
    ("0.37", 80, 1.0, 0.25, 0.0),
    ("0.24", 95, 3600.0, 0.25, 0.0),
    ("0.15", 50, 28.0, 0.25, 0.0),
    ("0.15", 99, 3600.0, 0.25, 0.0),
]


@pytest.fixture(scope="module")
def run() -> RunEvidence:
    rows = table()
    rows["use_cpu_s_per_frame"] = rows["strategy"].map({"accurate_only": 3e-4}).fillna(4e-4)
    return run_evidence(rows, MANIFEST, PRICES)


@pytest.fixture(scope="module")
def smooth() -> RunEvidence:
    """A run whose surface holds, so that numbers of cheap frames compete that were not run."""
    fitted = surface_of(planted_plans.SURFACE_TABLE)
    assert fitted is not None
    assert fitted.usable
    return RunEvidence(planted_plans.SURFACE_TABLE, planted_plans.PRICES, pool=700, surface=fitted)


@pytest.fixture(scope="module")
def data(run: RunEvidence) -> dict[str, Any]:
    return planner_data(run, plan_target(run, 0.3 * force_unit_in_ev_ang(UNIT)), UNIT)


def asked(run: RunEvidence, question: tuple[str, int, float, float, float]) -> TargetPlan:
    target, confidence, accurate, cheap, md_steps = question
    prices = run.prices.override(run.prices.accurate, accurate, "given")
    prices = prices.override(prices.cheap, cheap, "given")
    own = replace(run, prices=prices)
    return plan_target(own, float(target) * force_unit_in_ev_ang(UNIT), confidence / 100, md_steps=md_steps)


def told(option: Option) -> dict[str, Any]:
    """What the card shows of an option, as the planner has it."""
    return {
        "label": option.label,
        "promised": option.promised,
        "n": option.n_accurate,
        "cost": option.cost_cpu_s,
        "shown": duration(option.cost_cpu_s),
        "percent": in_percent(option.probability),
        "interval": list(option.interval_n),
        "intervalCost": list(option.interval_cpu_s),
        "status": list(option.status),
    }


SHOW = """
const show = (own) => own && { label: own.option.label, promised: own.promised, n: own.n, cost: own.cost,
  shown: planner.duration(own.cost), percent: `${own.perCent}%`, interval: own.interval,
  intervalCost: own.intervalCost, status: own.status };
const data = planner.opened(given.data);
const found = given.questions.map(([target, confidence, accurate, cheap, mdSteps]) => planner.plan(data, {
  target: data.targets.indexOf(Number(target)), confidence, accurate, cheap, mdSteps }));
console.log(JSON.stringify({
  plans: found.map((own) => ({ options: [own.choice, ...own.alternatives].filter(Boolean).map(show),
    choice: own.choice && own.choice.option.label, status: own.status, saving: own.saving })),
  numbers: given.seconds.map((own) => [planner.duration(own), planner.general(own, 2), planner.general(own, 6)]),
}));
"""


@pytest.mark.skipif(NODE is None, reason="needs node, which runs the page's script without a browser")
@pytest.mark.parametrize("name", ["run", "smooth"])
def test_the_script_answers_as_the_planner_does(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    run: RunEvidence = request.getfixturevalue(name)
    questions = QUESTIONS if name == "run" else BETWEEN
    data = planner_data(run, plan_target(run, 0.3 * force_unit_in_ev_ang(UNIT)), UNIT)
    seconds = [0, 0.002, 0.5, 1.25, 2.5, 12.5, 59.9, 60, 99.5, 4321.0, 86399, 86400, 1e6, 8.6e6, 9.1e6, 1e9, 1.5e-5]
    given = {"data": json.loads(planner_json(data)), "questions": questions, "seconds": seconds}
    (tmp_path / "given.json").write_text(json.dumps(given))
    (tmp_path / "ask.js").write_text(
        f"const planner = require({str(REPORT / 'planner.js')!r});\n"
        f"const given = JSON.parse(require('fs').readFileSync({str(tmp_path / 'given.json')!r}, 'utf8'));\n{SHOW}"
    )
    assert NODE is not None
    done = subprocess.run([NODE, tmp_path / "ask.js"], capture_output=True, text=True, check=True)
    answered = json.loads(done.stdout)
    assert answered["numbers"] == [[duration(own), f"{own:.2g}", f"{own:.6g}"] for own in seconds]
    promised = between = 0
    for question, mine in zip(questions, answered["plans"], strict=True):
        plan = asked(run, question)
        options = [*([plan.choice] if plan.choice else []), *plan.alternatives]
        assert mine["options"] == [told(option) for option in options]
        assert mine["choice"] == (plan.choice.label if plan.choice else None)
        assert mine["status"] == list(plan.status)
        saving = None if plan.saving is None else {"factor": plan.saving[0], "cpu_s": plan.saving[1]}
        assert mine["saving"] == saving
        promised += plan.choice is not None
        between += plan.choice is not None and "interpolated_cheap" in plan.choice.status
    assert 0 < promised < len(questions)
    assert (between > 0) == (name == "smooth")


def test_the_table_has_the_planner_s_numbers(run: RunEvidence, data: dict[str, Any]) -> None:
    """The same without any script: what the page carries, read with NumPy."""
    import base64

    import numpy as np

    columns = data["perCent"][1] - data["perCent"][0] + 2
    own = [option for option in data["options"] if not option["between"]]
    for target, confidence in (("0.3", 90), ("0.6", 99), ("0.17", 50)):
        plan = asked(run, (target, confidence, 28.0, 0.002, 0.0))
        known = {o.label: o for o in (plan.choice, *plan.alternatives) if o is not None}
        at = data["targets"].index(float(target)), confidence - data["perCent"][0] + 1
        for option in own:
            if option["label"] not in known:
                continue  # another of its strategy is better
            counts, chances = (
                np.frombuffer(base64.b64decode(option[name]), f"<u{bits // 8}").reshape(-1, columns)
                for name, bits in (("n", data["bits"]), ("chance", 16))
            )
            wanted = known[option["label"]]
            if wanted.promised:
                assert counts[at] - 1 == wanted.n_accurate
                assert chances[at] / data["draws"] == pytest.approx(wanted.probability, abs=1e-12)
            else:
                assert counts[at] == 0
                assert option["atMost"][at[0]] == pytest.approx(wanted.probability, abs=1e-8)


def test_nothing_in_it_closes_its_script(data: dict[str, Any]) -> None:
    text = planner_json(data | {"unit": "</script><b>"})
    assert "<" not in text
    assert json.loads(text)["unit"] == "</script><b>"


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_moves_its_plan_and_asks_nobody(run: RunEvidence, tmp_path: Path) -> None:
    files = RunFiles(run.table, MANIFEST, "name: methanol\n")
    page = make_report(files, PRICES, target_ev_ang=0.3 * force_unit_in_ev_ang(UNIT))
    steps = """
    const said = [read()];
    type("target", "0.25"); type("confidence", "95"); type("accurate", "600"); said.push(read());
    type("target", "0.05"); type("confidence", "99"); said.push(read());
    const slider = document.querySelector('[data-slider="confidence"]');
    slider.value = 50; slider.dispatchEvent(new Event("input"));
    document.querySelector("[data-reset]").click(); said.push(read());
    const image = document.querySelector("#figure-learning_curve img");
    const axes = JSON.parse(image.dataset.readings)[0], own = image.getBoundingClientRect();
    const point = axes.points.find((line) => line.at.length === 1 || line.name).at[0];
    const over = (across, down) => {
      const place = { clientX: own.left + across * own.width, clientY: own.top + down * own.height, bubbles: true };
      image.dispatchEvent(new PointerEvent("pointermove", place));
      const tip = document.querySelector(".reading");
      return tip.hidden ? "" : tip.innerText;
    };
    const pointed = [over(point[0], point[1]), over(axes.box[0] + 0.001, axes.box[1] + 0.001), over(0, 0)];
    document.querySelector(".opener").click();
    const zoomed = document.querySelector("dialog").open;
    fetch("http://127.0.0.1:9/").then(() => "reached", () => "refused").then((fetched) => {
      const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
      const hidden = document.getElementById("play").hidden;
      document.title = JSON.stringify({ said, pointed, axes, point, zoomed, fetched, hidden, loaded });
    });
    """
    seen = driven(page, steps, tmp_path)
    assert (seen["zoomed"], seen["fetched"], seen["hidden"]) == (True, "refused", False)
    assert [url for url in seen["loaded"] if not url.startswith("data:")] == []
    at_point, in_corner, outside = (text.split("\n") for text in seen["pointed"])
    names = [seen["axes"][axis]["name"] for axis in "xy"]
    for value, line, name in zip(seen["point"][2:], at_point[1:], names, strict=True):
        number, _, said = line.partition(" ")
        assert said == name
        assert float(number.replace(",", "")) == pytest.approx(value, rel=1e-3)
    for end, line in zip((seen["axes"]["x"]["ends"][0], seen["axes"]["y"]["ends"][1]), in_corner, strict=True):
        assert float(line.split()[0].replace(",", "")) == pytest.approx(end, rel=0.02)
    assert outside == [""]
    first, dearer, refused, reset = seen["said"]
    assert first == reset
    for text, question in ((first, QUESTIONS[0]), (dearer, QUESTIONS[2]), (refused, QUESTIONS[7])):
        plan = asked(run, question)
        if plan.choice is None:
            assert text.startswith("Cannot be promised from this sweep")
        else:
            words = (
                f"{plan.choice.n_accurate:,}",
                duration(plan.choice.cost_cpu_s),
                in_percent(plan.choice.probability),
            )
            assert plan.choice.label in text
            assert all(word in text.split("\n") for word in words)
    # The page as it is: its policy lets its own scripts run.
    assert 'id="play" hidden' not in opened(tmp_path / "real.html", tmp_path)
    log = json.loads((tmp_path / "log.json").read_text())
    asked_for = [event["params"] for event in log["events"] if "url" in event.get("params", {})]
    assert asked_for
    by_pages = [own["url"] for own in asked_for if own.get("initiator", "not an origin") != "not an origin"]
    assert [url for url in by_pages if not url.startswith(("file:", "data:"))] == []
