"""Langevin dynamics that can be put down and taken up again to the last bit, and that stops when it goes wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule

from asteroid.errors import InputError
from asteroid.labelling.labeller import Method, NotConvergedError
from asteroid.labelling.langevin import (
    Dynamics,
    Trajectory,
    fragments,
    read_trajectory,
    sample_replica,
    write_trajectory,
)
from asteroid.labelling.open_labeller import open_labeller

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import FloatArray

WATER = molecule("H2O")
SETTINGS = Dynamics(
    temperature_k=400.0, timestep_fs=0.5, friction_per_fs=0.01, every_steps=4, equilibration_steps=10, seed=0
)


def springs(positions: FloatArray) -> tuple[float, FloatArray]:
    """Every atom on a spring of 20 eV/Å^2 to its place."""
    away = positions - WATER.positions
    return 10.0 * float((away**2).sum()), -20.0 * away


def run(
    labeller: object = springs, settings: Dynamics = SETTINGS, replica: int = 0, frames: int = 12, stop: int = 99
) -> Trajectory:
    trajectory = Trajectory()
    finished = sample_replica(labeller, WATER.numbers, WATER.positions, settings, replica, frames, trajectory)  # type: ignore[arg-type]
    for kept in finished:
        if kept == stop:
            break
    return trajectory


def same(one: Trajectory, other: Trajectory) -> bool:
    pairs = [(one.positions, other.positions), (one.forces, other.forces), (one.energy, other.energy)]
    pairs += [(one.now, other.now)]  # type: ignore[list-item]
    return all(np.array_equal(a, b) for a, b in pairs) and (one.step, one.generator) == (other.step, other.generator)


@pytest.mark.parametrize("stop", [0, 1, 5, 11])
@pytest.mark.parametrize("level", ["springs", "gfn2-xtb"])
def test_a_trajectory_taken_up_again_equals_the_uninterrupted_one_to_the_bit(
    level: str, stop: int, tmp_path: Path
) -> None:
    labeller = springs if level == "springs" else open_labeller(Method(level), WATER.numbers, WATER.positions[None])
    whole, part = run(labeller), run(labeller, stop=stop)
    assert len(part.energy) == stop
    write_trajectory(tmp_path / "replica.npz", part)
    resumed = read_trajectory(tmp_path / "replica.npz")
    if level == "gfn2-xtb":  # as after a kill: nothing is left in memory
        labeller = open_labeller(Method(level), WATER.numbers, WATER.positions[None])
    for _ in sample_replica(labeller, WATER.numbers, WATER.positions, SETTINGS, 0, 12, resumed):
        pass
    assert same(whole, resumed)
    assert list(tmp_path.iterdir()) == [tmp_path / "replica.npz"]


def test_more_frames_continue_what_is_there() -> None:
    longer, shorter = run(frames=20), run(frames=12)
    for _ in sample_replica(springs, WATER.numbers, WATER.positions, SETTINGS, 0, 20, shorter):
        pass
    assert same(longer, shorter)


def test_labels_belong_to_their_frames_and_steps_are_counted() -> None:
    labeller = open_labeller(Method("gfn2-xtb"), WATER.numbers, WATER.positions[None])
    found = run(labeller)
    assert found.step == 10 + 12 * 4
    assert found.cpu_s > sum(found.label_cpu_s) > 0
    for row in (0, 11):  # shifted to the centre of mass, which changes rounding only
        energy, forces = labeller(found.positions[row])
        assert energy == pytest.approx(found.energy[row], abs=1e-6)
        np.testing.assert_allclose(forces, found.forces[row], atol=1e-5)


def test_replicas_and_seeds_have_random_numbers_of_their_own() -> None:
    first = [
        run(replica=replica, settings=replace(SETTINGS, seed=seed)).energy[0] for replica in (0, 1) for seed in (0, 1)
    ]
    assert len(set(first)) == 4


def test_the_temperature_is_the_thermostats() -> None:
    """Equipartition: <E_pot> = 9/2 kT for nine springs; 400 K is .0345 eV."""
    found = run(settings=replace(SETTINGS, every_steps=20, equilibration_steps=2000), frames=1500)
    assert np.mean(found.energy) == pytest.approx(4.5 * 0.03447, rel=0.06)


def test_the_first_velocities_are_maxwells() -> None:
    """Free atoms without friction keep them: <p^2 / 2m> = kT / 2 for each of nine components."""

    def free(positions: FloatArray) -> tuple[float, FloatArray]:
        return 0.0, np.zeros(positions.shape)

    settings = replace(SETTINGS, friction_per_fs=1e-12, every_steps=1, equilibration_steps=0)
    momenta = [run(free, settings, replica, frames=1).now[1] for replica in range(200)]  # type: ignore[index]
    per_component = np.mean(np.square(momenta) / (2 * WATER.get_masses()[:, None]), axis=(0, 2))
    np.testing.assert_allclose(per_component, 0.03447 / 2, rtol=0.2)


def test_a_molecule_that_falls_apart_stops() -> None:
    def free(positions: FloatArray) -> tuple[float, FloatArray]:
        return 0.0, np.zeros(positions.shape)

    with pytest.raises(
        InputError, match=r"replica 3 at .* ps has fallen apart \(\d pieces, 1 at the start\)"
    ) as caught:
        run(free, replica=3, frames=5000)
    assert "\n" not in str(caught.value)


def test_a_molecule_that_overheats_stops() -> None:
    with pytest.raises(InputError, match=r"[\d,]+ K, more than a thermostat at 400 K allows"):
        run(settings=replace(SETTINGS, timestep_fs=12.0), frames=500)


def test_broken_numbers_stop() -> None:
    def nonsense(positions: FloatArray) -> tuple[float, FloatArray]:
        return 0.0, np.full(positions.shape, np.nan)

    with pytest.raises(InputError, match=r"nan K|no numbers"):
        run(nonsense)


def test_a_geometry_without_a_label_stops() -> None:
    def refuses(_: FloatArray) -> tuple[float, FloatArray]:
        raise NotConvergedError("no luck")

    with pytest.raises(InputError, match=r"without a label near 0 ps \(no luck\)"):
        run(refuses)


def test_fragments() -> None:
    assert fragments(WATER.numbers, WATER.positions) == 1
    apart = WATER.positions.copy()
    apart[1] += 3.0
    assert fragments(WATER.numbers, apart) == 2
    assert fragments(WATER.numbers, WATER.positions * 1.3) == 1
