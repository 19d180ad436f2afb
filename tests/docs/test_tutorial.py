"""The tutorial runs as written: its commands and files, taken from the page, at a smaller size.

Numbers are replaced one by one, and each must be on the page, so that the page cannot change behind this test.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from asteroid.io.read import read_labels
from study.tables.results import read_results
from sweeps.cli import app

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
#: What makes the page small enough for a test; everything else stays as it is.
SMALLER = {
    "ccsd_t/6-31g": "mp2/sto-3g",
    "--frames 1000": "--frames 80",
    "--equilibration 3ps": "--equilibration 0.05ps",
    "--every 10fs": "--every 4fs",
    "--workers 2": "--workers 1",
    "n_cheap: [1000]": "n_cheap: [80]",
    "seeds: [0, 1, 2]": "seeds: [0, 1]",
    "identify: {steps: 2000,": "identify: {steps: 60,",
    "pretrain: {steps: 3000,": "pretrain: {steps: 60,",
    "level: ccsd_t/cc-pvdz": "level: hf/sto-3g",
    '"0.1 kcal/mol/A"': '"200 kcal/mol/A"',
    "candidates: 500 ": "candidates: 60 ",
    "[accurate_only, pretrain_finetune, residual, gdml_delta]": "[accurate_only, pretrain_finetune]",
    "n_cheap: [3000]": "n_cheap: [80]",
    "identify: {steps: 3000,": "identify: {steps: 30,",
    "pretrain: {steps: 4000,": "pretrain: {steps: 60,",
    "standard: {steps: 1500,": "standard: {steps: 20,",
    "thioformaldehyde.xyz --levels gfn2-xtb,ccsd_t/cc-pvdz": "thioformaldehyde.xyz --levels gfn2-xtb,hf/sto-3g",
    "standard: {steps: 1000,": "standard: {steps: 30,",
    "budgets: [5, 7, 9, 12]": "budgets: [5, 6, 7, 8]",
}


def small_page() -> str:
    page = PAGE
    for text, smaller in SMALLER.items():
        assert text in page, f"{text!r} is no longer in the tutorial"
        page = page.replace(text, smaller)
    return page


def commands(page: str) -> list[list[str]]:
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert all(line.startswith("asteroid-study ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


def files(page: str) -> dict[str, str]:
    return dict(re.findall(r"Save as `([^`]+)`[^`]*?```\w+\n(.*?)```", page, re.DOTALL))


def test_the_page_has_all_steps() -> None:
    assert [words[0] for words in commands(PAGE)] == [
        "calibrate",
        "sample",
        "buy",
        "calibrate",
        "sample",
        "label",
        "check",
        "run",
        "plan",
        "plan",
        "plan",
    ]
    assert set(files(PAGE)) == {"thioformaldehyde.xyz", "thioformaldehyde.yaml", "methanol.xyz", "methanol.yaml"}
    assert "--n 30 " in PAGE
    assert "cc-pvdz" in PAGE


def test_the_tutorial_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = small_page()
    for name, content in files(page).items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    said = []
    for words in commands(page):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, f"{words}: {result.output}"
        said.append(result.output)
    labels = read_labels(tmp_path / "labels.npz").labels
    assert (len(labels), labels.level) == (30, "mp2/sto-3g")
    bought = tmp_path / "thioformaldehyde"
    assert len(read_labels(bought / "labels.npz").labels) == 16
    assert (bought / "model" / "weights.safetensors").is_file()
    assert "asked for: 0.90" in (bought / "certificate.txt").read_text()
    pool = read_labels(tmp_path / "pool.npz").labels
    assert len(pool) == 240
    table = read_results(tmp_path / "run")
    assert (table["status"] == "ok").all()
    assert set(table["strategy"]) == {"accurate_only", "cheap_only", "pretrain_finetune"}
    assert "Cannot be promised" in said[-1], "60 steps of training are no force field"
