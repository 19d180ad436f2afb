"""Checks that labels must pass before anything is trained on them: leaks, duplicates, broken numbers, units, forces.

Each refuses with one line: the rule, what was found (frames by their `frame_id`), the remedy. A set of several
molecules is judged molecule by molecule wherever frames of one are compared with each other; what a molecule has too
few frames for is judged over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.bond_stiffness import bond_stiffness, refuse_impossible_stiffness
from asteroid.checks.elements import refuse_elements_out_of_place
from asteroid.checks.energy_spread import check_energy_spread
from asteroid.checks.energy_steps import refuse_energy_steps
from asteroid.checks.force_energy import fit_molecules
from asteroid.checks.force_energy_notes import force_energy_notes
from asteroid.checks.inconsistent_forces import refuse_inconsistent_molecules
from asteroid.checks.plausibility import check_energies, check_forces, check_lengths, energy_zero_notes
from asteroid.checks.repeated_labels import refuse_repeated_labels
from asteroid.checks.rigid_motion import refuse_unbalanced, rigid_motion, rigid_motion_notes
from asteroid.checks.single_frames import (
    broken_frames,
    kept_notes,
    refuse_broken_frames,
    refuse_broken_geometries,
    without_frames,
)
from asteroid.errors import InputError, UndeclaredError
from asteroid.labels.compositions import FRAMES_SHOWN, frame_name, frame_names, listed
from asteroid.labels.matching import copied_geometries, duplicate_pairs

if TYPE_CHECKING:
    from asteroid.checks.force_energy import ForceEnergyFit
    from asteroid.checks.rigid_motion import RigidMotion
    from asteroid.labels.label_set import IntArray, LabelSet


@dataclass(frozen=True, eq=False)
class Checked:
    """What the guards found out about labels that passed.

    Attributes:
        motion: net force and torque; None for a single atom.
        fit: how well forces fit energies, over pairs of frames of one molecule each; None where no frames are near
            enough to tell.
        notes: warnings that are no reason to refuse, one line each.
        outliers: of these, what is said of single frames that the others contradict and that are kept.
    """

    motion: RigidMotion | None
    fit: ForceEnergyFit | None
    notes: tuple[str, ...]
    outliers: tuple[str, ...] = ()


def check_labels(
    labels: LabelSet,
    source: str,
    *,
    energies_alone: bool = False,
    distinct: bool = True,
    keep_outliers: bool = False,
    outlier_remedy: str = "",
) -> Checked:
    """Refuse labels that cannot be trained on or tested against.

    Args:
        labels: energies and forces of one level.
        source: a name for messages, such as the file's.
        energies_alone: labels may do without forces; rules about forces do not apply then.
        distinct: refuse geometries that appear twice; where nothing is trained on them, they do no harm.
        keep_outliers: note single frames that the others contradict instead of refusing them: a molecule that reacts,
            or swings far out, only looks broken.
        outlier_remedy: what to do about such a frame; empty: what a label file allows.

    Returns:
        What was measured on the way, for the data card.

    Raises:
        InputError: the set is empty or of single atoms, energies or forces are missing, a number is NaN or infinite, a
            frame's forces are all zero, a single frame is broken, a geometry or a label appears twice, positions,
            forces or energies are impossible in their unit, elements stand in another order than positions, forces push
            or turn the molecule as a whole, are of no such bonds, or contradict the energies.
    """
    if not len(labels):
        raise InputError(f"{source} needs frames, found none: check the file")
    refuse_single_atoms(labels, source)
    check_complete(labels, source, energies_alone=energies_alone)
    check_finite(labels, source)
    check_nonzero_forces(labels, source)
    refuse_broken_geometries(labels, source)
    check_lengths(labels, source)
    refuse_elements_out_of_place(labels, source)
    check_forces(labels, source)
    check_energies(labels, source)
    motion = rigid_motion(labels)
    refuse_unbalanced(labels, motion, source)
    if distinct:
        check_distinct(labels, source)
        refuse_repeated_labels(labels, source)
    # So far the median frame was judged, which one broken frame does not change; now each against the others.
    kept: tuple[str, ...] = ()
    if keep_outliers:
        outliers = broken_frames(labels)
        kept, labels = kept_notes(labels, outliers), without_frames(labels, outliers)  # the set is judged by the others
    else:
        refuse_broken_frames(labels, source, remedy=outlier_remedy)
    fits = fit_molecules(labels)
    refuse_energy_steps(labels, fits, source)
    refuse_inconsistent_molecules(labels, fits, source)
    # Behind the energies, which tell more precisely what is wrong where they can tell.
    refuse_impossible_stiffness(labels, bond_stiffness(labels), source)
    notes = check_energy_spread(labels, fits.whole, source)
    notes += rigid_motion_notes(labels, motion) + force_energy_notes(labels, fits) + energy_zero_notes(labels)
    return Checked(motion, fits.whole, kept + notes, kept)


def refuse_single_atoms(labels: LabelSet, source: str) -> None:
    """Refuse a set of single atoms, in which no force can act.

    Raises:
        InputError: no frame has two atoms.
    """
    if len(labels) and (labels.n_atoms == 1).all():
        raise InputError(f"{source} needs molecules, found single atoms only: forces need at least two")


def check_complete(labels: LabelSet, source: str, *, energies_alone: bool = False) -> None:
    """Refuse a set without energies or forces.

    Raises:
        InputError: either is missing, unless forces may be.
    """
    if labels.energy is None:
        raise InputError(f"{source} needs energies, found none: name their key or label the frames again")
    if labels.forces is None and not energies_alone:
        raise InputError(
            f"{source} needs forces, found none: name their key or label the frames again; for energies alone declare "
            "forces: none"
        )


def check_finite(labels: LabelSet, source: str) -> None:
    """Refuse NaN and infinity.

    Raises:
        InputError: a position, energy or force is not finite.
    """
    for name, value in (("positions", labels.positions), ("energy", labels.energy), ("forces", labels.forces)):
        if value is None:
            continue
        broken = np.flatnonzero(~np.isfinite(value).all(axis=tuple(range(1, value.ndim))))
        if len(broken):
            raise InputError(
                f"{name} of {source} must be finite, found NaN or infinity in {frame_names(labels, broken)}: remove "
                "them"
            )


def check_nonzero_forces(labels: LabelSet, source: str) -> None:
    """Refuse frames whose forces are all exactly zero: a sign that the label was never computed.

    Raises:
        InputError: there is such a frame.
    """
    if labels.forces is None:
        return
    zero = np.flatnonzero(~labels.forces.any(axis=(1, 2)) & (labels.n_atoms > 1))
    if len(zero):
        raise InputError(
            f"forces of {source} must not all be zero, found zeros in {frame_names(labels, zero)}: label them or "
            "remove them"
        )


def check_distinct(labels: LabelSet, source: str, tol_ang: float | None = None) -> None:
    """Refuse a set that holds a geometry twice: copies in training and test are a leak, and a label paid for nothing.

    Raises:
        UndeclaredError: two frames have the same geometry.
    """
    first, later = duplicate_pairs(labels, tol_ang)
    if len(later):
        shown = zip(labels.frame_id[first[:FRAMES_SHOWN]], later[:FRAMES_SHOWN], strict=True)
        pairs = listed([f"{of} = {frame_name(labels, row)}" for of, row in shown], len(later))
        raise UndeclaredError(
            f"frames of {source} must be distinct, found {len(later)} copies (frames {pairs}): remove them or "
            "set duplicates: drop",
            {"duplicates": "drop"},
        )


def drop_duplicates(labels: LabelSet, tol_ang: float | None = None) -> tuple[LabelSet, IntArray]:
    """Keep the first frame of each geometry.

    Returns:
        (labels without copies, the rows that were dropped).
    """
    _, later = duplicate_pairs(labels, tol_ang)
    keep = np.ones(len(labels), dtype=np.bool_)
    keep[later] = False
    return (labels.select(keep) if len(later) else labels), later


def refuse_leak(train: LabelSet, test: LabelSet, train_name: str) -> None:
    """Refuse training frames that are test frames, in whatever orientation and order of like atoms.

    Args:
        train: frames to train on.
        test: frames to test on.
        train_name: a name of the training frames for the message.

    Raises:
        InputError: a geometry is in both sets.
    """
    rows_train, rows_test = copied_geometries(train, test)
    if len(rows_train):
        leaked = np.unique(rows_train)
        raise InputError(
            f"no test geometry may be among {train_name}, found {len(leaked)} ({frame_names(train, leaked)} = test "
            f"{frame_names(test, rows_test)}): remove them from training"
        )
