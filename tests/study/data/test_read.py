from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from packaged_study import packaged
from two_level_files import accurate_arrays, arrays, cheap_arrays, load, methanol, refusal

from asteroid.errors import InputError
from study.config.label_files import DataSection
from study.data.read import read_section
from study.prices import LevelPrice

if TYPE_CHECKING:
    from pathlib import Path


def test_prices_and_temperature_from_the_card_of_a_file(tmp_path: Path) -> None:
    card = {"price_cpu_s": 0.7, "sampling_price_cpu_s_per_frame": 0.2, "temperature_k": 450.0}
    (tmp_path / "cheap.meta.json").write_text(json.dumps(card))
    found = load(tmp_path, cheap_entry="level: gfn2-xtb")
    assert found.prices.levels["gfn2-xtb"] == LevelPrice(0.7, "cheap.meta.json", 0.2)
    assert found.cheap[0].temperature_k == 450
    stated = load(tmp_path, cheap_entry="level: gfn2-xtb, price: 3s, temperature_k: 300")
    assert stated.prices.levels["gfn2-xtb"].label_cpu_s == 3, "the sweep file comes first"
    assert stated.cheap[0].temperature_k == 300
    for wrong in ("12 s", -1, float("nan"), True):
        (tmp_path / "cheap.meta.json").write_text(json.dumps(card | {"price_cpu_s": wrong}))
        assert "price_cpu_s in cheap.meta.json must be a number" in refusal(tmp_path, cheap_entry="level: gfn2-xtb")


def test_prices_of_files_and_their_override(tmp_path: Path) -> None:
    levels = load(tmp_path).prices.levels
    assert levels["ccsd_t/cc-pvdz"] == LevelPrice(28.0, "sweep file")
    assert levels["gfn2-xtb"] == LevelPrice(0.002, "sweep file", 0.05)
    levels = load(tmp_path, prices="{CCSD(T)/cc-pVDZ: 1 h}").prices.levels
    assert levels["ccsd_t/cc-pvdz"].label_cpu_s == 3600.0
    assert levels["gfn2-xtb"].label_cpu_s == 0.002


def test_the_sweep_file_goes_before_the_data_card() -> None:
    card = packaged().prices
    changed = packaged(", prices: {gfn2-xtb: 7 ms}").prices
    assert card.levels["ccsd_t/cc-pvdz"].label_cpu_s == 28.0
    assert card.levels["gfn2-xtb"].source != "sweep file"
    assert changed.levels["gfn2-xtb"].label_cpu_s == 0.007
    assert changed.levels["gfn2-xtb"].source == "sweep file"
    assert changed.levels["gfn2-xtb"].sampling_cpu_s == card.levels["gfn2-xtb"].sampling_cpu_s > 0
    assert changed.levels["ccsd_t/cc-pvdz"] == card.levels["ccsd_t/cc-pvdz"]


def test_the_packaged_set() -> None:
    data = packaged(budgets="[1025]", n_cheap="[13975]")
    assert (len(data.test), len(data.pool), len(data.cheap[0].pool)) == (335, 1025, 13_975)
    json.dumps(data.card_json, allow_nan=False)
    for changes, words in (
        ({"budgets": "[1026]"}, "budgets: 1026 is larger than the pool: the largest possible is 1025"),
        ({"n_cheap": "[13976]"}, "n_cheap: 13976 is larger than the pool: the largest possible is 13975"),
    ):
        with pytest.raises(InputError, match=words):
            packaged(**changes)


def test_a_file_beside_the_packaged_set_keeps_its_rule_of_selection(tmp_path: Path) -> None:
    frames = methanol().cheap.select(np.arange(0, 20_000, 500))
    np.savez(tmp_path / "mp2.npz", **arrays(frames, np.arange(len(frames))))
    (tmp_path / "mp2.meta.json").write_text(json.dumps({"selection_rule": "farthest"}))
    entry = {"file": tmp_path / "mp2.npz", "level": "pbe/def2-svp", "energy_unit": "eV", "length_unit": "Angstrom"}
    section = DataSection(dataset="methanol", cheap=["gfn2-xtb", {**entry, "price": 1.0}])
    read = read_section(section)
    assert read.card_json["selection_rules"] == {"pbe/def2-svp": "farthest"}
    assert read.is_farthest("pbe/def2-svp")
    assert not read.is_farthest("gfn2-xtb")


def test_files_of_two_levels_are_of_one_charge_and_spin(tmp_path: Path) -> None:
    accurate, cheap = accurate_arrays(), cheap_arrays()
    wrong = refusal(tmp_path, accurate | {"charge": np.array(1)}, cheap | {"charge": np.array(0)})
    assert "found charge +1 in accurate.npz and charge +0 in cheap.npz" in wrong
    wrong = refusal(tmp_path, accurate | {"multiplicity": np.array(3)}, cheap | {"spin": np.array(0)})
    assert "levels must be of one molecule" in wrong
    load(tmp_path, accurate | {"charge": np.array(0), "spin": np.array(1)}, cheap | {"multiplicity": np.array(1)})
