"""Net forces and torques: of planted numbers, of noise, and of forces that are not a free molecule's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cheap_methanol import methanol
from scipy.spatial.transform import Rotation

from asteroid.checks.guards import check_labels
from asteroid.checks.rigid_motion import refuse_unbalanced, rigid_motion, rigid_motion_notes
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet


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


@pytest.mark.parametrize("fault", ["force", "torque"])
def test_forces_that_move_the_molecule_are_refused(fault: str) -> None:
    assert methanol().forces is not None
    forces = methanol().forces.copy()
    if fault == "force":
        forces[:, :2] = 0.0
    else:
        forces = forces @ Rotation.from_euler("z", 90, degrees=True).as_matrix().T
    labels = replace(methanol(), forces=forces)
    with pytest.raises(InputError, match="add up to zero" if fault == "force" else "must not turn"):
        refuse_unbalanced(labels, rigid_motion(labels), "labels")


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_part_of_the_frames_in_another_order_of_atoms_is_refused(share: float) -> None:
    labels = methanol()
    part = np.arange(len(labels)) < share * len(labels)
    positions = np.array(labels.positions)
    positions[np.ix_(part, [3, 4])] = positions[np.ix_(part, [4, 3])]
    found = replace(labels, positions=positions)
    with pytest.raises(InputError, match=f"must not turn .* (in {int(part.sum())} of {len(labels)}|in the median)"):
        refuse_unbalanced(found, rigid_motion(found), "labels")


def test_relaxed_frames_with_noise_pass() -> None:
    labels = methanol()
    assert labels.forces is not None
    forces = np.array(labels.forces)
    forces[:20] = 0.01 * np.random.default_rng(0).normal(size=forces[:20].shape)
    relaxed = replace(labels, forces=forces)
    refuse_unbalanced(relaxed, rigid_motion(relaxed), "labels")
