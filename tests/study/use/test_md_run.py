"""Trajectories in a folder: energy is conserved, a kill changes nothing, bonds and the training data are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ase.io
import numpy as np
import pytest
from springs_force_field import springs_force_field

from asteroid.dynamics.watched_dynamics import Settings
from asteroid.errors import InputError
from study.use import md_run
from study.use.md_run import LEFT_AFTER, run_md

if TYPE_CHECKING:
    from pathlib import Path

    from study.use.md_run import Summary

FIELD = springs_force_field(9.0, 11.0)
X = FIELD.trained_on.positions[0]


def ran(folder: Path, on_progress: Any = lambda _: None, stop_outside: bool = False, **changes: Any) -> Summary:
    given = {
        "temperature_k": 300.0,
        "timestep_fs": 0.5,
        "steps": 200,
        "every_steps": 10,
        "equilibration_steps": 20,
        "thermostat": False,
        "friction_per_fs": 0.01,
        "seed": 1,
    }
    return run_md(
        FIELD,
        FIELD.trained_on.numbers,
        X,
        Settings(**given | changes),
        folder,
        stop_outside=stop_outside,
        on_progress=on_progress,
    )


def test_energy_is_conserved_and_everything_is_written(tmp_path: Path) -> None:
    summary = ran(tmp_path / "md", steps=600)
    assert summary.ended == "complete"
    assert summary.observations == 60
    assert summary.time_ps == 0.3
    assert abs(summary.drift_mev_atom_ps) < 1
    assert summary.broken == 0
    assert summary.largest_force_error_ev_ang > 0
    assert 0 <= summary.outside_share <= 1
    frames = ase.io.read(tmp_path / "md" / "trajectory.xyz", ":")
    assert len(frames) == 60
    table = np.genfromtxt(tmp_path / "md" / "observations.csv", delimiter=",", names=True)
    total = table["potential_ev"] + table["kinetic_ev"]
    assert np.ptp(total) < 0.02 * np.ptp(table["potential_ev"])


@pytest.mark.parametrize("thermostat", [False, True])
def test_a_kill_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, thermostat: bool) -> None:
    monkeypatch.setattr(md_run, "_CHECKPOINT_S", 0.0)
    whole = ran(tmp_path / "whole", thermostat=thermostat)
    seen = []

    def killed(found: Any) -> None:
        seen.append(found)
        if len(seen) == 7:
            monkeypatch.setattr(md_run, "_CHECKPOINT_S", 1e9)  # what follows is lost
        if len(seen) == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path / "cut", killed, thermostat=thermostat)
    assert ran(tmp_path / "cut", thermostat=thermostat) == whole
    for name in ("trajectory.xyz", "observations.csv"):
        assert (tmp_path / "cut" / name).read_text() == (tmp_path / "whole" / name).read_text()
    assert ran(tmp_path / "cut", thermostat=thermostat) == whole  # again: told, not made
    with pytest.raises(InputError, match="seed"):
        ran(tmp_path / "cut", thermostat=thermostat, seed=2)


def test_a_broken_bond_ends_it(tmp_path: Path) -> None:
    summary = ran(tmp_path / "md", temperature_k=60_000.0, thermostat=True, every_steps=2, equilibration_steps=0)
    assert summary.ended == "broken bond"
    assert summary.broken == 1
    assert summary.longest_bond > 1.6
    assert (
        ran(tmp_path / "md", temperature_k=60_000.0, thermostat=True, every_steps=2, equilibration_steps=0) == summary
    )


def test_it_stops_where_it_has_left_the_training_data(tmp_path: Path) -> None:
    hot = {"temperature_k": 6000.0, "thermostat": True, "steps": 3000, "every_steps": 1}
    summary = ran(tmp_path / "md", stop_outside=True, **hot)
    if summary.ended != "broken bond":
        assert summary.ended == "left the training data"
    assert summary.observations >= LEFT_AFTER or summary.broken
    assert summary.outside_share > 0.1


def test_another_molecule_is_refused(tmp_path: Path) -> None:
    given = Settings(300.0, 0.5, 10, 5, 0, thermostat=False, friction_per_fs=0.01, seed=0)
    numbers = np.array([6, 16, 1, 1, 1, 1])
    with pytest.raises(InputError, match="found CH4S"):
        run_md(FIELD, numbers, X, given, tmp_path / "md", stop_outside=False, on_progress=lambda _: None)
