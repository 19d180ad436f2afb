"""The command `check`: counts, labels, times; nothing is written."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from command_line import answer

if TYPE_CHECKING:
    from pathlib import Path


def test_check_says_what_a_run_will_do_and_writes_nothing(
    tiny_labels: Path, tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tiny_labels.rglob("*")}
    code, out, err = answer("check", str(tiny_labels / "sweep.yaml"), "--workers", "2")
    assert (code, err) == (0, "")
    assert "ccsd_t/cc-pvdz: 80 frames from accurate.npz" in out, "the data card"
    assert "14 rows: 26 stages requested, 18 distinct, trained in 4 packs" in out
    assert "identify: 4 in 1, pretrain: 6 in 2, finetune: 8 in 1" in out
    assert re.search(r"ccsd_t/cc-pvdz: \d+ labels assumed bought, .* of CPU", out)
    assert re.search(r"training: [\d.e-]+ core-hours, .* on 2 workers", out)
    assert re.search(r"memory: about .*; disk: \d+ MiB", out)
    assert not list(tmp_path.iterdir())
    shutil.copytree(tiny_run / "store", tmp_path / "stages")
    code, out, _ = answer("check", str(tiny_labels / "sweep.yaml"), "--store", str(tmp_path / "stages"))
    assert code == 0
    assert "18 of 18 stages are there already" in out
    assert "training: 0 core-hours" in out
    assert {p: p.stat().st_mtime_ns for p in tiny_labels.rglob("*")} == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["quickstrat"], "did you mean 'quickstart'"),
        (["{labels}/sweep.yaml", "--store", "{labels}"], "--store must be new or hold finished stages only"),
        (["{labels}/wrong.yaml"], "the largest possible is 60"),
    ],
)
def test_mistakes_get_one_line(tiny_labels: Path, tmp_path: Path, words: list[str], says: str) -> None:
    labels = shutil.copytree(tiny_labels, tmp_path / "labels")
    text = (labels / "sweep.yaml").read_text()
    (labels / "wrong.yaml").write_text(text.replace("budgets: [10, 15]", "budgets: [10, 1500]"))
    code, out, err = answer("check", *(word.format(labels=labels) for word in words))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert says in err
