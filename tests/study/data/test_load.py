from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from two_level_files import ACCURATE, CHEAP, accurate_arrays, cheap_arrays, join, load, methanol, refusal, rotated, take

from asteroid.checks.guards import Checked
from asteroid.errors import InputError
from asteroid.labels.matching import match_geometries
from study.config.sweep import parse_sweep
from study.data.load import StudyData, load_data
from study.prices import LevelPrice


def packaged(extra: str = "", *, budgets: str = "[20]", n_cheap: str = "[500]", test: str = "groups: [3]") -> StudyData:
    text = f"""
name: packaged
data: {{dataset: methanol{extra}}}
test: {{{test}}}
strategies: [accurate_only, cheap_only]
budgets: {budgets}
n_cheap: {n_cheap}
seeds: [0]
identify: {{steps: 100, learning_rate: 0.01}}
pretrain: {{steps: 100, learning_rate: 0.01}}
"""
    return load_data(parse_sweep(text, "sweep.yaml", Path()))


def test_roles_of_two_files(tmp_path: Path) -> None:
    data = load(tmp_path)
    assert (len(data.test), len(data.pool)) == (15, 45)
    assert data.test.group is not None
    assert data.pool.group is not None
    assert set(data.test.group) == {3}
    assert set(data.pool.group) == {0, 1, 2}
    assert (data.accurate.level, data.cheap_pool.level) == ("ccsd_t/cc-pvdz", "gfn2-xtb")
    assert "15 test labels, 45 in the pool" in data.card[-2]
    assert "sites 2 3 0 0 0 1" in data.card[-1]
    assert any("declared" in line for line in data.card), "units are always said"
    json.dumps(data.card_json, allow_nan=False)


def test_the_data_card_of_files(tmp_path: Path) -> None:
    labels = methanol().cheap.select(np.arange(0, 20_000, 125))
    cheap = {**cheap_arrays(), "level": np.array("gfn2-xtb"), "cpu_s": np.full(160, 0.003)}
    data = load(tmp_path, cheap=cheap)
    card = "\n".join(data.card)
    assert labels.energy is not None
    assert labels.forces is not None
    for says in (
        "gfn2-xtb: 160 frames from cheap.npz (CH4O, 6 atoms)",
        f"energies {labels.energy.min():,.3f} to {labels.energy.max():,.3f} eV",
        f"at most {np.abs(labels.forces).max():.1f} eV/Å",
        "forces fit energies: dE = 1.0",
        "; no geometry twice",
        "frames by group: 0: 40, 1: 40, 2: 40, 3: 40",
        "price: 0.002 CPU s a label and 0.05 CPU s to sample its geometry (sweep file); these took 0.003, median",
    ):
        assert says in card
    accurate, checked = data.card_json["checked"]
    assert (accurate["level"], accurate["n_frames"], accurate["measured_cpu_s_median"]) == ("ccsd_t/cc-pvdz", 60, None)
    assert checked["force_energy_ratio"] == pytest.approx(1.0, abs=0.05)
    assert checked["frames_by_group"] == {str(group): 40 for group in range(4)}
    assert "price: 7 CPU s a label" in "\n".join(load(tmp_path, prices="{CCSD(T)/cc-pVDZ: 7 s}").card)


def test_gradients_are_refused_by_name_and_can_be_declared(tmp_path: Path) -> None:
    given = {**cheap_arrays(), "F": -cheap_arrays()["F"]}
    assert "forces_are: gradients" in refusal(tmp_path, cheap=given)
    assert len(load(tmp_path, cheap=given, cheap_entry=f"{CHEAP}, forces_are: gradients").cheap_pool) == 120


def test_no_cheap_frame_is_near_the_test_trajectory_or_has_an_accurate_label(tmp_path: Path) -> None:
    labelled = take(cheap_arrays(), np.arange(4))  # four cheap frames of replica 0 get accurate labels
    data = load(tmp_path, accurate=join(accurate_arrays(), labelled))
    assert data.cheap_pool.group is not None
    assert set(data.cheap_pool.group) == {0, 1, 2}
    everything = methanol().cheap.select(np.arange(0, 20_000, 125))  # the rows of cheap.npz
    labelled_rows = set(match_geometries(everything, data.accurate)[0].tolist())
    assert labelled_rows >= {0, 1, 2, 3}
    kept = set(match_geometries(everything, data.cheap_pool)[0].tolist())
    assert kept == set(range(120)) - labelled_rows


