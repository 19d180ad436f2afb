from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cheap_methanol import changed, fit_of, methanol
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from asteroid.checks.force_energy import ForceEnergyFit, fit_forces_to_energies
from asteroid.checks.guards import check_labels
from asteroid.checks.inconsistent_forces import refuse_inconsistent_forces
from asteroid.datasets import load_methanol
from asteroid.labels.label_set import LabelSet


def spring(n: int, seed: int) -> LabelSet:
    """Two atoms on a harmonic spring, each frame turned at random."""
    rng = np.random.default_rng(seed)
    stretch = 0.03 * rng.normal(size=n)
    along = Rotation.random(n, rng=rng).as_matrix()[:, :, 0]
    positions = np.stack([np.zeros((n, 3)), (1.1 + stretch)[:, None] * along], axis=1)
    pull = (30.0 * stretch)[:, None] * along
    forces = np.stack([pull, -pull], axis=1)
    return LabelSet(np.array([7, 7]), positions, 15.0 * stretch**2 - 2000.0, forces, "spring")


@pytest.mark.parametrize("seed", range(3))
def test_exact_for_harmonic_energies(seed: int) -> None:
    fit = fit_of(spring(100, seed))
    assert fit.ratio == pytest.approx(1.0, abs=1e-6)
    assert fit.correlation == pytest.approx(1.0, abs=1e-6)


def test_both_real_levels_pass() -> None:
    for labels in (load_methanol().accurate, load_methanol().cheap):
        fit = fit_of(labels)
        assert fit.ratio == pytest.approx(1.0, abs=0.03)
        assert fit.correlation > 0.99
        refuse_inconsistent_forces(fit, "methanol")
        assert "forces fit energies: dE = 1.0" in fit.sentence()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=5, deadline=None)
def test_turned_and_moved_frames_give_the_same_fit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn = Rotation.random(len(methanol()), rng=rng).as_matrix()
    moved = np.einsum("nij,naj->nai", turn, methanol().positions) + rng.normal(size=(len(methanol()), 1, 3))
    assert methanol().forces is not None
    forces = np.einsum("nij,naj->nai", turn, methanol().forces)
    fit = fit_of(replace(methanol(), positions=moved, forces=forces))
    assert fit.ratio == pytest.approx(fit_of(methanol()).ratio, rel=1e-6)
    assert fit.distance_ang == pytest.approx(fit_of(methanol()).distance_ang, rel=1e-6)


def test_no_fit_where_no_frames_are_near() -> None:
    few = methanol().select(np.arange(0, 400, 60))
    assert fit_forces_to_energies(few) is None
    checked = check_labels(few, "few")
    assert checked.fit is None
    assert fit_forces_to_energies(methanol().select([3])) is None
    assert fit_forces_to_energies(replace(methanol(), energy=None)) is None
    refuse_inconsistent_forces(ForceEnergyFit(200, 3.0, 0.1, 0.7, 0.14, (0, 1)), "too different to tell")


def test_forces_that_fit_badly_are_noted() -> None:
    assert check_labels(methanol(), "labels").notes == ()
    note = check_labels(changed(1.25), "labels").notes[0]
    assert "energy differences are 0.8" in note
    assert check_labels(changed(1.05), "labels").notes == ()


def test_few_pairs_do_not_decide_about_the_factor() -> None:
    fit = ForceEnergyFit(100, 1.4, 0.01, 0.95, 0.05, (0, 1), weighted_ratio=1.4)
    assert fit.fits_badly
    assert not replace(fit, weighted_ratio=1.02).fits_badly
    assert not replace(fit, weighted_ratio=0.7).fits_badly
    assert not replace(fit, ratio_error=0.2).fits_badly
    assert not replace(fit, correlation=0.7).fits_badly
    assert replace(fit, ratio=-1.0, weighted_ratio=-1.0, correlation=-0.95).fits_badly


def test_what_tells_nothing_is_said_as_it_is() -> None:
    far = ForceEnergyFit(200, 3.0, 0.1, 0.7, 0.14, (0, 1))
    assert "too different to tell" in far.sentence()
    near = replace(far, distance_ang=0.033)
    assert "too different" not in near.sentence()
    assert "they hardly fit (a correlation of 0.70" in near.sentence()
