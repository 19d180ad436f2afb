"""The command `label`: what it writes, prints and refuses, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from command_line import call, refused

from asteroid.io.read import read_labels
from asteroid.io.selection_rule import selection_rule_of
from asteroid.labelling import levels as labelling_levels

if TYPE_CHECKING:
    from pathlib import Path


def test_farthest_frames_are_recorded_and_stay_so(water: Path, tmp_path: Path) -> None:
    words = ["label", water / "frames.xyz", "--level", "uff", "--out", tmp_path / "spread.npz", "--select", "farthest"]
    result = call(*words, "--n", 3)
    assert result.exit_code == 0, result.output
    assert result.output.count("chosen by farthest-point sampling") == 1
    few = read_labels(tmp_path / "spread.npz").labels
    assert call(*words, "--n", 5).exit_code == 0
    assert set(few.frame_id) < set(read_labels(tmp_path / "spread.npz").labels.frame_id)
    card = json.loads((tmp_path / "spread.meta.json").read_text())
    assert card["selection_rule"] == "farthest"
    assert card["selection"].startswith("farthest-point sampling in sorted pair distances")
    assert "another selection rule (farthest, now random)" in refused(*words[:-2], "--n", 5)
    assert "--select is random or farthest, found 'fps'" in refused(*words[:-1], "fps", "--n", 5)
    assert "no seed, found --seed 1" in refused(*words, "--n", 5, "--seed", 1)

    # The choice stays with the geometries: labelled again at another level, or converted to another file.
    again = ["label", tmp_path / "spread.npz", "--level", "mmff94", "--calculator", "ase.calculators.emt:EMT"]
    result = call(*again, "--out", tmp_path / "again.extxyz")
    assert result.exit_code == 0, result.output
    card = json.loads((tmp_path / "again.meta.json").read_text())
    assert card["selection_rule"] == "farthest"
    assert card["selection"] == (
        "all geometries; the geometries of spread.npz were chosen by farthest-point sampling themselves"
    )
    result = call("convert", tmp_path / "spread.npz", tmp_path / "moved.extxyz")
    assert result.exit_code == 0, result.output
    assert "selection: farthest-point sampling, not at random" in result.output
    assert call("convert", tmp_path / "moved.extxyz", tmp_path / "back.npz").exit_code == 0
    assert selection_rule_of(tmp_path / "back.npz") == "farthest"

    assert call(*words).exit_code == 0
    card = json.loads((tmp_path / "spread.meta.json").read_text())
    assert (card["selection_rule"], card["selection"], card["N"]) == ("all", "all geometries", 12)


def test_a_sum_of_levels_says_how_its_parts_were_computed(water: Path, tmp_path: Path) -> None:
    level = "hf/sto-3g + gfn2-xtb - uff"
    words = ["label", water / "frames.xyz", "--level", level, "--n", 2]
    for name in ("sum.npz", "sum.extxyz"):
        result = call(*words, "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
        assert f"--price '{level}=" in result.output
        labels = read_labels(tmp_path / name).labels
        assert (labels.level, len(labels)) == (level, 2)
        card = json.loads((tmp_path / "sum.meta.json").read_text())
        assert card["code"] == "pyscf, tblite, rdkit"
        assert {"pyscf_version", "tblite_version", "rdkit_version"} < set(card)
        assert card["parts"]["hf/sto-3g"]["scf_tol"] == 1e-10
    assert "blanks around + and -" in refused(*words[:3], "hf/sto-3g+hf/3-21g", "--out", tmp_path / "other.npz")


def test_failures_have_a_file_of_their_own(water: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fussy_calc.py").write_text(
        "from ase.calculators.emt import EMT\n"
        "class Fussy(EMT):\n"
        "    calls = 0\n"
        "    def calculate(self, *args, **kwargs):\n"
        "        Fussy.calls += 1\n"
        "        if Fussy.calls % 3 == 0:\n"
        "            raise ValueError('not this one')\n"
        "        super().calculate(*args, **kwargs)\n"
    )
    monkeypatch.chdir(tmp_path)
    words = ["label", water / "frames.xyz", "--level", "emt/mine", "--calculator", "fussy_calc:Fussy"]
    result = call(*words, "--out", tmp_path / "emt.extxyz")
    assert result.exit_code == 0, result.output
    assert "4 geometries without a label" in result.output
    assert "4 failed" not in result.output.splitlines()[0]
    lines = (tmp_path / "emt.failures.csv").read_text().splitlines()
    assert len(lines) == 5
    assert all("ValueError: not this one" in line for line in lines[1:])
    labels = read_labels(tmp_path / "emt.extxyz").labels
    assert len(labels) == 8
    assert not {int(line.split(",")[0]) for line in lines[1:]} & set(labels.frame_id.tolist())


def test_mistakes_of_label(water: Path, tmp_path: Path) -> None:
    frames, out = water / "frames.xyz", tmp_path / "out.npz"
    assert "did you mean gfn2-xtb" in refused("label", frames, "--level", "gfn2", "--out", out)
    assert "did you mean cc-pvdz" in refused("label", frames, "--level", "hf/ccpvdx", "--out", out)
    assert "largest possible is 12" in refused("label", frames, "--level", "uff", "--n", 13, "--out", out)
    assert "odd number" in refused("label", frames, "--level", "hf/sto-3g", "--charge", 1, "--out", out)
    assert "choose such an ending" in refused("label", frames, "--level", "uff", "--out", tmp_path / "out.csv")
    assert "found no file" in refused("label", tmp_path / "no.xyz", "--level", "uff", "--out", out)
    assert "for both" in refused("label", frames, "--level", "uff", "--out", frames)
    assert "cannot be imported" in refused("label", frames, "--level", "x", "--calculator", "nope:make", "--out", out)
    said = refused("label", frames, "--level", "hf/sto-3g", "--max-cycle", 2, "--out", out)
    assert "all of the first 5 labels at hf/sto-3g failed" in said
    assert not out.exists()
    assert "another max cycle (2, now 100)" in refused("label", frames, "--level", "hf/sto-3g", "--out", out)
    assert call("label", frames, "--level", "uff", "--n", 0, "--out", out).exit_code == 2


@pytest.mark.parametrize("level", ["uff", "gfn2-xtb", "ccsd_t/cc-pvdz"])
def test_without_the_extra(level: str, water: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling_levels, "find_spec", lambda _: None)
    for words in (
        ("label", water / "frames.xyz", "--level", level, "--out", tmp_path / "l.npz"),
        ("sample", water / "water.xyz", "--level", level, "--temperature", 300, "--out", tmp_path / "s.npz"),
        ("calibrate", water / "water.xyz", "--levels", level),
    ):
        assert 'pip install "asteroid-study[labels]"' in refused(*words)


def test_ctrl_c_and_a_kill_name_the_command_that_goes_on(water: Path, tmp_path: Path) -> None:
    (tmp_path / "slow_calc.py").write_text(
        "import time\nfrom ase.calculators.emt import EMT\n"
        "class Slow(EMT):\n    def calculate(self, *args):\n        time.sleep(0.3)\n        super().calculate(*args)\n"
    )
    words = ["label", str(water / "frames.xyz"), "--level", "emt", "--calculator", "slow_calc:Slow", "--out", "l.npz"]
    for number, wanted in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        driver = subprocess.Popen(
            [sys.executable, "-m", "sweeps", *words],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        before = len(list((tmp_path / "l.work").glob("[!.j]*.json")))
        until = time.monotonic() + 60
        while len(list((tmp_path / "l.work").glob("[!.j]*.json"))) < before + 2 and time.monotonic() < until:
            time.sleep(0.02)
        driver.send_signal(number)
        said, _ = driver.communicate()
        assert driver.returncode == wanted, said
        assert "Traceback" not in said
    assert said.strip().endswith(f"to go on: asteroid-study {' '.join(words)}")
    assert not (tmp_path / "l.npz").exists()
    subprocess.run([sys.executable, "-m", "sweeps", *words], cwd=tmp_path, check=True, capture_output=True)
    assert len(read_labels(tmp_path / "l.npz").labels) == 12
