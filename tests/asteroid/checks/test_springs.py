from __future__ import annotations

from dataclasses import replace

import numpy as np
from guarded_methanol import methanol
from scipy.spatial.transform import Rotation
from varied_sets import WATER, springs

from asteroid.checks.springs import fit_springs


def test_harmonic_molecules_are_described_and_opposite_forces_are_opposite() -> None:
    labels = springs(WATER, 60, 3, 0.02)
    assert labels.forces is not None
    forces = np.array(labels.forces)
    forces[7] *= -1
    fit = fit_springs(replace(labels, forces=forces), np.ones(60, dtype=np.bool_), 0.7)
    assert fit is not None
    assert fit.applies.all()
    assert fit.misfit[np.arange(60) != 7].max() < 0.3
    assert fit.misfit[7] > 1.2
    assert fit.alike[7] < -0.8


def test_the_comparison_turns_with_the_molecule() -> None:
    labels = methanol()
    turn = Rotation.random(60, rng=np.random.default_rng(1)).as_matrix()
    turned = replace(
        labels,
        positions=np.einsum("nij,naj->nai", turn, labels.positions) + 3.0,
        forces=np.einsum("nij,naj->nai", turn, labels.forces),
    )
    sound = np.ones(60, dtype=np.bool_)
    one, other = fit_springs(labels, sound, 0.7), fit_springs(turned, sound, 0.7)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one.misfit, other.misfit, atol=1e-6)
    np.testing.assert_allclose(one.energy_off_ev, other.energy_off_ev, atol=1e-5)


def test_the_energy_is_that_of_the_forces() -> None:
    fit = fit_springs(methanol(), np.ones(60, dtype=np.bool_), 0.7)
    assert fit is not None
    energy = methanol().energy
    assert energy is not None
    assert np.std(fit.energy_off_ev) < 0.5 * np.std(energy)


def test_frames_with_a_broken_bond_and_too_few_frames_are_not_judged() -> None:
    positions = np.array(methanol().positions)
    positions[4, 5] += 4.0
    fit = fit_springs(replace(methanol(), positions=positions), np.ones(60, dtype=np.bool_), 0.7)
    assert fit is not None
    assert np.flatnonzero(~fit.applies).tolist() == [4]
    assert fit.misfit[4] == 0
    assert fit_springs(methanol(3), np.ones(3, dtype=np.bool_), 0.7) is None
