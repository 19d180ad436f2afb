"""The command `calibrate`: times, prices to copy, a scenario, and one line for each mistake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from command_line import call, refused
from typer.testing import CliRunner

from asteroid.units import parse_seconds
from sweeps.cli import app

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_sum_of_levels_is_listed_with_its_parts(water: Path) -> None:
    levels = "HF/(6-31G(d,p) - STO-3G) + ase.calculators.emt:EMT"
    words = [
        "calibrate",
        water / "water.xyz",
        "--levels",
        levels,
        "--larger",
    ]
    shown = call(*words, water / "ethanol.xyz")
    assert shown.exit_code == 0, shown.output
    assert "its parts" in shown.output
    assert "--price 'hf/6-31g_d_p - hf/sto-3g + ase.calculators.emt:EMT=" in shown.output
    told = json.loads(CliRunner().invoke(app, [*map(str, words[:4]), "--json"]).stdout)
    (row,) = told["levels"].values()
    assert list(row["parts"]) == ["hf/6-31g_d_p", "hf/sto-3g", "ase.calculators.emt:EMT"]
    assert row["cpu_s"] == pytest.approx(sum(row["parts"].values()))
    assert row["formal_exponent"] is None
    assert "one more level with +" in refused(*words[:3], "mp2/cc-pvtz + mp2/cc-pvdz")


def test_mistakes_of_calibrate(water: Path) -> None:
    assert "at least one level" in refused("calibrate", water / "water.xyz", "--levels", " , ")
    assert "did you mean mp2/cc-pvdz" in refused("calibrate", water / "water.xyz", "--levels", "uff,mp/cc-pvdz")
    assert "odd number" in refused("calibrate", water / "water.xyz", "--levels", "hf/sto-3g", "--charge", 1)
