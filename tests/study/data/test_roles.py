from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from packaged_study import packaged
from two_level_files import accurate_arrays, cheap_arrays, join, load, methanol, refusal, rotated, take

from asteroid.labels.matching import match_geometries

if TYPE_CHECKING:
    from pathlib import Path


def test_roles_of_two_files(tmp_path: Path) -> None:
    data = load(tmp_path)
    assert (len(data.test), len(data.pool)) == (15, 45)
    assert data.test.group is not None
    assert data.pool.group is not None
    assert set(data.test.group) == {3}
    assert set(data.pool.group) == {0, 1, 2}
    assert (data.accurate.level, data.cheap[0].pool.level) == ("ccsd_t/cc-pvdz", "gfn2-xtb")
    assert "15 test labels, 45 in the pool" in data.card[-2]
    assert "sites 2 3 0 0 0 1" in data.card[-1]
    assert any("declared" in line for line in data.card), "units are always said"
    json.dumps(data.card_json, allow_nan=False)


def test_no_cheap_frame_is_near_the_test_trajectory_or_has_an_accurate_label(tmp_path: Path) -> None:
    labelled = take(cheap_arrays(), np.arange(4))  # four cheap frames of replica 0 get accurate labels
    data = load(tmp_path, accurate=join(accurate_arrays(), labelled))
    assert data.cheap[0].pool.group is not None
    assert set(data.cheap[0].pool.group) == {0, 1, 2}
    everything = methanol().cheap.select(np.arange(0, 20_000, 125))  # the rows of cheap.npz
    labelled_rows = set(match_geometries(everything, data.accurate)[0].tolist())
    assert labelled_rows >= {0, 1, 2, 3}
    kept = set(match_geometries(everything, data.cheap[0].pool)[0].tolist())
    assert kept == set(range(120)) - labelled_rows


@pytest.mark.parametrize("turn", [False, True])
def test_a_test_geometry_among_the_cheap_frames_is_never_trained_on(tmp_path: Path, turn: bool) -> None:
    clean = load(tmp_path)
    planted = take(accurate_arrays(), slice(50, 53))  # test frames of replica 3, passed off as replica 0
    planted = {**(rotated(planted, 1) if turn else planted), "replica": np.zeros(3, dtype=np.int64)}
    data = load(tmp_path, cheap=join(cheap_arrays(), planted))
    assert len(data.cheap[0].pool) == len(clean.cheap[0].pool)
    assert len(match_geometries(data.cheap[0].pool, data.test)[0]) == 0


@pytest.mark.parametrize("turn", [False, True])
def test_a_test_geometry_in_the_pool_is_refused(tmp_path: Path, turn: bool) -> None:
    planted = take(accurate_arrays(), slice(50, 51))
    planted = {**(rotated(planted, 2) if turn else planted), "replica": np.zeros(1, dtype=np.int64)}
    message = refusal(tmp_path, join(accurate_arrays(), planted))
    assert "accurate.npz must be distinct, found 1 copies (frames 50 = 60)" in message
    assert "duplicates: drop" in message


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
    assert len(match_geometries(data.cheap[0].pool, data.accurate)[0]) == 0
