"""Net force and torque: a free molecule has none, so what is left over is noise, a constraint, or another orientation.

Forces set to zero on fixed atoms leave a net force. Forces in another orientation than the positions (Gaussian's
standard orientation) or in another order of atoms leave a torque. Both are judged over the root sum of squares of what
is summed, which random numbers would leave: 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.units import KCAL_PER_MOL_EV

if TYPE_CHECKING:
    from asteroid.labels import FloatArray, LabelSet

#: Refused where the median frame has more than this share. The noisiest real set (PBE+TS of MD17) has .0009 and .4 %
#: at most; one zeroed atom of nine leaves .3.
SHARE_MAX = 0.2
#: Noted above this: eV/Å of net force (.23 kcal/mol/Å), eV of torque. Analytic gradients leave 1e-3 or less.
NOTE_ABOVE = 0.01

_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class RigidMotion:
    """What forces would do to the molecule as a whole.

    Attributes:
        force_ev_ang: size of the net force of each frame, shape [N].
        torque_ev: size of the net torque about the centroid, shape [N].
        force_share: net force over the root sum of squared forces, shape [N]; 0 for frames without forces.
        torque_share: net torque over the root sum of squared (distance to the centroid times force), shape [N].
    """

    force_ev_ang: FloatArray
    torque_ev: FloatArray
    force_share: FloatArray
    torque_share: FloatArray


def rigid_motion(labels: LabelSet) -> RigidMotion | None:
    """Net force and torque of every frame; None without forces or for a single atom.

    Args:
        labels: forces [N, A, 3] in eV/Å.
    """
    if labels.forces is None or len(labels.numbers) < 2 or not len(labels):
        return None
    parts = [
        _of_block(labels.positions[at : at + _BLOCK], labels.forces[at : at + _BLOCK])
        for at in range(0, len(labels), _BLOCK)
    ]
    return RigidMotion(*(np.concatenate([part[i] for part in parts]) for i in range(4)))


def refuse_unbalanced(motion: RigidMotion | None, what: str) -> None:
    """Refuse forces that push or turn a free molecule as a whole, in most frames.

    Raises:
        InputError: the median frame keeps more than `SHARE_MAX` of its force or torque.
    """
    if motion is None:
        return
    if (share := float(np.median(motion.force_share))) > SHARE_MAX:
        raise InputError(
            f"forces of {what} must add up to zero over a free molecule, found a net force of "
            f"{np.median(motion.force_ev_ang):.3g} eV/Å ({share:.0%} of their size) in the median frame: write forces "
            "without constraints, of all atoms and in the order of the positions"
        )
    if (share := float(np.median(motion.torque_share))) > SHARE_MAX:
        raise InputError(
            f"forces of {what} must not turn a free molecule, found a net torque of {np.median(motion.torque_ev):.3g} "
            f"eV ({share:.0%} of their size) in the median frame: write positions and forces in one orientation and "
            "one order of atoms"
        )


def rigid_motion_notes(labels: LabelSet, motion: RigidMotion | None) -> tuple[str, ...]:
    """A note on the worst frame where the net force or torque is more than numerical noise."""
    if motion is None:
        return ()
    notes = []
    for name, values, unit, kcal in (
        ("net force", motion.force_ev_ang, "eV/Å", "kcal/mol/Å"),
        ("net torque", motion.torque_ev, "eV", "kcal/mol"),
    ):
        worst = int(values.argmax())
        if values[worst] > NOTE_ABOVE:
            notes.append(
                f"{name} up to {values[worst]:.2g} {unit} ({values[worst] / KCAL_PER_MOL_EV:.2g} {kcal}) in frame "
                f"{labels.frame_id[worst]}, above {NOTE_ABOVE:g} in {int((values > NOTE_ABOVE).sum()):,} of "
                f"{len(values):,} frames: errors below that are noise of the labels; tighten their convergence"
            )
    return tuple(notes)


def _of_block(positions: FloatArray, forces: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    arm = positions - positions.mean(axis=1, keepdims=True)
    force = np.linalg.norm(forces.sum(axis=1), axis=1)
    torque = np.linalg.norm(np.cross(arm, forces).sum(axis=1), axis=1)
    squares = np.square(forces).sum(axis=2)
    size = np.sqrt(squares.sum(axis=1))
    turning = np.sqrt((np.square(arm).sum(axis=2) * squares).sum(axis=1))
    shares = [
        np.divide(value, whole, out=np.zeros_like(value), where=whole > 0)
        for value, whole in ((force, size), (torque, turning))
    ]
    return force, torque, shares[0], shares[1]
