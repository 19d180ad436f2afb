"""Watched dynamics: the thermostat's temperature, the order of the integrator, first velocities without drift."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.data import atomic_masses
from springs_force_field import springs_force_field

from asteroid.dynamics.watched_dynamics import Settings, first_state, run

FIELD = springs_force_field()
NUMBERS, X = FIELD.trained_on.numbers, FIELD.trained_on.positions[0]


def settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {
        "temperature_k": 300.0,
        "timestep_fs": 0.5,
        "steps": 100,
        "every_steps": 4,
        "equilibration_steps": 0,
        "thermostat": False,
        "friction_per_fs": 0.01,
        "seed": 2,
    }
    return Settings(**given | changes)


def fluctuation(timestep_fs: float) -> float:
    """Spread of the total energy over 50 fs."""
    own = settings(timestep_fs=timestep_fs, steps=round(50 / timestep_fs), every_steps=round(2 / timestep_fs))
    seen = [found for _, found in run(FIELD, NUMBERS, first_state(NUMBERS, X, own), own)]
    assert len(seen) == 25
    return float(np.std([found.total_ev for found in seen]))


def test_the_energy_error_falls_with_the_square_of_the_time_step() -> None:
    assert 3.0 < fluctuation(1.0) / fluctuation(0.5) < 5.0


def test_first_velocities_move_no_centre_of_mass_and_differ_by_seed() -> None:
    one, other = (first_state(NUMBERS, X, settings(seed=seed)) for seed in (0, 1))
    assert np.abs(one.momenta.sum(axis=0)).max() < 1e-12
    assert not np.allclose(one.momenta, other.momenta)
    kinetic = (one.momenta**2 / atomic_masses[NUMBERS][:, None]).sum()
    assert kinetic > 0


def test_the_equilibration_is_not_observed() -> None:
    own = settings(equilibration_steps=8, steps=8)
    times = [found.time_ps for state, found in run(FIELD, NUMBERS, first_state(NUMBERS, X, own), own) if state.step > 0]
    assert times == [0.002, 0.004]
