"""Cheap labels at the geometries of accurate ones: taken from the cheap set where it has them, computed where not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from asteroid.errors import InputError
from asteroid.labels.matching import match_geometries, turned_forces
from asteroid.labels.molecules import refuse_several

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.labelling.cheap_methods import CheapMethod
    from asteroid.labels.label_set import LabelSet

#: Frames of the cheap set that the method labels again before its labels are mixed with the file's.
_CHECKED_FRAMES = 5
#: Versions and convergence limits of xTB move forces by about 1e-4 eV/Å and energies by as many eV; a charge, a solvent
#: or another parametrisation by a hundred times more.
_SAME_FORCES_EV_ANG = 5e-3
_SAME_ENERGY_EV = 1e-2


class Comparison(NamedTuple):
    """A method beside the labels of a cheap set.

    Attributes:
        shift_ev: what to add to the method's energies (eV) to have those of the set.
        difference: how its labels differ, in words; None where they are the set's.
    """

    shift_ev: float
    difference: str | None


def cheap_labels_at(
    accurate: LabelSet,
    cheap: LabelSet,
    method: CheapMethod | None,
    missing_method: str | None,
    *,
    tol_ang: float | None = None,
    strategies: Sequence[str] = (),
) -> LabelSet:
    """Label every accurate geometry at the cheap level.

    A geometry that the cheap set has, perhaps rotated, takes its label from there. The others are computed, once the
    method has given back a few labels of the cheap set. Its energies may have another zero there: all are put on the
    set's.

    Args:
        accurate: the accurate labels.
        cheap: all labels of the cheap set.
        method: the cheap method as a function of positions, or None where it cannot be run.
        missing_method: what would make it runnable, for the message; None where it can be run.
        tol_ang: largest difference of geometries that count as the same (see `matching.match_geometries`).
        strategies: that need them, for messages.

    Returns:
        as many labels as accurate ones, in their order and orientation, at the cheap level.

    Raises:
        InputError: a geometry has no cheap label and the method cannot be run, its labels are not the set's, or a set
            holds several molecules.
    """
    who, ending = " and ".join(strategies) or "delta-learning", "" if len(strategies) > 1 else "s"
    without = f"remove strategy {' and strategy '.join(strategies)}" if strategies else "leave delta-learning out"
    for labels in (accurate, cheap):
        refuse_several(labels, f"{who} on {labels.level}", f"give the frames of one molecule or {without}")
    pairs = match_geometries(accurate, cheap, tol_ang=tol_ang)
    rows, first = np.unique(pairs[0], return_index=True)
    pairs = (rows, pairs[1][first])
    missing = np.setdiff1d(np.arange(len(accurate)), rows)
    if len(missing) and method is None:
        raise InputError(
            f"{who} need{ending} a {cheap.level} label at every accurate geometry, {len(missing)} of {len(accurate)} "
            f"have none: {missing_method}, label them at that level, or {without}"
        )
    energy = np.empty(len(accurate))
    forces = np.empty(accurate.positions.shape)
    if len(rows):
        assert cheap.energy is not None
        energy[rows], forces[rows] = cheap.energy[pairs[1]], turned_forces(accurate, cheap, pairs)
    if len(missing) and method is not None:
        shift_ev, difference = compare_method(cheap, method)
        if difference is not None:
            raise InputError(
                f"{who} compute{ending} {cheap.level} labels that the cheap file lacks, and they must be the file's "
                f"method: {difference} (another charge, solvent, program, method or unit?): label the accurate "
                f"geometries yourself, correct 'level', or {without}"
            )
        energy[missing], forces[missing] = method(accurate.numbers, accurate.positions[missing])
        energy[missing] += shift_ev
    return replace(accurate, energy=energy, forces=forces, level=cheap.level, cpu_s=None)


def compare_method(cheap: LabelSet, method: CheapMethod) -> Comparison:
    """Label a few frames of the cheap set again with the method that its name stands for here."""
    if cheap.energy is None or cheap.forces is None or not len(cheap):
        return Comparison(0.0, None)
    rows = np.unique(np.linspace(0, len(cheap) - 1, _CHECKED_FRAMES).astype(np.int64))
    energy, forces = method(cheap.numbers, cheap.positions[rows])
    off = cheap.energy[rows] - energy
    shift_ev = float(np.median(off))
    force_mae = float(np.abs(cheap.forces[rows] - forces).mean())
    energy_mae = float(np.abs(off - shift_ev).mean())
    if force_mae <= _SAME_FORCES_EV_ANG and energy_mae <= _SAME_ENERGY_EV:
        return Comparison(shift_ev, None)
    return Comparison(
        shift_ev,
        f"on {len(rows)} of its frames forces differ by {force_mae:.2g} eV/Å and energies by {energy_mae:.2g} eV",
    )
