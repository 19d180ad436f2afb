"""Forces that contradict the energies: of the wrong sign or scale, or of other frames, in all molecules or in some.

The measurements behind the bounds are in the docstring of `asteroid.checks.force_energy`.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labels.compositions import CORRECT_SOME, FRAMES_SHOWN, frame_name, listed, place_of
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG

if TYPE_CHECKING:
    from asteroid.checks.force_energy import ForceEnergyFit, ForceEnergyFits
    from asteroid.labels.label_set import LabelSet

#: Real labels stay well inside; the smallest slip of units, Bohr for Å, is 1.89.
RATIO_MAX = 1.5
#: Below this correlation over this many pairs, forces and energies have nothing to do with each other.
UNRELATED_CORRELATION, UNRELATED_PAIRS = 0.3, 30
#: Where so many of at least so many pairs contradict each other, no few frames are to blame. In sound sets, and their
#: thinnings, none do: a note is rarer than one in ten thousand (`asteroid.checks.force_energy_notes`).
CONTRADICTING_SHARE, CONTRADICTING_PAIRS = 0.25, 30


def refuse_inconsistent_molecules(labels: LabelSet, fits: ForceEnergyFits, source: str) -> None:
    """Refuse forces that contradict the energies, in all molecules or in some.

    Args:
        labels: the labels.
        fits: from `fit_molecules`.
        source: a name for the message.

    Raises:
        InputError: as in `refuse_inconsistent_forces`; names the molecules where others are sound.
    """
    parts = [(part.compositions, part.fit) for part in fits.parts if part.fit is not None] if labels.varied else []
    wrong = [(compositions, fit) for compositions, fit in parts if _contradiction(fit, source)]
    judged = [composition for compositions, _ in parts for composition in compositions]
    if len(wrong) == len(parts):
        refuse_inconsistent_forces(fits.whole, place_of(judged, labels, source) if wrong else source)
    for compositions, fit in wrong:
        if found := _contradiction(fit, place_of(compositions, labels, source)):
            rule, remedy = found
            raise InputError(f"{rule}: {remedy if len(wrong) == len(parts) else CORRECT_SOME}")
    refuse_inconsistent_forces(fits.whole, source)
    _refuse_contradictions(labels, fits, source)


def _refuse_contradictions(labels: LabelSet, fits: ForceEnergyFits, source: str) -> None:
    """Refuse sets in which many pairs contradict each other, though all together fit: energies of two levels, say."""
    for part in fits.parts:
        found = part.contradictions
        if found is None or found.pairs < CONTRADICTING_PAIRS:
            continue
        if found.clear >= CONTRADICTING_SHARE * found.pairs:
            names = listed([frame_name(labels, int(row)) for row in found.rows[:FRAMES_SHOWN]], len(found.rows))
            raise InputError(
                f"energies and forces of {place_of(part.compositions, labels, source)} must belong together, found "
                f"{found.contradicting} of {found.pairs} pairs of neighbouring frames that contradict each other (look "
                f"at frames {names}): energies may be of two levels, of other frames or rounded; write those of one "
                "level, in full and in the order of the geometries"
            )


def refuse_inconsistent_forces(fit: ForceEnergyFit | None, source: str) -> None:
    """Refuse forces that contradict the energies.

    Args:
        fit: from `fit_forces_to_energies`.
        source: a name for the message.

    Raises:
        InputError: the forces have the wrong sign or scale, or have nothing to do with the energies.
    """
    if fit is not None and (found := _contradiction(fit, source)):
        rule, remedy = found
        raise InputError(f"{rule}: {remedy}")


def _contradiction(fit: ForceEnergyFit, source: str) -> tuple[str, str] | None:
    """What is wrong with the forces and its remedy, or nothing."""
    over = f"{fit.pairs} pairs, the closest frames {fit.example[0]} and {fit.example[1]}"
    over += f" ({fit.formula})" if fit.formula else ""
    if fit.conclusive and fit.ratio < 0:
        return (
            f"forces of {source} must point down the energy, found energy differences of neighbouring frames "
            f"{fit.ratio:.2f} ± {fit.ratio_error:.2f} times -F·dx ({over})",
            "if the file holds gradients, set forces_are: gradients",
        )
    slip = abs(np.log(abs(fit.ratio)))
    if fit.conclusive and slip > np.log(RATIO_MAX) and slip > 4 * fit.ratio_error / abs(fit.ratio):
        scale = 1 / fit.ratio
        return (
            f"forces of {source} must be the slope of its energies, found them {scale:.3g} ± "
            f"{scale * fit.ratio_error / fit.ratio:.1g} times that between neighbouring frames ({over})"
            f"{_known_factor(scale)}",
            "declare energy_unit, length_unit and force_unit",
        )
    if fit.correlation < UNRELATED_CORRELATION and fit.pairs >= UNRELATED_PAIRS:
        return (
            f"forces and energies of {source} must belong together, found a correlation of {fit.correlation:.2f} "
            f"between energy differences of neighbouring frames and -F·dx ({over})",
            "check keys and order of rows",
        )
    return None


def _known_factor(scale: float) -> str:
    """Name the ratio of units that a factor equals to 5 %."""
    energies = {**ENERGY_IN_EV, "Rydberg": ENERGY_IN_EV["Hartree"] / 2}
    lengths = {name: LENGTH_IN_ANG[name] for name in ("Bohr", "Angstrom")}
    per_ang = {f"{name}/Angstrom": energies[name] for name in ("eV", "kcal/mol", "kJ/mol")}
    forces = per_ang | {f"{name}/Bohr": energies[name] / lengths["Bohr"] for name in ("Hartree", "Rydberg")}
    for units in (lengths, energies, forces):
        table = {(a, b): units[a] / units[b] for a, b in permutations(units, 2)}
        (first, second), value = min(table.items(), key=lambda entry: abs(np.log(entry[1] / scale)))
        if abs(np.log(value / scale)) < 0.05:
            return f", and one {first} is {value:.4g} {second}"
    return ""
