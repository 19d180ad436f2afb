"""One step in the energies along a file: frames of two runs whose energies have different zeros.

Another basis set, grid, version of a program or reference shifts all energies from a frame on by a constant that may be
small. Pairs of neighbouring frames on both sides of that frame miss each other by this constant, alike, and pairs on
one side do not.

Measured on 25 thinnings each of the twelve sets of `benchmarks/planted_faults.py` to 60-600 frames: the step that is
most significant has 4 standard errors at most, 14 where frames are sorted by energy, size of the forces or a distance
(formaldehyde, whose pairs are the nearest); a planted one of 50 meV has 11 to 40 in methanol and thousands in
formaldehyde.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from asteroid.errors import InputError
from asteroid.labels.compositions import frame_name, place_of

if TYPE_CHECKING:
    from asteroid.checks.force_energy import ForceEnergyFits
    from asteroid.checks.neighbour_pairs import NeighbourPairs
    from asteroid.labels.label_set import LabelSet

#: A step has so many standard errors and eV at least, and so many pairs across it, of which so many agree in its sign.
_ERRORS, _STEP_EV, _PAIRS_MIN, _AGREE = 20.0, 0.015, 8, 0.9
#: Fewer frames on one side are a matter of single frames.
_FRAMES_MIN = 6
#: Pairs that fit better than this share of their tolerance are no measure of how well the others could.
_NOISE_MIN = 1e-3


class EnergyStep(NamedTuple):
    """A step in the energies.

    Attributes:
        row: the first frame behind it.
        size_ev: how much higher the energies are from there on.
        errors: the same in standard errors.
    """

    row: int
    size_ev: float
    errors: float


def energy_step(pairs: NeighbourPairs, ratio: float = 1.0) -> EnergyStep | None:
    """The most significant step between neighbouring frames of a molecule, or None.

    Args:
        pairs: neighbouring frames.
        ratio: a factor between energy differences and forces that is known.
    """
    first, last = pairs.rows.min(axis=1), pairs.rows.max(axis=1)
    upwards = np.where(pairs.rows[:, 0] < pairs.rows[:, 1], 1.0, -1.0)
    missed = (pairs.from_energies - ratio * pairs.from_forces) * upwards
    noise = max(1.4826 * float(np.median(np.abs(missed) / pairs.tolerance_ev)), _NOISE_MIN) if len(pairs) else 1.0
    found = None
    for row in np.unique(last).tolist():
        across = (first < row) & (last >= row)
        if across.sum() < _PAIRS_MIN or min(len(np.unique(end[across])) for end in (first, last)) < _FRAMES_MIN:
            continue
        weight = pairs.tolerance_ev[across] ** -2
        size = float((weight * missed[across]).sum() / weight.sum())
        errors = abs(size) * float(np.sqrt(weight.sum())) / noise
        agree = (missed[across] * size > 0).mean() >= _AGREE
        if agree and errors > (found.errors if found else _ERRORS) and abs(size) > _STEP_EV:
            found = EnergyStep(row, size, errors)
    return found


def refuse_energy_steps(labels: LabelSet, fits: ForceEnergyFits, source: str) -> None:
    """Refuse energies that jump by a constant somewhere in the file.

    Args:
        labels: the labels.
        fits: from `asteroid.checks.force_energy.fit_molecules`.
        source: a name for the message.

    Raises:
        InputError: those of a molecule do.
    """
    for part in fits.parts:
        ratio = part.fit.weighted_ratio if part.fit is not None and part.fit.fits_badly else 1.0
        for composition, pairs in zip(part.compositions, part.pairs, strict=True):
            step = energy_step(pairs, ratio)
            if step is not None:
                raise InputError(
                    f"energies of {place_of([composition], labels, source)} must have one zero, found them "
                    f"{step.size_ev:+.3g} eV off from about frame {frame_name(labels, step.row)} on, against the "
                    "forces: runs of two levels, settings or references may be put together; shift one of them or "
                    "split the file"
                )
