"""Energies differ as much as the forces say, also where no two frames are neighbours.

Springs that are fitted to the forces alone (`asteroid.checks.springs`) give energies too. Frame by frame these are
crude, but their spread over a set is right within a factor of two: energies over springs have .38 to 1.66 in thinnings
to 20-200 frames of the twelve sets of `benchmarks/planted_faults.py` and .76 to 1.42 in 30 frames each of 146 molecules
of the G2 set at 500 K. Energies in another unit than the forces have 4.2 or 23 times that, and so have energies of two
zeros; those of other frames do not correlate with the springs'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.springs import fit_springs
from asteroid.errors import InputError
from asteroid.labels.molecules import formula, split_molecules

if TYPE_CHECKING:
    from asteroid.checks.force_energy import ForceEnergyFit
    from asteroid.labels.label_set import LabelSet

#: Spreads of energies over those of springs that no sound set has.
SPREAD = (0.15, 3.2)
#: Frames that the spread needs, and the correlation; frames that are looked at.
_FRAMES_MIN, _FRAMES_TO_CORRELATE, _FRAMES_MAX = 20, 60, 300
#: Sound sets of so many frames correlate with springs by .25 and more.
_CORRELATION_NOTED = 0.1
_MISFIT_MAX = 0.7


def check_energy_spread(labels: LabelSet, fit: ForceEnergyFit | None, source: str) -> tuple[str, ...]:
    """Refuse energies that are spread much further than the forces make them, or much less.

    Args:
        labels: the labels.
        fit: of neighbouring frames; where it is conclusive it knows better, and nothing is done.
        source: a name for messages.

    Returns:
        A note where energies have nothing to do with the springs'.

    Raises:
        InputError: they are spread so.
    """
    if fit is not None and fit.conclusive:
        return ()
    notes: list[str] = []
    for molecule in split_molecules(labels):
        some = np.unique(np.linspace(0, len(molecule.rows) - 1, min(len(molecule.rows), _FRAMES_MAX)).astype(np.int64))
        found = _against_springs(molecule.labels.select(some)) if len(some) >= _FRAMES_MIN else None
        if found is None:
            continue
        spread, correlation, n = found
        where = f"{formula(molecule.labels.numbers)} in {source}" if labels.varied else source
        if not SPREAD[0] < spread < SPREAD[1]:
            raise InputError(
                f"energies of {where} must differ as the forces say, found them spread {spread:.2g} times as far as "
                "springs fitted to the forces: energies or forces may be in another unit, or the energies of two zeros "
                "or of other frames; declare energy_unit and force_unit, or correct them"
            )
        if n >= _FRAMES_TO_CORRELATE and correlation < _CORRELATION_NOTED:
            notes.append(
                f"energies of {where} have a correlation of {correlation:.2f} with those of springs fitted to the "
                f"forces ({n} frames; usual: .3 to 1): check the order of the energies and their zero"
            )
    return tuple(notes)


def _against_springs(labels: LabelSet) -> tuple[float, float, int] | None:
    """Spread of the energies over that of springs, their correlation, and the frames that were compared."""
    if labels.energy is None or labels.forces is None or len(labels.numbers) < 2:
        return None
    fit = fit_springs(labels, np.ones(len(labels), dtype=np.bool_), _MISFIT_MAX)
    if fit is None or fit.applies.sum() < _FRAMES_MIN:
        return None
    energy = labels.energy[fit.applies] - labels.energy[fit.applies].mean()
    of_springs = energy - fit.energy_off_ev[fit.applies]
    of_springs = of_springs - of_springs.mean()
    sizes = float(np.sqrt(np.square(energy).mean())), float(np.sqrt(np.square(of_springs).mean()))
    if not all(sizes):
        return None
    return sizes[0] / sizes[1], float((energy * of_springs).mean()) / (sizes[0] * sizes[1]), int(fit.applies.sum())
