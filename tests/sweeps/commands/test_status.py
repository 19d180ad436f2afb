"""The command `status`: stages, labels and what sharing saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from command_line import answer, refused

if TYPE_CHECKING:
    from pathlib import Path


def test_status_counts_stages(tiny_run: Path) -> None:
    code, out, _ = answer("status", str(tiny_run))
    assert code == 0
    assert "18/18 stages" in out
    # 2 seeds x (2 identify + 1 pretrain + 2 x 2 pretrain_finetune + 2 x 3 asteroid); equal ones are one.
    assert "26 stages requested by rows and trials, 18 distinct, 18 trained here; " in out
    assert "labels assumed bought" in out


def test_an_unfinished_run_is_told_how_to_go_on(tiny_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "a run"
    run.mkdir()
    manifest = (tiny_run / "manifest.json").read_text()
    (run / "manifest.json").write_text(manifest.replace('"status": "complete"', '"status": "running"'))
    code, out, _ = answer("status", str(run))
    assert code == 0
    assert "0/18 stages finished" in out
    assert f"to go on: asteroid-study run '{run}/sweep.yaml' --out '{run}'" in out


def test_no_run_there(tmp_path: Path) -> None:
    assert "manifest.json" in refused("status", tmp_path)
