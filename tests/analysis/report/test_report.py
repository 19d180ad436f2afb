"""The report: one page that loads nothing, tells the plan first, escapes what it is given, and repeats to the byte."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from finished_run import MANIFEST, PRICES, table
from finished_trials import trials
from planning import plan_target

from analysis.plan.words import explain
from analysis.report import report
from analysis.report.report import commands, make_report
from analysis.run_files import RunFiles
from asteroid.units import KCAL_PER_MOL_EV

RUN = RunFiles(table(), MANIFEST, "name: methanol\nbudgets: [20, 50]\n")
TARGET = 0.3 * KCAL_PER_MOL_EV
PAGE = make_report(RUN, PRICES, target_ev_ang=TARGET)
VOID = {"meta", "link", "img", "br", "input"}


class Reader(HTMLParser):
    """Collects tags, attributes and text; fails where tags are not closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text, self.scripts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open[-1:] == ["script"] else self.text).append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader, " ".join(" ".join(reader.text).split())


def test_page_is_whole_and_loads_nothing():
    assert PAGE.startswith("<!DOCTYPE html>")
    reader, _ = read(PAGE)
    names = [tag for tag, _ in reader.tags]
    assert names.count("h1") == 1
    assert {"main", "header", "nav", "title"} <= set(names)
    assert reader.tags[0] == ("html", {"lang": "en"})
    targets = {attrs["id"] for _, attrs in reader.tags if "id" in attrs}
    for tag, attrs in reader.tags:
        for name in ("src", "href"):
            if name in attrs:
                assert attrs[name].startswith(("data:", "#"))
                assert not attrs[name].startswith("#") or attrs[name][1:] in targets
        if tag == "img":
            assert len(attrs["alt"]) > 20
    without_pictures = re.sub(r"data:image/svg\+xml;base64,[A-Za-z0-9+/=]+", "", PAGE)
    assert "http" not in without_pictures.replace("http-equiv", "")


def test_a_browser_may_run_the_page_s_own_scripts_and_no_other():
    reader, _ = read(PAGE)
    (policy,) = [attrs["content"] for tag, attrs in reader.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    carried, *run = reader.scripts
    assert json.loads(carried)["unit"] == "kcal/mol/Å"
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in run]
    assert policy.endswith("script-src " + " ".join(f"'sha256-{own}'" for own in hashes))
    assert policy.startswith("default-src 'none'; ")
    assert [attrs for tag, attrs in reader.tags if tag == "script" and "src" in attrs] == []


def test_pictures_are_complete_svg():
    reader, _ = read(PAGE)
    pictures = [attrs["src"] for tag, attrs in reader.tags if tag == "img"]
    assert len(pictures) == 4
    for picture in pictures:
        svg = base64.b64decode(picture.partition("base64,")[2]).decode()
        assert svg.rstrip().endswith("</svg>")
        assert not re.search(r'(href|src)="(?!#)', svg)


def test_recommendation_comes_first_and_is_that_of_the_plan():
    _, text = read(PAGE)
    plan = plan_target(RUN.table, PRICES, TARGET, pool=1025)
    for line in explain(plan):
        told = line.strip().removeprefix("Caveat: ")
        assert told in text or told.removesuffix(".") in text
    assert text.index("Recommendation Cheapest way") < text.index("Learning curves")
    assert "No target was given" not in text


def test_a_page_repeats_to_the_byte():
    assert make_report(RUN, PRICES, target_ev_ang=TARGET) == PAGE


@pytest.fixture
def without_figures(monkeypatch):
    """Drawing takes most of the time, and these tests are about words."""
    monkeypatch.setattr(report, "draw_figures", lambda _: [])


@pytest.mark.usefixtures("without_figures")
def test_without_a_target_the_page_says_which_it_took():
    _, text = read(make_report(RUN, PRICES, force_unit="meV/Å"))
    assert "so the target is the median error of Pretraining + fine-tuning, 4,000 cheap with 100 accurate" in text
    assert "--force-unit meV/A" in text


@pytest.mark.usefixtures("without_figures")
def test_a_refusal_is_told_as_such():
    _, text = read(make_report(RUN, PRICES, target_ev_ang=1e-7))
    assert "Cannot be promised from this sweep" in text
    assert "Remedy" in text


def test_everything_given_is_escaped():
    evil = '<script>alert("x")</script>'
    manifest = MANIFEST | {"name": evil, "data_card_lines": [evil], "molecule": evil, "versions": {evil: evil}}
    manifest["versions"]["asteroid-study"] = evil
    page = make_report(replace(RUN, manifest=manifest, sweep_yaml=evil), PRICES, target_ev_ang=TARGET)
    reader, text = read(page)
    assert len(reader.scripts) == len([tag for tag, _ in reader.tags if tag == "script"]) == 6
    assert not any(evil in script for script in reader.scripts)
    assert text.count(evil) > 5


@pytest.mark.usefixtures("without_figures")
def test_an_unfinished_run_says_so():
    _, text = read(make_report(replace(RUN, manifest=MANIFEST | {"status": "running"}), PRICES, target_ev_ang=TARGET))
    assert "not finished" in text
    assert "not finished" not in read(PAGE)[1]
    more = replace(RUN, manifest=MANIFEST | {"rows": 99})
    for target in (TARGET, 1e-7):
        _, text = read(make_report(more, PRICES, target_ev_ang=target))
        assert "the run is not finished" in text


def test_a_run_of_searches_only_has_a_page():
    run = replace(RUN, table=None, trials=trials().assign(mode="pareto", chosen=False))
    _, text = read(make_report(run, PRICES))
    assert "not a number of labels" in text
    assert "Searches over the label budget" in text
    assert "Learning curves" not in text
    assert "importances.csv" in text


@pytest.mark.parametrize("name", ["methanol", "two words", "a;b"])
def test_commands_can_be_pasted(name):
    lines = commands(name, ["--target", "0.3 kcal/mol/A"])
    assert [line.split()[1] for line in lines] == ["run", "plot", "plan", "report"]
    assert "'0.3 kcal/mol/A'" in lines[2]
    assert (name == "methanol") == (f"'runs/{name}'" not in lines[1])