@pytest.mark.parametrize("turn", [False, True])
def test_a_test_geometry_among_the_cheap_frames_is_never_trained_on(tmp_path: Path, turn: bool) -> None:
    clean = load(tmp_path)
    planted = take(accurate_arrays(), slice(50, 53))  # test frames of replica 3, passed off as replica 0
    planted = {**(rotated(planted, 1) if turn else planted), "replica": np.zeros(3, dtype=np.int64)}
    data = load(tmp_path, cheap=join(cheap_arrays(), planted))
    assert len(data.cheap_pool) == len(clean.cheap_pool)
    assert len(match_geometries(data.cheap_pool, data.test)[0]) == 0


@pytest.mark.parametrize("turn", [False, True])
def test_a_test_geometry_in_the_pool_is_refused(tmp_path: Path, turn: bool) -> None:
    planted = take(accurate_arrays(), slice(50, 51))
    planted = {**(rotated(planted, 2) if turn else planted), "replica": np.zeros(1, dtype=np.int64)}
    message = refusal(tmp_path, join(accurate_arrays(), planted))
    assert "accurate.npz must be distinct, found 1 copies (frames 50 = 60)" in message
    assert "duplicates: drop" in message


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
        broken.setattr("study.data.label_sources.check_labels", lambda *_: Checked(None, None, ()))
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


def test_prices_and_temperature_from_the_card_of_a_file(tmp_path: Path) -> None:
    card = {"price_cpu_s": 0.7, "sampling_price_cpu_s_per_frame": 0.2, "temperature_k": 450.0}
    (tmp_path / "cheap.meta.json").write_text(json.dumps(card))
    found = load(tmp_path, cheap_entry="level: gfn2-xtb")
    assert found.prices.levels["gfn2-xtb"] == LevelPrice(0.7, "cheap.meta.json", 0.2)
    assert found.temperature_k == 450
    stated = load(tmp_path, cheap_entry="level: gfn2-xtb, price: 3s, temperature_k: 300")
    assert stated.prices.levels["gfn2-xtb"].label_cpu_s == 3, "the sweep file comes first"
    assert stated.temperature_k == 300
    for wrong in ("12 s", -1, float("nan"), True):
        (tmp_path / "cheap.meta.json").write_text(json.dumps(card | {"price_cpu_s": wrong}))
        assert "price_cpu_s in cheap.meta.json must be a number" in refusal(tmp_path, cheap_entry="level: gfn2-xtb")


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
    assert sum("farthest" in line for line in found.card) == 1, "the ruler is random"
    (tmp_path / "cheap.meta.json").write_text(json.dumps({"selection_rule": "best"}))
    assert "must be all, random or farthest" in refusal(tmp_path)


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


def test_test_frames_are_in_the_order_of_time(tmp_path: Path) -> None:
    numbered = {**accurate_arrays(), "index": np.tile(np.arange(15), 4)}  # every replica counts its own frames
    mixed = take(numbered, np.random.default_rng(0).permutation(60))
    units = {"units": {"R": "Angstrom", "E": "eV"}, "level": "ccsd_t/cc-pvdz"}
    (tmp_path / "accurate.meta.json").write_text(json.dumps(units))  # with it, `index` is the number of a frame
    test = load(tmp_path, mixed, test="groups: [1, 3]").test
    assert test.group is not None
    assert test.group.tolist() == [1] * 15 + [3] * 15
    for group in (1, 3):
        assert (np.diff(test.frame_id[test.group == group]) > 0).all()
    assert (np.diff(packaged().test.frame_id) > 0).all()


def test_a_share_of_the_frames_as_the_ruler(tmp_path: Path) -> None:
    data = load(tmp_path, test="share: 0.3", budgets="[10]")
    assert 8 <= len(data.test) <= 28
    assert len(data.test) + len(data.pool) == 60
    assert len(match_geometries(data.pool, data.test)[0]) == 0
    assert len(match_geometries(data.cheap_pool, data.accurate)[0]) == 0


def test_the_packaged_set() -> None:
    data = packaged(budgets="[1025]", n_cheap="[13975]")
    assert (len(data.test), len(data.pool), len(data.cheap_pool)) == (335, 1025, 13_975)
    json.dumps(data.card_json, allow_nan=False)
    for changes, words in (
        ({"budgets": "[1026]"}, "budgets: 1026 is larger than the pool: the largest possible is 1025"),
        ({"n_cheap": "[13976]"}, "n_cheap: 13976 is larger than the pool: the largest possible is 13975"),
    ):
        with pytest.raises(InputError, match=words):
            packaged(**changes)


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
