"""The command `export`: a run's row or a plan's, a purchase, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from command_line import answer, refused
from exported_methanol import frames

from asteroid.deploy.calculator import asteroid_model

if TYPE_CHECKING:
    from pathlib import Path


def test_a_row_of_a_run(tiny_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    code, said, _ = answer("export", str(tiny_run), "--out", str(out), "--strategy", "accurate_only", "--budget", "10")
    assert code == 0
    assert said.splitlines()[0] == "Level: ccsd_t/cc-pvdz"
    assert "Trained on: 10 labels of ccsd_t/cc-pvdz" in said
    assert said.endswith(f"model: {out}; card: {out / 'card.md'}\n")
    card = (out / "card.md").read_text()
    assert "asteroid_model(" in card
    field = asteroid_model(out).force_field
    assert field.predict(frames().numbers, frames().positions[:1])[0].shape == (1,)


def test_mistakes(tiny_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    assert "no finished row with strategy gdml" in refused("export", tiny_run, "--out", out, "--strategy", "gdml")
    both = ("--plan", "0.3 kcal/mol/A", "--budget", "10")
    assert "found a further choice" in refused("export", tiny_run, "--out", out, *both)
    assert "promises" in refused("export", tiny_run, "--out", out, "--plan", "0.001 kcal/mol/A")
    assert "manifest.json is needed" in refused("export", tmp_path, "--out", out)
    assert not out.exists()


def test_nothing_is_overwritten_but_models(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("")
    assert "folder of its own" in refused("export", tiny_run, "--out", tmp_path, "--strategy", "accurate_only")
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
