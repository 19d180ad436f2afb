from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from asteroid.checks.force_energy import ForceEnergyFit, fit_forces_to_energies, refuse_inconsistent_forces
from asteroid.checks.guards import check_labels
from asteroid.checks.rigid_motion import refuse_unbalanced, rigid_motion, rigid_motion_notes
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet


@cache
def methanol() -> LabelSet:
    return load_methanol().cheap.select(np.arange(0, 20_000, 50))


def fit_of(labels: LabelSet) -> ForceEnergyFit:
    fit = fit_forces_to_energies(labels)
    assert fit is not None
    return fit


def changed(factor: float) -> LabelSet:
    assert methanol().forces is not None
    return replace(methanol(), forces=methanol().forces * factor)


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


@given(factor=st.floats(0.01, 100.0), negative=st.booleans())
@settings(max_examples=20, deadline=None)
def test_the_ratio_is_the_planted_factor(factor: float, negative: bool) -> None:
    planted = -factor if negative else factor
    fit = fit_of(changed(planted))
    assert fit.ratio == pytest.approx(fit_of(methanol()).ratio / planted, rel=1e-9)
    assert fit.correlation == pytest.approx(np.sign(planted) * fit_of(methanol()).correlation, rel=1e-9)
    wrong = negative or abs(np.log(factor)) > np.log(1.6)
    if wrong:
        with pytest.raises(InputError):
            refuse_inconsistent_forces(fit, "labels")
    elif abs(np.log(factor)) < np.log(1.4):
        refuse_inconsistent_forces(fit, "labels")


@pytest.mark.parametrize(
    ("factor", "says"),
    [
        (-1.0, "gradients"),
        (23.06, "one eV is 23.06 kcal/mol"),
        (1 / 1.8897, "one Bohr is 0.5292 Angstrom"),
        (1.8897, "one Angstrom is 1.89 Bohr"),
        (627.5 / 27.211, "one eV is 23.06 kcal/mol"),
        (51.42, "one Hartree/Bohr is 51.42 eV/Angstrom"),
        (7.0, "frames 100 and 7800): declare energy_unit"),
    ],
)
def test_slips_are_named(factor: float, says: str) -> None:
    with pytest.raises(InputError) as caught:
        refuse_inconsistent_forces(fit_of(changed(factor)), "labels.npz")
    message = str(caught.value)
    assert says in message
    assert "\n" not in message


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


def test_rows_of_another_order_are_refused() -> None:
    order = np.random.default_rng(0).permutation(len(methanol()))
    assert methanol().energy is not None
    with pytest.raises(InputError, match=r"belong together.*order of rows"):
        refuse_inconsistent_forces(fit_of(replace(methanol(), energy=methanol().energy[order])), "labels")


def test_silent_where_no_frames_are_near() -> None:
    few = changed(-1.0).select(np.arange(0, 400, 60))
    assert fit_forces_to_energies(few) is None
    checked = check_labels(few, "few")
    assert checked.fit is None
    assert fit_forces_to_energies(methanol().select([3])) is None
    assert fit_forces_to_energies(replace(methanol(), energy=None)) is None
    refuse_inconsistent_forces(ForceEnergyFit(200, 3.0, 0.1, 0.7, 0.14, (0, 1)), "too different to tell")


def test_net_force_and_torque_of_planted_numbers() -> None:
    positions = np.array([[[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]] * 3)
    forces = np.zeros((3, 2, 3))
    forces[0, :, 2] = 1.5, 1.5
    forces[1, :, 1] = 2.0, -2.0
    forces[2, :, 0] = 1.0, -1.0
    motion = rigid_motion(LabelSet(np.array([1, 1]), 20.0 + positions, np.zeros(3), forces, "x"))
    assert motion is not None
    np.testing.assert_allclose(motion.force_ev_ang, [3.0, 0.0, 0.0])
    np.testing.assert_allclose(motion.torque_ev, [0.0, 4.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(motion.force_share, [np.sqrt(2), 0.0, 0.0])
    np.testing.assert_allclose(motion.torque_share, [0.0, np.sqrt(2), 0.0], atol=1e-12)


def test_noise_is_noted_and_passes() -> None:
    assert methanol().forces is not None
    assert rigid_motion_notes(methanol(), rigid_motion(methanol())) == ()
    forces = methanol().forces.copy()
    forces[7, 0, 0] += 0.013
    noisy = replace(methanol(), forces=forces)
    notes = check_labels(noisy, "noisy").notes
    assert (
        f"net force up to 0.013 eV/Å (0.3 kcal/mol/Å) in frame {methanol().frame_id[7]}, above 0.01 in 1 of" in notes[0]
    )


def test_forces_that_fit_badly_are_noted() -> None:
    assert check_labels(methanol(), "labels").notes == ()
    note = check_labels(changed(1.25), "labels").notes[0]
    assert "energy differences are 0.8" in note
    assert check_labels(changed(1.05), "labels").notes == ()


@pytest.mark.parametrize("what", ["force", "torque"])
def test_forces_that_move_the_molecule_are_refused(what: str) -> None:
    assert methanol().forces is not None
    forces = methanol().forces.copy()
    if what == "force":
        forces[:, :2] = 0.0
    else:
        forces = forces @ Rotation.from_euler("z", 90, degrees=True).as_matrix().T
    labels = replace(methanol(), forces=forces)
    with pytest.raises(InputError, match="add up to zero" if what == "force" else "must not turn"):
        refuse_unbalanced(labels, rigid_motion(labels), "labels")
