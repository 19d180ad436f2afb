"""The journal of a run: torn tails, stale locks, changed spaces, trials that were half suggested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from optuna.trial import TrialState

from asteroid.errors import InputError
from study.search.journal import JOURNAL, ask_trial, counted_trials, open_journal, open_study, settle_torn_trials

if TYPE_CHECKING:
    from pathlib import Path

    import optuna


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    return {"x": trial.suggest_float("x", 0.0, 1.0), "y": trial.suggest_categorical("y", [1.0, float("inf")])}


def run(folder: Path, n: int, notes: list[str] | None = None) -> optuna.Study:
    study = open_study(open_journal(folder, (notes if notes is not None else []).append), "s", {"a": 1}, 1, 0)
    settle_torn_trials(study, ("x", "y"))
    for index in range(len(counted_trials(study)), n):
        trial = ask_trial(study, index, 0, suggest)
        study.tell(trial, (trial.params["x"] - 0.3) ** 2)
    return study


def params(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in counted_trials(study)]


@pytest.mark.parametrize("lost", [1, 7, 40])
def test_a_torn_last_line_is_cut_and_the_study_goes_on(tmp_path: Path, lost: int) -> None:
    run(tmp_path, 4)
    journal = tmp_path / JOURNAL
    whole = journal.read_bytes()
    last_line = len(whole) - whole.rfind(b"\n", 0, len(whole) - 1) - 1
    journal.write_bytes(whole[: -min(lost, last_line - 1)])
    notes: list[str] = []
    study = run(tmp_path, 6, notes)
    assert len(notes) == 1
    assert "cut off" in notes[0]
    assert len(counted_trials(study)) == 6


def test_a_whole_journal_is_left_alone(tmp_path: Path) -> None:
    run(tmp_path, 2)
    before = (tmp_path / JOURNAL).read_bytes()
    notes: list[str] = []
    open_journal(tmp_path, notes.append)
    assert (tmp_path / JOURNAL).read_bytes() == before
    assert notes == []


def test_a_stale_lock_is_removed_and_named(tmp_path: Path) -> None:
    run(tmp_path, 1)
    (tmp_path / f"{JOURNAL}.lock").symlink_to(tmp_path / JOURNAL)
    notes: list[str] = []
    run(tmp_path, 2, notes)
    assert len(notes) == 1
    assert "lock" in notes[0]


def test_a_restarted_study_suggests_what_an_uninterrupted_one_does(tmp_path: Path) -> None:
    (tmp_path / "once").mkdir()
    (tmp_path / "often").mkdir()
    once = run(tmp_path / "once", 16)
    for n in (3, 4, 11, 16):
        often = run(tmp_path / "often", n)
    assert params(often) == params(once)


def test_a_half_suggested_trial_is_told_fail_and_asked_again(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    study = run(tmp_path, 12)
    torn = study.ask()
    torn.suggest_float("x", 0.0, 1.0)
    again = run(tmp_path, 14)
    assert again.get_trials()[torn.number].state == TrialState.FAIL
    assert params(again) == params(run(tmp_path / "whole", 14))


def test_a_running_trial_with_all_parameters_is_kept(tmp_path: Path) -> None:
    study = run(tmp_path, 2)
    kept = ask_trial(study, 2, 0, suggest)
    reopened = open_study(open_journal(tmp_path, print), "s", {"a": 1}, 1, 0)
    settle_torn_trials(reopened, ("x", "y"))
    assert counted_trials(reopened)[2].number == kept.number
    assert counted_trials(reopened)[2].state == TrialState.RUNNING


def test_a_changed_space_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    run(tmp_path, 2)
    with pytest.raises(InputError, match="choose another --out") as caught:
        open_study(open_journal(tmp_path, print), "s", {"a": 2}, 1, 0)
    assert "\n" not in str(caught.value)
    assert len(counted_trials(run(tmp_path, 2))) == 2
