"""A tiny sweep of all strategies, end to end: rows, prices, use, and a resumed run; and one of SchNets."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from every_section import TWO_LEVELS
from tiny_sweep import NINE, Counting, lines, run, sweep_of

from study.engine.store import StageStore
from study.recipes.workload import Workload, make_workload
from study.run import prediction_cost as use
from study.tables.manifest import read_manifest
from study.tables.results import read_results

if TYPE_CHECKING:
    import pandas as pd

    from asteroid.labels.label_set import LabelSet
    from asteroid.stages.potential import Potential

COUNTS = {"identify": 1, "pretrain": 2, "score_match": 1, "finetune": 3, "residual": 2, "kernel": 3}


@pytest.fixture(scope="module")
def workload(tiny_labels: Path) -> Workload:
    return make_workload(sweep_of(tiny_labels, *NINE))


@pytest.fixture(scope="module")
def finished(workload: Workload, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nine") / "run"
    run(workload, folder)
    return folder


@pytest.fixture
def table(finished: Path) -> pd.DataFrame:
    return read_results(finished).set_index("strategy")


def test_every_strategy_has_a_row_with_numbers(workload: Workload, table: pd.DataFrame) -> None:
    assert sorted(table.index) == sorted(TWO_LEVELS)
    assert (table["status"] == "ok").all()
    for name in ("test_force_mae_ev_ang", "test_energy_mae_ev", "use_cpu_s_per_frame", "recipe_core_s"):
        assert np.isfinite(table[name]).all(), name
        assert (table[name] > 0).all(), name
    assert np.isfinite(table["val_force_mae_ev_ang"]).all(), "cross-validated where a kernel stops for nobody"
    assert (table.drop("cheap_only")["budget"] == 10).all()
    assert (table["n_train"] + table["n_val"] == table["budget"]).all()
    stops_early = ~table.index.isin(["cheap_only", "gdml", "gdml_residual", "gdml_delta"])
    assert (table["n_val"] == 2 * stops_early).all(), "a kernel trains on every label"
    kinds = [spec.kind for spec in workload.stages.values()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == COUNTS


def test_learning_differences_of_a_good_base_is_better_than_learning_all(table: pd.DataFrame) -> None:
    """At ten labels even a tiny sweep tells: xTB is nearer to CCSD(T) than nothing is."""
    error = table["test_force_mae_ev_ang"]
    assert error["gdml_delta"] < 0.5 * error["gdml"]
    assert error["gdml_delta"] < error.drop("gdml_delta").min()
    assert abs(table["test_energy_mae_ev"]["gdml_delta"]) < 0.5, "its energies have the accurate zero"


def test_prices_follow_what_is_bought(table: pd.DataFrame) -> None:
    bare, label = 40 * 0.05, 0.002
    wanted = dict.fromkeys(TWO_LEVELS, bare + 40 * label) | {
        "accurate_only": 0.0,
        "gdml": 0.0,
        "asteroid_unlabelled": bare,
        "gdml_delta": 10 * label,
        "network_delta": 10 * label,
    }
    for strategy, cpu_s in wanted.items():
        assert table["cost_cheap_cpu_s"][strategy] == pytest.approx(cpu_s, rel=1e-12), strategy
        assert table["cost_accurate_cpu_s"][strategy] == (0.0 if strategy == "cheap_only" else 280.0)
    # 40 frames sampled; a label for each of them, and for ten accurate geometries
    assert table["n_cheap"].to_dict() == {
        s: 0 if s in ("accurate_only", "gdml", "gdml_delta", "network_delta") else 40 for s in TWO_LEVELS
    }


def test_the_ledger_charges_labels_and_frames_apart(finished: Path) -> None:
    ledger = read_manifest(finished)["ledger"]
    assert ledger["accurate_labels_assumed_bought"] == 10
    assert ledger["cheap_frames_assumed_bought"] == 50
    assert ledger["cheap_cpu_s"] == pytest.approx(40 * 0.05 + 50 * 0.002, rel=1e-12)


def test_frames_that_are_only_scored_need_no_labels(tiny_labels: Path, tmp_path: Path) -> None:
    alone = (NINE[0], ("[accurate_only, cheap_only, pretrain_finetune, asteroid]", "[asteroid_unlabelled]"), *NINE[2:])
    run(make_workload(sweep_of(tiny_labels, *alone)), tmp_path / "run")
    assert read_manifest(tmp_path / "run")["ledger"]["cheap_cpu_s"] == pytest.approx(40 * 0.05, rel=1e-12)


def test_use_counts_every_term_of_a_prediction(
    workload: Workload, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(potential: Potential, labels: LabelSet) -> float:
        assert labels.positions.shape == (20, 6, 3)
        return len(potential.models) + (10.0 if potential.cheap else 0.0)

    monkeypatch.setattr(use, "cpu_s_per_frame", count)
    run(workload, Path(shutil.copytree(finished, tmp_path / "run")))
    found = read_results(tmp_path / "run").set_index("strategy")["use_cpu_s_per_frame"]
    wanted = dict.fromkeys(TWO_LEVELS, 1.0) | {"residual": 2.0, "gdml_residual": 2.0, "gdml_delta": 11.0}
    wanted["network_delta"] = 11.0
    assert found.to_dict() == wanted


def test_a_cheap_method_that_cannot_run_here_costs_its_price(
    workload: Workload, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use, "cpu_s_per_frame", lambda potential, _: 1.0 if potential.cheap is None else math.nan)
    workload = replace(workload, data=replace(workload.data, cheap=(replace(workload.data.cheap[0], method=None),)))
    run(workload, Path(shutil.copytree(finished, tmp_path / "run")))
    found = read_results(tmp_path / "run").set_index("strategy")["use_cpu_s_per_frame"]
    assert found.to_dict() == dict.fromkeys(TWO_LEVELS, 1.0) | {"gdml_delta": 1.002, "network_delta": 1.002}


def test_measured_use_shows_that_xtb_runs_at_every_prediction(table: pd.DataFrame) -> None:
    seconds = table["use_cpu_s_per_frame"]
    assert seconds["gdml_delta"] > seconds["gdml"]
    one_network = ["accurate_only", "cheap_only", "pretrain_finetune", "asteroid", "asteroid_unlabelled"]
    assert len(set(seconds[one_network])) == 1, "measured once"


@pytest.mark.parametrize("stop_before", [1, 5])
def test_stopped_and_resumed(workload: Workload, finished: Path, tmp_path: Path, stop_before: int) -> None:
    stopped, resumed = Counting(stop_before), Counting()
    with pytest.raises(KeyboardInterrupt):
        run(workload, tmp_path, stopped)
    run(workload, tmp_path, resumed)
    assert sorted((stopped.trained + resumed.trained).elements()) == sorted(workload.stages), "each stage once"
    assert lines(tmp_path) == lines(finished)
    third = Counting()
    run(workload, tmp_path, third)
    assert third.packs == []
    assert lines(tmp_path) == lines(finished)


def test_one_lost_stage_is_trained_again_to_the_same_bits(workload: Workload, finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    lost = [next(k for k, spec in workload.stages.items() if spec.kind == kind) for kind in ("kernel", "score_match")]
    lost.append(next(key for key, spec in workload.stages.items() if spec.kind == "residual"))
    for key in lost:
        shutil.rmtree(folder / "store" / key)
    again = Counting()
    run(workload, folder, again)
    assert sorted(again.trained.elements()) == sorted(lost)
    assert lines(folder) == lines(finished)
    for key in lost:
        one, other = (StageStore(path / "store").load(key).model.tensors() for path in (folder, finished))
        assert all(value.numpy().tobytes() == other[name].numpy().tobytes() for name, value in one.items())


def test_a_sweep_of_schnets(tiny_labels: Path, tmp_path: Path) -> None:
    changes = (
        *NINE,
        ("asteroid_unlabelled, ", ""),
        ("model: {hidden: 8}", "model: {architecture: schnet, hidden: 8, layers: 1}"),
    )
    workload = make_workload(sweep_of(tiny_labels, *changes))
    run(workload, tmp_path / "run")
    table = read_results(tmp_path / "run").set_index("strategy")
    assert sorted(table.index) == sorted(set(TWO_LEVELS) - {"asteroid_unlabelled"})
    assert (table["status"] == "ok").all()
    assert np.isfinite(table["test_force_mae_ev_ang"]).all()
    assert (table["use_cpu_s_per_frame"] > 0).all()
    spec = next(spec for spec in workload.stages.values() if spec.kind == "pretrain")
    stored = StageStore(tmp_path / "run" / "store").load(spec.key)
    assert stored.model.settings == spec.model
    assert spec.model.architecture == "schnet"
    again = Counting()
    run(workload, tmp_path / "run", again)
    assert again.packs == []
