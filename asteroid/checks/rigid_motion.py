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
from asteroid.labels.compositions import FRAMES_SHOWN, by_composition, frame_name, listed, place_of, rows_of
from asteroid.labels.molecules import split_molecules
from asteroid.units import KCAL_PER_MOL_EV

if TYPE_CHECKING:
    from asteroid.labels.compositions import Composition
    from asteroid.labels.label_set import BoolArray, FloatArray, LabelSet

#: Refused where the median frame has more than this share. The noisiest real set (PBE+TS of MD17) has .0009 and .4 %
#: at most; one zeroed atom of nine leaves .3.
SHARE_MAX = 0.2
#: Net force and torque of a frame over their root sum of squares, beyond this and beyond so many times the usual
#: frame's, are no noise; the noisiest real set has .004. Also in eV/Å and eV, above what relaxed frames have.
NET_SHARE, NET_TIMES, NET_SIZE = 0.015, 20.0, 0.05
#: More frames than this share that are off in such a way are a part of another kind than the rest; fewer are single
#: frames, which `asteroid.checks.single_frames` names.
FRAMES_MAX = 0.2
#: Noted above this: eV/Å of net force (.23 kcal/mol/Å), eV of torque. Analytic gradients leave 1e-3 or less.
NOTE_ABOVE = 0.01
#: Above this the note does not speak of convergence: coarse grids and loose thresholds leave a few hundredths.
NOISE_MAX = 0.1

_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class RigidMotion:
    """What forces would do to the molecule as a whole.

    Attributes:
        force_ev_ang: size of the net force of each frame, shape [N]; 0 for single atoms, like the others.
        torque_ev: size of the net torque about the centroid, shape [N].
        force_share: net force over the root sum of squared forces, shape [N]; 0 for frames without forces.
        torque_share: net torque over the root sum of squared (distance to the centroid times force), shape [N].
    """

    force_ev_ang: FloatArray
    torque_ev: FloatArray
    force_share: FloatArray
    torque_share: FloatArray


def rigid_motion(labels: LabelSet) -> RigidMotion | None:
    """Net force and torque of every frame; None without forces or where no frame has two atoms.

    Args:
        labels: forces [N, A, 3] in eV/Å.
    """
    if labels.forces is None:
        return None
    molecules = [molecule for molecule in split_molecules(labels) if len(molecule.labels.numbers) > 1]
    if not any(len(molecule.rows) for molecule in molecules):
        return None
    motion = np.zeros((4, len(labels)))
    for molecule in molecules:
        positions, forces = molecule.labels.positions, molecule.labels.forces
        assert forces is not None
        for at in range(0, len(molecule.rows), _BLOCK):
            block = slice(at, at + _BLOCK)
            motion[:, molecule.rows[block]] = _of_block(positions[block], forces[block])
    return RigidMotion(*motion)


def refuse_unbalanced(labels: LabelSet, motion: RigidMotion | None, source: str) -> None:
    """Refuse forces that push or turn a free molecule as a whole, in many of its frames.

    Args:
        labels: the labels.
        motion: from `rigid_motion`.
        source: a name for the message.

    Raises:
        InputError: a molecule's median frame keeps more than `SHARE_MAX` of its force or torque, or more than
            `FRAMES_MAX` of its frames do.
    """
    if motion is None:
        return
    if found := _unbalanced(labels, motion.force_share, motion.force_ev_ang):
        size, share, where = _usual_of(found, labels, motion.force_share, motion.force_ev_ang)
        raise InputError(
            f"forces of {place_of(found, labels, source)} must add up to zero over a free molecule, found a net force "
            f"of {size:.3g} eV/Å ({share:.0%} of their size) {where}: write forces without "
            "constraints, of all atoms and in the order of the positions"
        )
    if found := _unbalanced(labels, motion.torque_share, motion.torque_ev):
        size, share, where = _usual_of(found, labels, motion.torque_share, motion.torque_ev)
        raise InputError(
            f"forces of {place_of(found, labels, source)} must not turn a free molecule, found a net torque of "
            f"{size:.3g} eV ({share:.0%} of their size) {where}: write positions and forces in one "
            "orientation and one order of atoms"
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
            remedy = "errors below that are noise of the labels; tighten their convergence"
            if values[worst] > NOISE_MAX:
                remedy = "no convergence leaves that much: look for constraints, fields or another frame's forces"
            notes.append(
                f"{name} up to {values[worst]:.2g} {unit} ({values[worst] / KCAL_PER_MOL_EV:.2g} {kcal}) in frame "
                f"{frame_name(labels, worst)}, above {NOTE_ABOVE:g} in {int((values > NOTE_ABOVE).sum()):,} of "
                f"{len(values):,} frames: {remedy}"
            )
    return tuple(notes)


def unusual_motion(share: FloatArray, size: FloatArray, usual: float) -> BoolArray:
    """Which frames keep too much of their force or torque for noise.

    Args:
        share: of force or torque, shape [N].
        size: in eV/Å or eV, shape [N].
        usual: the share that is noise.
    """
    return np.asarray((share > max(NET_SHARE, NET_TIMES * usual)) & (size > NET_SIZE))


def _of_a_part(share: FloatArray, size: FloatArray) -> BoolArray:
    """The same where many frames may be off: noise is what the best tenth has."""
    return unusual_motion(share, size, float(np.quantile(share, 0.1)))


def _unbalanced(labels: LabelSet, share: FloatArray, size: FloatArray) -> list[Composition]:
    """Molecules that keep too much of their force or torque, in the median frame or in many."""
    # A molecule among several may have relaxed frames only, whose forces are little more than noise.
    smallest = NET_SIZE if labels.varied else 0.0
    found = []
    for composition in by_composition(labels).values():
        shares, sizes = share[composition.rows], size[composition.rows]
        in_median = np.median(shares) > SHARE_MAX and np.median(sizes) > smallest
        if in_median or _of_a_part(shares, sizes).sum() > max(1.0, FRAMES_MAX * len(shares)):
            found.append(composition)
    return found


def _usual_of(
    found: list[Composition], labels: LabelSet, share: FloatArray, size: FloatArray
) -> tuple[float, float, str]:
    """Size and share of the median frame, or of the median one of those that are off, and words for where that is."""
    rows = rows_of(found)
    where = "in the median frame"
    if np.median(share[rows]) <= SHARE_MAX:
        off, n = rows[_of_a_part(share[rows], size[rows])], len(rows)
        names = listed([frame_name(labels, int(row)) for row in off[:FRAMES_SHOWN]], len(off))
        rows, where = off, f"in {len(off):,} of {n:,} frames ({names})"
    elif labels.varied:
        where += f", most in frame {frame_name(labels, rows[size[rows].argmax()])}"
    return float(np.median(size[rows])), float(np.median(share[rows])), where


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
