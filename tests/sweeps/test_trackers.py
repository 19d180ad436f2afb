"""Trackers: told what has changed, through clients of their own; a client that fails is left alone."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pytest
from command_line import refused
from plain_sweep import parse, sweep_data

import sweeps
from asteroid.errors import InputError
from study.engine.progress import Progress
from sweeps import trackers
from sweeps.trackers import TRACKERS, Client, Tracker, check_tracker, error_numbers, open_tracker, progress_numbers

if TYPE_CHECKING:
    from pathlib import Path

SWEEP = parse(sweep_data())
PROGRESS = Progress("training", 3, 9, 0, best_val_ev_ang={"identify": 0.05, "pretrain": np.inf}, trials_total=4)
TABLE = pd.DataFrame(
    {
        "strategy": ["accurate_only"] * 3,
        "n_cheap": [0] * 3,
        "budget": [20, 20, 40],
        "status": ["ok", "ok", "failed"],
        "test_force_mae_ev_ang": [0.1, 0.2, np.nan],
        "cv_force_mae_ev_ang": [np.nan] * 3,
    }
)


def test_what_is_told() -> None:
    assert progress_numbers(PROGRESS) == {
        "stages_done": 3,
        "stages_total": 9,
        "best_validation_ev_ang/identify": 0.05,
        "trials_done": 0,
    }
    assert error_numbers(TABLE) == {20: {"test_force_mae_ev_ang/accurate_only_0_cheap": pytest.approx(0.15)}}


def test_only_changes_are_told_and_a_failure_once() -> None:
    told: list[Any] = []
    said: list[str] = []
    client = Client(lambda numbers, step: told.append((step, numbers)), lambda: told.append("end"), "")
    tracker = Tracker(client, said.append)
    tracker.show(PROGRESS)
    tracker.show(PROGRESS)
    tracker.end(TABLE)
    tracker.close()
    assert [entry if entry == "end" else entry[0] for entry in told] == [3, 20, "end"]

    def fail(numbers: object, step: int) -> None:
        raise ConnectionError("no server")

    broken = Tracker(Client(fail, lambda: None, ""), said.append)
    broken.show(PROGRESS)
    broken.end(TABLE)
    assert said == ["note: the tracker failed (ConnectionError: no server); the run goes on without it"]


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_clients_are_offline_unless_their_environment_says_otherwise(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = MagicMock()
    monkeypatch.setitem(sys.modules, name, own)
    monkeypatch.setattr(trackers, "find_spec", lambda _: object())
    for variable in ("MLFLOW_TRACKING_URI", "WANDB_MODE"):
        monkeypatch.delenv(variable, raising=False)
    tracker = open_tracker(name, tmp_path, SWEEP, print)
    tracker.show(PROGRESS)
    tracker.end(TABLE)
    if name == "mlflow":
        own.set_tracking_uri.assert_called_once_with(f"sqlite:///{tmp_path / 'mlflow.db'}")
        run = own.start_run.return_value.info.run_id
        assert [call.kwargs for call in own.log_metrics.call_args_list] == [
            {"step": 3, "run_id": run},
            {"step": 20, "run_id": run},
        ]
        own.end_run.assert_called_once_with()
    else:
        assert (own.init.call_args.kwargs["mode"], own.init.call_args.kwargs["dir"]) == ("offline", str(tmp_path))
        assert [call.args[0]["at"] for call in own.init.return_value.log.call_args_list] == [3, 20]
        own.init.return_value.finish.assert_called_once_with()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:1")
    monkeypatch.setenv("WANDB_MODE", "online")
    own.reset_mock()
    open_tracker(name, tmp_path, SWEEP, print).close()
    own.set_tracking_uri.assert_not_called()
    assert name == "mlflow" or own.init.call_args.kwargs["mode"] == "online"


def test_a_tracker_that_does_not_begin_stops_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ModuleType("wandb")
    monkeypatch.setitem(sys.modules, "wandb", broken)
    monkeypatch.setattr(trackers, "find_spec", lambda _: object())
    said: list[str] = []
    open_tracker("wandb", tmp_path, SWEEP, said.append).end(TABLE)
    assert said[0].startswith("note: wandb did not begin (AttributeError: ")


def test_unknown_and_missing_trackers_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "tensorboard, mlflow, wandb, found 'neptune'" in refused("run", "quickstart", "--log", "neptune")
    monkeypatch.setattr(trackers, "find_spec", lambda _: None)
    for name in TRACKERS:
        with pytest.raises(InputError, match=rf"pip install 'asteroid-study\[{name}\]'"):
            check_tracker(name)
    with pytest.raises(InputError, match="needs the package"):
        sweeps.run("quickstart", out=tmp_path / "run", log="mlflow")
    assert not (tmp_path / "run").exists()


def test_a_run_is_told_to_the_end(tiny_labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    client = Client(lambda numbers, step: told.append((step, numbers)), lambda: told.append("end"), "here")
    monkeypatch.setitem(TRACKERS, "tensorboard", ("sys", lambda *_: client))
    said: list[str] = []
    done = sweeps.run(tiny_labels / "sweep.yaml", out=tmp_path / "run", log="tensorboard", on_line=said.append)
    assert "tensorboard: here" in said
    assert told[-1] == "end"
    stages = [numbers["stages_done"] for _, numbers in told[:-1] if "stages_done" in numbers]
    assert stages[-1] == done.manifest["stages"]
    errors = {step: numbers for step, numbers in told[:-1] if "stages_done" not in numbers}
    assert set(errors) == set(done.table["budget"])
