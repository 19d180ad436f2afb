"""The page about new parts does what it says: its blocks change a copy of the packages, and each part is used."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn_run import make_run
from tiny_sweep import SWEEP

from asteroid.datasets import load_methanol
from asteroid.units import KCAL_PER_MOL_EV

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
CALL = "import sys; from sweeps.cli import main; sys.argv[0] = 'asteroid-study'; main()"
HELPERS = ROOT / "tests" / "helpers"
#: Of the other figures PDF and PNG are not drawn.
ONLY_ITS_FIGURE = "import drawn_run, pytest; drawn_run.draw_only_svg(pytest.MonkeyPatch(), 'training_time'); "


def applied(page: str, root: Path) -> None:
    """Write the new files of a page and change the others; a block is for the file that was named last."""
    for prose, kind, block in re.findall(r"(.*?)```(python|diff)\n(.*?)```", page, re.DOTALL):
        named = re.findall(r"(?:New file|In)\s`([^`]+\.py)`:", prose)
        place = root / named[-1] if named else place  # noqa: F821 (a second change of the same file)
        if kind == "python" and named:
            assert not place.exists()
            place.write_text(block, encoding="utf-8")
        elif kind == "diff":
            lines = block.splitlines(keepends=True)
            before, after = ("".join(line[1:] for line in lines if line[0] in (" ", sign)) for sign in "-+")
            text = place.read_text(encoding="utf-8")
            assert text.count(before) == 1, f"{place.name} has changed: {before}"
            place.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages with all parts of the page; the packaged labels are linked."""
    root = tmp_path_factory.mktemp("extended")
    for package in ("asteroid", "study", "analysis", "sweeps"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    for labels in (ROOT / "asteroid" / "datasets").glob("*.npz"):
        (root / "asteroid" / "datasets" / labels.name).symlink_to(labels)
    applied(PAGE.partition("## How a price")[0], root)
    return root


def said(extended: Path, *words: str, before: str = "") -> str:
    """What a command of the extended packages prints; `before` are statements that run before it."""
    environment = {**os.environ, "PYTHONPATH": f"{extended}{os.pathsep}{HELPERS}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", before + CALL, *words],
        cwd=extended,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_model_and_a_strategy_train(extended: Path, tiny_labels: Path, tmp_path: Path) -> None:
    text = SWEEP + "residual: {steps: 18, learning_rate: 0.01, validations: 2}\n"
    for old, new in (
        ("cheap_only, pretrain_finetune, asteroid]", "finetune_residual]"),
        ("model: {hidden: 8}", "model: {architecture: linear}"),
        ("budgets: [10, 15]", "budgets: [10]"),
        ("seeds: [0, 1]", "seeds: [0]"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "sweep.yaml").write_text(text.replace("file: ", f"file: {tiny_labels}/"))
    said(extended, "run", str(tmp_path / "sweep.yaml"), "--out", str(tmp_path / "run"))
    table = pd.read_csv(tmp_path / "run" / "results.csv")
    assert (table["status"] == "ok").all()
    assert set(table["strategy"]) == {"accurate_only", "finetune_residual"}
    assert (table["cost_cheap_cpu_s"] > 0).tolist() == (table["strategy"] == "finetune_residual").tolist()
    specs = [json.loads(path.read_text())["spec"] for path in (tmp_path / "run" / "store").glob("*/stage.json")]
    assert {spec["model"]["architecture"] for spec in specs} == {"linear"}


def test_a_label_format_is_read(extended: Path, tmp_path: Path) -> None:
    labels = load_methanol().accurate.select(np.arange(12))
    assert labels.energy is not None
    assert labels.forces is not None
    content = {"z": labels.numbers, "R": labels.positions, "E": labels.energy / KCAL_PER_MOL_EV}
    content["F"] = labels.forces / KCAL_PER_MOL_EV
    (tmp_path / "methanol.zref").write_text(json.dumps({key: values.tolist() for key, values in content.items()}))
    out = said(extended, "convert", str(tmp_path / "methanol.zref"), str(tmp_path / "out.npz"), "--level", "mp2")
    assert "energies in kcal/mol, lengths in Angstrom, forces in kcal/mol/Angstrom: fixed by the format" in out
    with np.load(tmp_path / "out.npz") as written:
        np.testing.assert_allclose(written["E"], labels.energy, rtol=1e-12)


def test_a_figure_is_drawn(extended: Path, tmp_path: Path) -> None:
    out = said(extended, "plot", str(make_run(tmp_path / "run")), before=ONLY_ITS_FIGURE)
    assert "training_time: pdf, svg, png, csv" in out
    drawn = pd.read_csv(tmp_path / "run" / "figures" / "training_time.csv")
    assert len(drawn) == len(pd.read_csv(tmp_path / "run" / "results.csv"))


def test_a_command_is_listed_and_runs(extended: Path) -> None:
    assert re.search("strategies +Say what every strategy trains and buys.", said(extended, "--help"))
    lines = said(extended, "strategies", "--budget", "50").splitlines()
    assert "finetune_residual: pretrain, finetune, residual; 50 accurate labels" in lines


def test_the_price_is_the_one_that_the_page_says() -> None:
    (example,) = re.findall(r"## How a price.*?```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/extending.md", "exec"), {})


@pytest.mark.parametrize("section", re.findall(r"^## (.*)$", PAGE, re.MULTILINE))
def test_a_part_takes_few_lines(section: str) -> None:
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    written = []
    for kind, block in re.findall(r"```(python|diff)\n(.*?)```", text, re.DOTALL):
        lines = block.splitlines()
        written += lines if kind == "python" else [line[1:] for line in lines if line.startswith("+")]
    written = [line for line in written if line.strip() and not line.startswith(("import ", "from "))]
    assert 0 < len(written) <= 20
