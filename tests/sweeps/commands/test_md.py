"""The command `md`: a short trajectory, what is said of it, mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from command_line import answer, refused
from exported_folder import write_model

if TYPE_CHECKING:
    from pathlib import Path


def test_a_short_trajectory(tmp_path: Path) -> None:
    model = write_model(tmp_path)
    words = ("md", str(model), "--start", str(tmp_path / "geometry.xyz"), "--out", str(tmp_path / "md"), "--nve")
    short = ("--time", "10fs", "--every", "1fs", "--equilibration", "0fs", "--timestep", "0.1fs")
    code, said, err = answer(*words, *short, "--temperature", "1")
    assert code == 0
    assert said.splitlines()[0 if said.startswith("complete") else 1].startswith("complete: 0.01 ps, 10 frames")
    assert "energy drift: " in said
    assert "largest force error expected: " in said
    assert ("leaves the training data" in err) == ("100.0% of the frames" in said)
    assert (tmp_path / "md" / "summary.json").exists()


def test_mistakes(tmp_path: Path) -> None:
    words = ("md", write_model(tmp_path), "--start", tmp_path / "geometry.xyz", "--out", tmp_path / "md")
    assert "--on-outside is warn or stop" in refused(*words, "--on-outside", "halt")
    assert "--time is a time in fs, ps or ns" in refused(*words, "--time", "100")
    assert "--temperature must be positive" in refused(*words, "--temperature", "-3")
