from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from two_level_files import ACCURATE, CHEAP, accurate_arrays, cheap_arrays, join, load, refusal, rotated, take

from asteroid.checks.guards import Checked
from asteroid.errors import InputError
from asteroid.labels.matching import match_geometries
from study.config.sweep_text import parse_sweep
from study.data.load import load_data

if TYPE_CHECKING:
    from pathlib import Path


def test_gradients_are_refused_by_name_and_can_be_declared(tmp_path: Path) -> None:
    given = {**cheap_arrays(), "F": -cheap_arrays()["F"]}
    assert "forces_are: gradients" in refusal(tmp_path, cheap=given)
    assert len(load(tmp_path, cheap=given, cheap_entry=f"{CHEAP}, forces_are: gradients").cheap[0].pool) == 120


@pytest.mark.parametrize("turn", [False, True])
def test_duplicates_can_be_dropped_and_the_leak_with_them(tmp_path: Path, turn: bool) -> None:
    planted = take(accurate_arrays(), slice(50, 52))
    planted = {**(rotated(planted, 3) if turn else planted), "replica": np.zeros(2, dtype=np.int64)}
    data = load(tmp_path, join(accurate_arrays(), planted), accurate_entry=f"{ACCURATE}, duplicates: drop")
    assert (len(data.test), len(data.pool)) == (15, 45)
    assert len(match_geometries(data.pool, data.test)[0]) == 0
    assert any("2 duplicate frames dropped" in line for line in data.card)


def test_leaks_are_refused_even_where_the_other_guards_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = {**rotated(take(accurate_arrays(), slice(50, 51)), 4), "replica": np.zeros(1, dtype=np.int64)}
    with monkeypatch.context() as broken:
        broken.setattr("study.data.label_sources.check_labels", lambda *_, **__: Checked(None, None, ()))
        message = refusal(tmp_path, join(accurate_arrays(), planted))
        assert (
            "no test geometry may be among the pool of accurate labels, found 1 (frame 60 = test frame 50)" in message
        )
    with monkeypatch.context() as broken:
        broken.setattr("study.data.roles.cheap_pool_rows", lambda cheap, *_, **__: np.arange(len(cheap)))
        message = refusal(tmp_path, cheap=join(cheap_arrays(), planted))
        assert "no test geometry may be among cheap frames, found" in message
        assert "160 = test" in message  # the planted one, by its place in the file
        assert "remove them" in message


def test_labels_that_were_not_drawn_at_random_say_so(tmp_path: Path) -> None:
    plain = load(tmp_path)
    assert plain.card_json["selection_rules"] == {}
    assert "farthest" not in "\n".join(plain.card)
    units = {"units": {"R": "Angstrom", "E": "eV"}}
    (tmp_path / "accurate.meta.json").write_text(json.dumps(units | {"selection_rule": "farthest"}))
    found = load(tmp_path)
    assert found.card_json["selection_rules"] == {"ccsd_t/cc-pvdz": "farthest"}
    assert [checked["selection_rule"] for checked in found.card_json["checked"]] == ["farthest", None]
    assert sum("selection: farthest-point sampling, not at random" in line for line in found.card) == 1
    assert sum("the test labels were chosen by farthest-point sampling" in line for line in found.card) == 1
    json.dumps(found.card_json)
    (tmp_path / "cheap.meta.json").write_text(json.dumps({"selection_rule": "farthest"}))
    (tmp_path / "accurate.meta.json").write_text(json.dumps(units | {"selection_rule": "random"}))
    found = load(tmp_path)
    assert found.card_json["selection_rules"] == {"ccsd_t/cc-pvdz": "random", "gfn2-xtb": "farthest"}
    assert sum("farthest" in line for line in found.card) == 1, "test labels are drawn at random"
    (tmp_path / "cheap.meta.json").write_text(json.dumps({"selection_rule": "best"}))
    assert "must be all, random or farthest" in refusal(tmp_path)


def test_frames_that_were_spread_out_hold_no_forces(tmp_path: Path) -> None:
    """How often geometries occur says nothing where rare ones were preferred."""
    np.savez(tmp_path / "accurate.npz", **accurate_arrays())
    np.savez(tmp_path / "cheap.npz", **cheap_arrays())
    units = "energy_unit: eV, length_unit: Angstrom, group_key: replica"
    text = f"""
name: unlabelled
data:
  accurate: {{file: accurate.npz, {units}, {ACCURATE}}}
  cheap: {{file: cheap.npz, {units}, {CHEAP}, temperature_k: 500}}
test: {{groups: [3]}}
strategies: [asteroid_unlabelled]
budgets: [10]
n_cheap: [40]
seeds: [0]
identify: {{steps: 20, learning_rate: 0.01, validations: 2}}
score_match: {{steps: 16, learning_rate: 0.01, validations: 2, probes: 2}}
finetune:
  standard: {{steps: 20, learning_rate: 0.002, validations: 2}}
"""
    load_data(parse_sweep(text, "sweep.yaml", tmp_path))
    (tmp_path / "cheap.meta.json").write_text(json.dumps({"selection_rule": "farthest"}))
    with pytest.raises(InputError, match="which undoes that: leave the strategy out") as caught:
        load_data(parse_sweep(text, "sweep.yaml", tmp_path))
    assert "\n" not in str(caught.value)
