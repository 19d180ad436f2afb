"""The studies of several levels that docs/levels.md shows, at a small size: run, planned and drawn."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from command_line import answer

from asteroid.datasets import load_methanol
from asteroid.io.write import write_labels
from asteroid.labelling.cheap_methods import cheap_method
from study.tables.results import read_results
from sweeps.standing import error_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "levels.md").read_text(encoding="utf-8")
SMALL = {"budgets": [10, 15, 20], "seeds": [0, 1], "model": {"hidden": 8}}


def write_small(text: str, n_cheap: Mapping[str, list[int]], path: Path) -> None:
    """The study with fewer labels, seeds and steps."""
    study: dict[str, Any] = yaml.safe_load(text) | SMALL | {"n_cheap": n_cheap}
    for kind in ("identify", "pretrain", "residual"):
        if kind in study:
            study[kind] |= {"steps": 40, "warmup_steps": 5, "validations": 2}
    study["finetune"]["standard"] |= {"steps": 30, "warmup_steps": 5, "validations": 2}
    path.write_text(yaml.safe_dump(study), encoding="utf-8")


def test_two_cheap_methods_compete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frames = load_methanol().cheap.select(np.arange(7, 20_000, 150))
    method = cheap_method("gfn1-xtb")
    assert method is not None
    energy, forces = method(frames.numbers, frames.positions)
    seconds = np.full(len(frames), 0.002)
    write_labels(replace(frames, energy=energy, forces=forces, level="gfn1-xtb", cpu_s=seconds), "gfn1.npz")
    block = next(b for b in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "name: two_methods" in b)
    block = block.replace("level: gfn1-xtb}", "level: gfn1-xtb, price: 2ms}")
    write_small(block, {"gfn2-xtb": [60], "gfn1-xtb": [40]}, Path("two.yaml"))
    code, _, told = answer("run", "two.yaml", "--out", "run")
    assert code == 0, told
    table = read_results(Path("run"))
    both = table[table["strategy"].isin(["pretrain_finetune", "residual", "gdml_delta"])]
    assert set(both["cheap_level"]) == {"gfn2-xtb", "gfn1-xtb"}
    code, said, told = answer("plan", "run", "--target", "8 kcal/mol/A", "--confidence", "0.6")
    assert code == 0, told
    assert "GFN1-xTB" in said or "GFN2-xTB" in said
    assert any(line.startswith("gdml_delta gfn1-xtb") for line in error_lines(table))
    code, said, told = answer("status", "run")
    assert code == 0, told
    assert re.search(r"gfn2-xtb: \d+ labels assumed bought.*\n *gfn1-xtb: \d+ labels assumed bought", said)


def test_a_ladder_is_run_planned_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = resources.files("sweeps.presets").joinpath("ladder.yaml").read_text("utf-8")
    write_small(text, {"gfn2-xtb": [60], "mp2/cc-pvdz": [20]}, Path("ladder.yaml"))
    for words in (
        ("run", "ladder.yaml", "--out", "run"),
        ("report", "run", "--target", "8 kcal/mol/A"),
        ("plan", "run", "--target", "8 kcal/mol/A", "--confidence", "0.6", "--json"),
    ):
        code, said, told = answer(*words)
        assert code == 0, told
    assert json.loads(said)["promised"]
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert "(GFN2-xTB and MP2/cc-pVDZ)" in page, "the table of options names the levels"
