"""Accurate labels that are energies without forces: what becomes of forces that are there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.energies_alone import refuse_energies_alone, wrong_energies
from asteroid.checks.single_frames import dropped_notes, without_frames
from asteroid.labels.label_set import geometry_hashes

if TYPE_CHECKING:
    from asteroid.labels.label_set import BoolArray, LabelSet
    from study.config.label_files import LabelFile
    from study.config.sweep import Sweep
    from study.data.roles import Roles


def energies_alone(sweep: Sweep, accurate: LabelSet, roles: Roles) -> tuple[LabelSet, Roles]:
    """The labels of a sweep whose accurate labels are energies alone, else as they are.

    Forces that the file has are left to the test labels, which are judged by them. Elsewhere they are NaN, so that
    nothing can learn from them unnoticed.
    """
    if not sweep.energies_alone:
        return accurate, roles
    bought = set(geometry_hashes(roles.pool))
    rows = np.array([own in bought for own in geometry_hashes(accurate)], dtype=np.bool_)
    test = roles.test if roles.test.forces is not None else without_forces(roles.test)
    return without_forces(accurate, rows), replace(roles, pool=without_forces(roles.pool), test=test)


def without_wrong_energies(
    labels: LabelSet, cheap: LabelSet, given: LabelFile | None, source: str
) -> tuple[LabelSet, tuple[str, ...]]:
    """Energies without forces, held against the cheap level's forces.

    Args:
        labels: energies alone, or labels with forces, which are left as they are.
        cheap: labels of the level below.
        given: their file as the study names it; it says whether wrong ones are dropped.
        source: a name for messages.

    Returns:
        (labels without those that are dropped, a note on which these were).

    Raises:
        InputError: energies are in another unit, or single ones are wrong and not to be dropped.
    """
    if labels.forces is not None or cheap.forces is None:
        return labels, ()
    if given is None or given.outliers != "drop":
        refuse_energies_alone(labels, cheap, source)
        return labels, ()
    wrong = wrong_energies(labels, cheap, source)
    return without_frames(labels, wrong), dropped_notes(labels, wrong)


def kind_lines(sweep: Sweep, roles: Roles) -> tuple[str, ...]:
    """What the data card says of labels that are used without forces; nothing of others."""
    if not sweep.energies_alone:
        return ()
    judged = len(roles.test) > 0 and roles.test.forces is not None and bool(np.isfinite(roles.test.forces).all())
    by = "energies and forces" if judged else "energies"
    return (f"{roles.pool.level}: energies alone are learned (forces: none), errors are of {by}",)


def without_forces(labels: LabelSet, rows: BoolArray | None = None) -> LabelSet:
    """Labels whose forces are NaN in some rows, or in all; places without an atom stay zero."""
    forces = np.full(labels.positions.shape, np.nan)
    if labels.forces is not None and rows is not None:
        forces[~rows] = labels.forces[~rows]
    if labels.varied:
        forces[labels.numbers == 0] = 0.0
    return replace(labels, forces=forces)
