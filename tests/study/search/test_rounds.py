"""Searches in rounds, with pruning and interruptions: end to end on a tiny sweep."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

import optuna
import pandas as pd
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from pruned_search import HALVING, MEDIAN, Watching, search, table_of, trials_of

from study.tables.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

TIMING = ["recipe_core_s", "use_cpu_s_per_frame", "core_s"]


def journal_of(folder: Path) -> dict[tuple[str, int], optuna.trial.FrozenTrial]:
    storage = JournalStorage(JournalFileBackend(str(folder / "optuna.journal")))
    return {
        (name, trial.number): trial
        for name in optuna.get_all_study_names(storage)
        for trial in optuna.load_study(study_name=name, storage=storage).get_trials()
    }


@pytest.fixture(scope="module", params=[MEDIAN, HALVING], ids=["median", "halving"])
def pruned(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, type[Watching]]:
    folder = tmp_path_factory.mktemp("pruned") / "run"
    return request.param, folder, search(folder, request.param)


@pytest.fixture(scope="module")
def unpruned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpruned") / "run"
    search(folder)
    return folder


def test_pruned_trials_are_told_as_pruned_and_cost_less(pruned: tuple[str, Path, type[Watching]]) -> None:
    _, folder, executor = pruned
    trials = trials_of(folder)
    states = Counter(trials["state"])
    assert set(states) == {"COMPLETE", "PRUNED"}, "both happen"
    assert len(trials) == 2 * 9
    for trial in journal_of(folder).values():
        values = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
        assert sorted(trial.intermediate_values) == [1, 2][: len(values)]
        assert len(values) == 2 or trial.state == optuna.trial.TrialState.PRUNED
        assert values == sorted(values, reverse=True), "the best so far"
    manifest = read_manifest(folder)
    sharing = manifest["sharing"]
    assert sharing["stages_pruned"] > 0
    assert sharing["pruned_core_s"] > 0
    assert sharing["stages_trained"] + sharing["stages_pruned"] == sharing["stages_distinct"] == manifest["stages"]
    assert manifest["ledger"]["sweep_core_s"] == pytest.approx(sharing["trained_core_s"] + sharing["pruned_core_s"])
    gone = {trial.number for trial in journal_of(folder).values() if trial.state == optuna.trial.TrialState.PRUNED}
    assert gone
    untils = Counter(pack.until for pack in executor.seen)
    assert {10, 20, None} == set(untils)
    assert len(list((folder / "store").glob("*/stage.json"))) == sharing["stages_trained"], "nothing unfinished is kept"


def test_the_chosen_setting_is_one_that_was_finished(pruned: tuple[str, Path, type[Watching]]) -> None:
    trials = trials_of(pruned[1])
    assert (trials[trials["chosen"]]["state"] == "COMPLETE").all()
    assert trials.groupby("study")["chosen"].sum().eq(1).all()


def test_what_is_pruned_leaves_the_others_as_they_were(
    pruned: tuple[str, Path, type[Watching]], unpruned: Path
) -> None:
    """The first round has nothing to be compared with under the median rule: equal trials, equal errors."""
    rule, folder, _ = pruned
    one, other = (trials_of(f).set_index(["study", "trial"]) for f in (folder, unpruned))
    first = one[(one.index.get_level_values("trial") < 3) & (one["state"] == "COMPLETE")]
    assert len(first) >= (6 if rule == MEDIAN else 2)
    found = other.loc[first.index]
    assert (first["settings"] == found["settings"]).all()
    pd.testing.assert_series_equal(first["cv_force_mae_ev_ang"], found["cv_force_mae_ev_ang"], rtol=1e-3)


def test_an_interrupted_search_that_prunes_ends_the_same(
    pruned: tuple[str, Path, type[Watching]], tmp_path: Path
) -> None:
    """Interrupted three times: after its first pack, after five more, and after four more."""
    rule, folder, executor = pruned
    assert len(executor.seen) > 1 + 5 + 4
    for stop_before in (1, 5, 4):
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path / "run", rule, stop_before=stop_before)
    again = search(tmp_path / "run", rule)
    assert len(again.seen) < len(executor.seen)
    pd.testing.assert_frame_equal(trials_of(tmp_path / "run"), trials_of(folder), check_exact=True)
    pd.testing.assert_frame_equal(table_of(tmp_path / "run"), table_of(folder), check_exact=True)
    counts = ("stages_requested", "stages_distinct", "stages_trained", "stages_pruned")
    once, resumed = (read_manifest(f)["sharing"] for f in (folder, tmp_path / "run"))
    assert {name: resumed[name] for name in counts} == {name: once[name] for name in counts}


def test_a_journal_cut_at_any_place_ends_the_same(pruned: tuple[str, Path, type[Watching]], tmp_path: Path) -> None:
    rule, folder, _ = pruned
    records = (folder / "optuna.journal").read_bytes().splitlines(keepends=True)
    for share in (0.45, 0.8):
        copy = tmp_path / f"run {share}"
        shutil.copytree(folder, copy)
        (copy / "optuna.journal").write_bytes(b"".join(records[: int(share * len(records))]))
        search(copy, rule)
        # A trial that was cut in the middle of its parameters is asked again under the next number.
        found, wanted = (trials_of(f).drop(columns="trial") for f in (copy, folder))
        pd.testing.assert_frame_equal(found, wanted, check_exact=True)
        pd.testing.assert_frame_equal(table_of(copy), table_of(folder), check_exact=True)
