"""The command `sample`: frames with prices that `label` can go on from, and one line for each mistake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from command_line import call, refused

from asteroid.io.read import read_labels
from asteroid.units import parse_seconds

if TYPE_CHECKING:
    from pathlib import Path


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
