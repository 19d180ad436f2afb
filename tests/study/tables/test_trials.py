"""Trials and importances: what is written is read back, and every broken table is refused in one line."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asteroid.errors import InputError
from study.tables.trials import (
    IMPORTANCE_COLUMNS,
    TRIAL_COLUMNS,
    read_importances,
    read_trials,
    validate_importances,
    validate_trials,
    write_importances,
    write_trials,
)


def trial(number=0, **changes):
    return {
        "study": "tune asteroid 50",
        "mode": "tune",
        "strategy": "asteroid",
        "trial": number,
        "state": "COMPLETE",
        "budget": 50,
        "n_cheap": 4000,
        "gamma_rel": math.inf,
        "cv_force_mae_ev_ang": 0.1 / 3,
        "cv_force_mae_se_ev_ang": 0.001,
        "cost_accurate_cpu_s": 1400.0,
        "cost_cheap_cpu_s": 117.6,
        "core_s": 2.5,
        "chosen": number == 0,
        "settings": json.dumps({"gamma_rel": "inf", "note": 'a "comma", and a line\nbreak'}),
    } | changes


def importance(parameter="gamma_rel", share=0.75, kind="parameter", study="tune asteroid 50"):
    return {
        "study": study,
        "strategy": "asteroid",
        "budget": 50,
        "parameter": parameter,
        "importance": share,
        "kind": kind,
    }


TRIALS = pd.DataFrame(
    [
        trial(0),
        trial(1, gamma_rel=0.3, state="PRUNED"),
        trial(2, gamma_rel=math.nan, state="RUNNING", budget=None, n_cheap=None, cv_force_mae_ev_ang=None),
        trial(0, study="pareto asteroid", mode="pareto", gamma_rel=1.0),
        trial(1, study="pareto asteroid", mode="pareto", chosen=True),
    ]
)
SHARES = pd.DataFrame([importance(), importance("seed noise", 0.25, "seed_noise")])


def test_what_is_written_is_read_back(tmp_path):
    assert read_trials(tmp_path) is None
    assert read_importances(tmp_path) is None
    write_trials(TRIALS, tmp_path)
    write_importances(SHARES, tmp_path)
    back = read_trials(tmp_path)
    pd.testing.assert_frame_equal(back, validate_trials(TRIALS), check_exact=True)
    assert list(back.columns) == list(TRIAL_COLUMNS)
    assert np.isinf(back["gamma_rel"][0])
    assert math.isnan(back["gamma_rel"][2])
    assert back["budget"].isna().tolist() == [False, False, True, False, False]
    assert ",inf," in (tmp_path / "trials.csv").read_text()
    shares = read_importances(tmp_path)
    pd.testing.assert_frame_equal(shares, validate_importances(SHARES), check_exact=True)
    assert list(shares.columns) == list(IMPORTANCE_COLUMNS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["digests.json", "importances.csv", "trials.csv"]


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-12, 1e12), st.floats(0.01, 100) | st.just(math.inf))
def test_numbers_keep_every_bit(tmp_path_factory, error, gamma_rel):
    folder = tmp_path_factory.mktemp("bits")
    write_trials(pd.DataFrame([trial(cv_force_mae_ev_ang=error, gamma_rel=gamma_rel)]), folder)
    back = read_trials(folder)
    assert back["cv_force_mae_ev_ang"][0] == error
    assert back["gamma_rel"][0] == gamma_rel


def test_a_table_without_rows_is_a_table(tmp_path):
    write_trials(TRIALS.iloc[:0], tmp_path)
    write_importances(SHARES.iloc[:0], tmp_path)
    assert len(read_trials(tmp_path)) == len(read_importances(tmp_path)) == 0
    assert read_trials(tmp_path).dtypes.to_dict() == validate_trials(TRIALS).dtypes.to_dict()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([trial(mode="curve")], "tune, pareto"),
        ([trial(state="DONE")], "COMPLETE"),
        ([trial(1), trial(1)], "found twice"),
        ([trial(cv_force_mae_ev_ang=math.nan)], "positive finite error"),
        ([trial(cv_force_mae_ev_ang=-1.0)], "positive finite error"),
        ([trial(budget=None)], "needs a budget"),
        ([trial(0), trial(1, chosen=True)], "chosen"),
        ([trial(settings="[1]")], "JSON object"),
        ([trial(settings="{")], "JSON object"),
        ([trial(core_s="long")], "does not fit"),
        ([{**trial(), "extra": 1}], "extra"),
        ([{k: v for k, v in trial().items() if k != "core_s"}], "core_s"),
    ],
)
def test_broken_trials_are_refused_and_not_written(tmp_path, rows, says):
    with pytest.raises(InputError, match=says) as caught:
        write_trials(pd.DataFrame(rows), tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([importance(share=0.7)], "sum to 1"),
        ([importance(share=1.5), importance("x", -0.5)], "sum to 1"),
        ([importance(share=math.nan)], "sum to 1"),
        ([importance(share=0.5), importance(share=0.5)], "found twice"),
        ([importance(share=1.0, kind="noise")], "seed_noise"),
    ],
)
def test_broken_importances_are_refused(tmp_path, rows, says):
    with pytest.raises(InputError, match=says):
        write_importances(pd.DataFrame(rows), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "trials.csv").write_text("")
    with pytest.raises(InputError, match=r"trials\.csv is not a readable CSV"):
        read_trials(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_trials(TRIALS, tmp_path)
    before = (tmp_path / "trials.csv").read_bytes()

    def torn(self, path, **_):
        path.write_text("half")
        raise OSError("no room")

    monkeypatch.setattr(pd.DataFrame, "to_csv", torn)
    with pytest.raises(OSError, match="no room"):
        write_trials(TRIALS, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["digests.json", "trials.csv"]
    assert (tmp_path / "trials.csv").read_bytes() == before
