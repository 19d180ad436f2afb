"""The commands `sample`, `label` and `calibrate`: what they write, print and refuse, each mistake in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule
from ase.io import write
from typer.testing import CliRunner

from asteroid.io.read import read_labels
from asteroid.io.selection_rule import selection_rule_of
from asteroid.labelling import levels as labelling_levels
from asteroid.units import parse_seconds
from sweeps.cli import app

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words: object) -> str:
    result = call(*words)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    line = result.output.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert result.output.count("error: ") == 1
    return line


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("water")
    write(folder / "water.xyz", molecule("H2O"))
    write(folder / "ethanol.xyz", molecule("CH3CH2OH"))
    frames = []
    for seed in range(12):
        frames.append(molecule("H2O"))
        frames[-1].rattle(0.05, seed=seed)
    write(folder / "frames.xyz", frames)
    return folder


def test_sample_then_label(water: Path, tmp_path: Path) -> None:
    sampled = ["sample", water / "water.xyz", "--temperature", 300, "--replicas", 2, "--frames", 6]
    sampled += ["--every", "5fs", "--equilibration", "20 fs", "--out", tmp_path / "pool.npz"]
    result = call(*sampled)
    assert result.exit_code == 0, result.output
    card = json.loads((tmp_path / "pool.meta.json").read_text())
    assert (card["level"], card["temperature_k"], card["every_steps"]) == ("gfn2-xtb", 300.0, 10)
    assert card["sampling_price_cpu_s_per_frame"] == pytest.approx(card["md_step_cpu_s"] * (40 + 60) / 6)
    pool = read_labels(tmp_path / "pool.npz").labels
    assert pool.group is not None
    assert pool.group.tolist() == [0] * 6 + [1] * 6
    price, sampling = (
        part.split(",")[0] for part in result.output.split("in a sweep file: price: ")[1].split(" sampling_price: ")
    )
    assert parse_seconds(price) == pytest.approx(card["price_cpu_s"], rel=0.01)
    assert parse_seconds(sampling) == pytest.approx(card["sampling_price_cpu_s_per_frame"], rel=0.01)

    words = ["label", tmp_path / "pool.npz", "--level", "HF/STO-3G", "--out", tmp_path / "labels.npz"]
    assert call(*words, "--n", 3).exit_code == 0
    few = read_labels(tmp_path / "labels.npz")
    result = call(*words, "--n", 7)
    assert result.exit_code == 0, result.output
    assert "3 found finished" in result.output
    many = read_labels(tmp_path / "labels.npz")
    assert "declared in labels.meta.json" in many.units
    assert set(few.labels.frame_id) < set(many.labels.frame_id)
    rows = many.labels.frame_id
    np.testing.assert_array_equal(many.labels.positions, pool.positions[rows])
    np.testing.assert_array_equal(many.labels.group, pool.group[rows])
    card = json.loads((tmp_path / "labels.meta.json").read_text())
    assert (card["level"], card["N"], card["failures"], card["code"]) == ("hf/sto-3g", 7, 0, "pyscf")
    assert card["price_cpu_s"] == pytest.approx(np.median(many.labels.cpu_s))
    assert not list(tmp_path.glob(".*"))


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
    assert "--out such an ending" in refused("label", frames, "--level", "uff", "--out", tmp_path / "out.csv")
    assert "found no file" in refused("label", tmp_path / "no.xyz", "--level", "uff", "--out", out)
    assert "for both" in refused("label", frames, "--level", "uff", "--out", frames)
    assert "cannot be imported" in refused("label", frames, "--level", "x", "--calculator", "nope:make", "--out", out)
    said = refused("label", frames, "--level", "hf/sto-3g", "--max-cycle", 2, "--out", out)
    assert "all of the first 5 labels at hf/sto-3g failed" in said
    assert not out.exists()
    assert "another max cycle (2, now 100)" in refused("label", frames, "--level", "hf/sto-3g", "--out", out)
    assert call("label", frames, "--level", "uff", "--n", 0, "--out", out).exit_code == 2


def test_mistakes_of_sample(water: Path, tmp_path: Path) -> None:
    words = ["sample", water / "water.xyz", "--out", tmp_path / "pool.npz"]
    assert "whole number of time steps" in refused(*words, "--temperature", 300, "--every", "0.7fs")
    assert "found '10'" in refused(*words, "--temperature", 300, "--every", 10)
    assert "--temperature must be positive" in refused(*words, "--temperature", 0)
    assert "--friction must be positive" in refused(*words, "--temperature", 300, "--friction", 0)
    assert "must be positive" in refused(*words, "--temperature", 300, "--timestep", "0fs")
    coarse = refused(*words, "--temperature", 300, "--timestep", "10fs", "--every", "100fs")
    assert "without a label" in coarse or "K, more than" in coarse or "fallen apart" in coarse
    hot = refused(*words[:-1], tmp_path / "hot.npz", "--temperature", 9000, "--frames", 5000, "--equilibration", "0fs")
    assert "fallen apart" in hot or "K, more than" in hot or "without a label" in hot


@pytest.mark.parametrize("level", ["uff", "gfn2-xtb", "ccsd_t/cc-pvdz"])
def test_without_the_extra(level: str, water: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling_levels, "find_spec", lambda _: None)
    for words in (
        ("label", water / "frames.xyz", "--level", level, "--out", tmp_path / "l.npz"),
        ("sample", water / "water.xyz", "--level", level, "--temperature", 300, "--out", tmp_path / "s.npz"),
        ("calibrate", water / "water.xyz", "--levels", level),
    ):
        assert 'pip install "asteroid-study[labels]"' in refused(*words)


def test_calibrate(water: Path) -> None:
    words = ["calibrate", water / "water.xyz", "--levels", "uff,GFN2-xTB,hf/sto-3g", "--larger", water / "ethanol.xyz"]
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    told = json.loads(result.stdout)
    assert list(told["levels"]) == ["uff", "gfn2-xtb", "hf/sto-3g"]
    times = [row["cpu_s"] for row in told["levels"].values()]
    assert times == sorted(times)
    assert [row["basis_functions"] for row in told["levels"].values()] == [3, 6, 7]
    assert parse_seconds(told["prices"]["hf/sto-3g"]) == pytest.approx(times[2], rel=0.01)
    assert told["options"][2] == f"--price hf/sto-3g={told['prices']['hf/sto-3g']}"
    assert "scenario" in told["scenario"]["kind"]
    there = told["scenario"]["levels"]["hf/sto-3g"]
    assert there["basis_functions"] == 21
    assert there["cpu_s"] == pytest.approx(times[2] * 3**4)
    shown = call(*words)
    assert shown.exit_code == 0
    assert "scenario for ethanol.xyz" in shown.output
    assert "prices: {uff: " in shown.output
    alone = call(*words[:4])
    assert "scenario" not in alone.output


def test_mistakes_of_calibrate(water: Path) -> None:
    assert "at least one level" in refused("calibrate", water / "water.xyz", "--levels", " , ")
    assert "did you mean mp2/cc-pvdz" in refused("calibrate", water / "water.xyz", "--levels", "uff,mp/cc-pvdz")
    assert "odd number" in refused("calibrate", water / "water.xyz", "--levels", "hf/sto-3g", "--charge", 1)


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
