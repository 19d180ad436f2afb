"""Labels chosen by farthest-point sampling are a caveat of every answer, and random ones in none."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from drawn_run import draw_only_svg
from finished_run import MANIFEST, PRICES, table
from planning import plan_price, plan_target
from typer.testing import CliRunner

from analysis.caveats import Caveat
from analysis.figures.gallery import draw_figures
from analysis.figures.picture import FigureInput
from analysis.plan.answers import explain_price
from analysis.plan.run_caveats import caveats_beside, selection_caveats
from analysis.plan.run_evidence import RunEvidence
from analysis.plan.words import explain
from analysis.report.report import make_report
from analysis.run_files import RunFiles
from study.tables.results import write_results
from sweeps.cli import app

if TYPE_CHECKING:
    from pathlib import Path

ACCURATE, CHEAP = "ccsd_t/cc-pvdz", "gfn2-xtb"
SAYS = "chosen by farthest-point sampling"


def manifest(rules: Any, **changes: Any) -> dict[str, Any]:
    return {**MANIFEST, "data_card": {"selection_rules": rules}, **changes}


SPREAD = manifest({ACCURATE: "farthest", CHEAP: "farthest"})


@pytest.mark.parametrize(
    ("given", "caveats"),
    [
        (manifest({ACCURATE: "farthest"}), ("farthest_labels", "farthest_test")),
        (manifest({ACCURATE: "farthest"}, n_test=0), ("farthest_labels",)),
        (manifest({ACCURATE: "random", CHEAP: "farthest"}), ("farthest_cheap",)),
        (manifest({ACCURATE: "random", CHEAP: "all"}), ()),
        (manifest(None), ()),
        (MANIFEST, ()),
        ({"data_card": [1]}, ()),
        ({**MANIFEST, "n_test": 29}, ("few_test_labels",)),
        ({**MANIFEST, "n_test": 30}, ()),
        ({**MANIFEST, "data_card": {"test_draw": {"verdict": "calm"}}}, ("calm_test_draw",)),
        ({**MANIFEST, "data_card": {"test_draw": {"verdict": "wild"}}}, ("wild_test_draw",)),
        ({**MANIFEST, "data_card": {"test_draw": {"verdict": ""}}}, ()),
        ({}, ()),
    ],
)
def test_caveats_off_a_manifest(given: dict[str, Any], caveats: tuple[str, ...]) -> None:
    assert selection_caveats(given) == caveats
    assert set(caveats) <= set(Caveat)


@pytest.mark.parametrize("target", [0.03, 1e-6])
def test_a_plan_says_it_whether_or_not_it_can_promise(target: float) -> None:
    caveats = selection_caveats(SPREAD)
    plan = plan_target(table(), PRICES, target, caveats=caveats)
    assert (plan.choice is None) == (target < 1e-3)
    assert set(caveats) <= set(plan.to_json()["status"])
    assert sum(SAYS in line for line in explain(plan)) == 3
    bare = plan_target(table(), PRICES, target)
    assert bare.choice == plan.choice
    assert not any(SAYS in line for line in explain(bare))


@pytest.mark.parametrize("budget_cpu_s", [5000.0, 1e-3])
def test_an_answer_for_a_price_says_it(budget_cpu_s: float) -> None:
    caveats = selection_caveats(SPREAD)
    plan = plan_price(table(), PRICES, budget_cpu_s, caveats=caveats)
    assert plan.to_json()["status"][:3] == list(caveats)
    assert sum(SAYS in line for line in explain_price(plan)) == 3


def test_report_and_figures_say_it() -> None:
    page = make_report(RunFiles(table(), SPREAD, ""), PRICES)
    shown = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert shown.count(Caveat.FARTHEST_LABELS.sentence) == 1
    assert shown.count(Caveat.FARTHEST_TEST.sentence) == 1
    assert shown.count("The accurate labels were " + SAYS) >= 3, "captions"
    assert SAYS not in make_report(RunFiles(table(), MANIFEST, ""), PRICES)
    for picture in draw_figures(FigureInput(SPREAD, PRICES, RunEvidence(table(), PRICES))):
        assert SAYS in picture.caption
        above = picture.figure.get_suptitle()
        assert (SAYS in above) == (picture.stem in ("learning_curve", "every_curve", "cost"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rows = table()
    write_results(rows, tmp_path)
    ledger = MANIFEST["ledger"] | {"accurate_cpu_s": 25200.0}  # type: ignore[operator]
    (tmp_path / "manifest.json").write_text(json.dumps(SPREAD | {"ledger": ledger, "rows": len(rows)}))
    return tmp_path


def say(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def test_every_command_that_answers_says_it(
    run: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = ["fit", run / "results.csv", "--x", "budget", "--y", "test_force_mae_ev_ang", "--group", "strategy"]
    only = run / "accurate.csv"
    lines = (run / "results.csv").read_text().splitlines()
    only.write_text("\n".join([lines[0], *(line for line in lines if "accurate_only" in line)]))
    fit[1] = only
    target = ["plan", run, "--target", "0.03 eV/A"]
    for words in (target, ["plan", run, "--budget", "2h"], [*target, "--next", "2"], fit):
        assert say(*words).count(SAYS) == 3, words
        assert {"farthest_labels", "farthest_test"} <= set(json.loads(say(*words, "--json"))["status"]), words
    draw_only_svg(monkeypatch)
    assert say("plot", run).count(SAYS) == 3
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "accurate.csv"
    shutil.copy(only, elsewhere)
    assert SAYS not in say("fit", elsewhere, *fit[2:])
    for text in ("{", "[]", "3"):
        elsewhere.with_name("manifest.json").write_text(text)
        assert caveats_beside(elsewhere) == ()
