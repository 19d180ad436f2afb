"""The documentation site: it builds without a warning, loads nothing from elsewhere, and knows the whole program."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer

from study.config.schema import file_schema
from study.tables.manifest import ManifestRecord
from study.tables.results import COLUMNS
from study.tables.trials import TRIAL_COLUMNS
from sweeps.cli import app

DOCS = Path(__file__).parents[2] / "docs"
#: Attributes by which a page loads something, by tag; links that a reader may follow are not among them.
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "link": "href"}


class Loaded(HTMLParser):
    """What a page loads, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(LOADS.get(tag, ""))
        if address is not None and not (tag == "link" and given.get("rel") in ("search", "next", "prev", "canonical")):
            self.addresses.append(address)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: Path) -> Loaded:
    found = Loaded()
    found.feed(page.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as the README says, with warnings as errors."""
    out = tmp_path_factory.mktemp("site")
    words = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(out / "made"),
        str(DOCS),
        str(out / "html"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out / "html"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = sorted(site.glob("*.html"))
    assert len(pages) > 30
    for page in pages:
        addresses = read(page).addresses
        assert addresses
        for address in addresses:
            assert not re.match(r"(\w+:)?//", address), f"{page.name} loads {address}"
            assert address.startswith("data:") or (site / unquote(address.split("?")[0].split("#")[0])).is_file()
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", text), sheet.name


def test_every_page_is_made_and_nothing_is_left_to_make(site: Path) -> None:
    for source in DOCS.glob("*.md"):
        page = site / f"{source.stem}.html"
        assert "made from:" not in page.read_text(encoding="utf-8"), source.name


def test_references_are_complete(site: Path) -> None:
    def words(page: str) -> set[str]:
        return set(re.findall(r"[\w-]+", " ".join(read(site / page).words)))

    commands = typer.main.get_command(app).commands
    options = {
        opt for command in commands.values() for option in command.params for opt in option.opts if opt[:2] == "--"
    }
    assert {*commands, *options} <= words("commands.html")
    sections = [one for part in file_schema()["$defs"].values() for one in part.get("anyOf", [part])]
    assert {key for section in sections for key in section.get("properties", {})} <= words("files.html")
    assert {*COLUMNS, *TRIAL_COLUMNS, *ManifestRecord.model_fields} <= words("tables.html")


def test_formulas_need_no_script(site: Path) -> None:
    text = (site / "method.html").read_text(encoding="utf-8")
    assert text.count("<math") > 15
    assert "$$" not in text
