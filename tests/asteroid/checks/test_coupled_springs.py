from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from varied_sets import WATER, springs

from asteroid.checks.coupled_springs import fit_coupled_springs
from asteroid.checks.single_frames import MISFIT_MAX, broken_frames
from asteroid.checks.springs import fit_springs
from asteroid.datasets import load_methanol
from asteroid.labels.label_set import LabelSet


@pytest.fixture(scope="module")
def methanol() -> LabelSet:
    return load_methanol().accurate.select(np.arange(0, 1360, 5))


def exchanged(labels: LabelSet, *pairs: tuple[int, int]) -> LabelSet:
    assert labels.forces is not None
    forces = np.array(labels.forces)
    for one, other in pairs:
        forces[[one, other]] = forces[[other, one]]
    return replace(labels, forces=forces)


def test_forces_of_two_frames_that_are_exchanged_are_found_near_the_minimum_as_well(methanol: LabelSet) -> None:
    """Of frames whose forces are smaller than what plain springs miss of the others."""
    assert methanol.forces is not None
    small = np.argsort(np.square(methanol.forces).sum(axis=(1, 2)))[:8].tolist()
    pairs = list(zip(small[::2], small[1::2], strict=True))
    assert {frame.row for frame in broken_frames(exchanged(methanol, *pairs))} == set(small)


def test_energies_that_are_half_an_electronvolt_off_and_more_are_found(methanol: LabelSet) -> None:
    energy = np.array(methanol.energy)
    energy[[3, 90]] += [1.0, -1.0]
    found = broken_frames(replace(methanol, energy=energy))
    assert [frame.row for frame in found] == [3, 90]
    assert "eV off" in found[0].what


def test_sound_frames_of_other_temperatures_are_not_judged_by_cold_ones() -> None:
    cold, hot = springs(WATER, 200, 3, 0.01), springs(WATER, 6, 4, 0.12)
    assert cold.energy is not None
    assert hot.energy is not None
    assert cold.forces is not None
    assert hot.forces is not None
    both = replace(
        cold,
        positions=np.concatenate([cold.positions, hot.positions]),
        energy=np.concatenate([cold.energy, hot.energy]),
        forces=np.concatenate([cold.forces, hot.forces]),
        frame_id=np.arange(206),
    )
    every = np.ones(206, dtype=np.bool_)
    plain = fit_springs(both, every, MISFIT_MAX)
    assert plain is not None
    fit = fit_coupled_springs(both, every, plain.applies)
    assert fit is not None
    assert fit.misfit.max() <= 1.0
    assert fit.applies[:200].mean() > 0.9
    assert broken_frames(both) == ()


def test_a_frame_far_out_may_miss_more_than_others() -> None:
    """A bend that stiffens on its way out is no quadratic form: the frame that swings furthest is sound."""
    rng = np.random.default_rng(0)
    angle = np.radians(104.0 + np.clip(rng.normal(0.0, 8.0, 100), -14.0, 14.0))
    angle[0] = np.radians(130.0)
    bonds = 0.96 + rng.normal(0.0, 0.02, (100, 2))
    positions = np.zeros((100, 3, 3))
    for atom, side in ((1, 0.5), (2, -0.5)):
        positions[:, atom, 0] = bonds[:, atom - 1] * np.cos(side * angle)
        positions[:, atom, 1] = bonds[:, atom - 1] * np.sin(side * angle)
    energy, forces = np.zeros(100), np.zeros_like(positions)
    for (one, other), length, square, fourth in (((0, 1), 0.96, 20, 0), ((0, 2), 0.96, 20, 0), ((1, 2), 1.51, 1.5, 60)):
        apart = positions[:, one] - positions[:, other]
        distance = np.linalg.norm(apart, axis=1)
        off = distance - length
        energy += square * off**2 + fourth * off**4
        pull = ((2 * square * off + 4 * fourth * off**3) / distance)[:, None] * apart
        forces[:, one] -= pull
        forces[:, other] += pull
    labels = LabelSet(WATER[0], positions, energy, forces, "ccsd_t/cc-pvdz")
    assert broken_frames(labels) == ()
    forces[[0, 50]] = forces[[50, 0]]
    assert 0 in {frame.row for frame in broken_frames(replace(labels, forces=forces))}


def test_large_molecules_and_few_frames_are_left_to_plain_springs(methanol: LabelSet) -> None:
    few = methanol.select(np.arange(20))
    every = np.ones(20, dtype=np.bool_)
    assert fit_coupled_springs(few, every, every) is None
    large = replace(
        few, numbers=np.ones(10, dtype=np.int64), positions=np.ones((20, 10, 3)), forces=np.ones((20, 10, 3))
    )
    assert fit_coupled_springs(large, every, every) is None
