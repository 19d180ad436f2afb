"""Do forces and energies belong together? Energy differences between neighbouring frames, regressed on -F·dx.

The trapezoidal rule E_b - E_a = -(F_a + F_b)/2 · (x_b - x_a) is exact for harmonic energies and third order in the step
else. Forces with the wrong sign or unit, of another level or in another order of rows break it, and no bound on the
size of the numbers sees that. Frames need not come from one trajectory: neighbours are found by their pair distances
and turned onto each other first (Kabsch).

Measured on 12 real sets (ethanol, aspirin, methanol, formaldehyde; DFT, GFN2-xTB, MP2, CCSD and CCSD(T); 500 to 20,000
frames): the ratio lies between .97 and 1.01, the correlation above .98. None of 5,000 random thinnings to 12-600 frames
was refused; with the sign or the scale (Bohr for Å) wrong, all were that have near neighbours, which takes 12 frames of
formaldehyde, 80 of methanol, 150 of ethanol and 600 of aspirin.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from asteroid.compositions import CORRECT_SOME, by_composition, place_of
from asteroid.errors import InputError
from asteroid.neighbour_pairs import pairs_of
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.compositions import Composition
    from asteroid.labels import LabelSet
    from asteroid.neighbour_pairs import NeighbourPairs

#: Fewer pairs say nothing.
PAIRS_MIN = 10
#: A ratio is judged where energy differences follow the forces this closely, whatever the sign and the scale.
CORRELATION_MIN = 0.8
#: Real labels stay well inside; the smallest slip of units, Bohr for Å, is 1.89.
RATIO_MAX = 1.5
#: Worth a note: real sets stay within 3 % over their closest pairs.
RATIO_NOTE = 1.1
#: Below this correlation over this many pairs, forces and energies are strangers.
STRANGERS, STRANGER_PAIRS = 0.3, 30


@dataclass(frozen=True)
class ForceEnergyFit:
    """Energy differences against -F·dx over pairs of neighbouring frames.

    Attributes:
        pairs: number of pairs.
        ratio: energy differences over -F·dx, root mean squares; 1 for forces that fit, negative for gradients.
        ratio_error: standard error of the ratio.
        correlation: of both, without a constant (a swap of a and b changes both signs).
        distance_ang: median distance of the pairs, root mean square over atoms.
        example: frame ids of the closest pair.
        formula: its formula in a set of several molecules, else empty.
        molecules: number of molecules that the pairs are of; a pair is always of one.
    """

    pairs: int
    ratio: float
    ratio_error: float
    correlation: float
    distance_ang: float
    example: tuple[int, int]
    formula: str = ""
    molecules: int = 1

    @property
    def telling(self) -> bool:
        """Whether the ratio can be judged."""
        return abs(self.correlation) >= CORRELATION_MIN

    def sentence(self) -> str:
        """Say how well forces fit energies, for the data card."""
        over = f"{self.pairs} pairs of neighbouring frames ({self.distance_ang:.2g} Å apart)"
        if self.formula:
            over += f" of {self.molecules} molecules" if self.molecules > 1 else f" of {self.formula}"
        if not self.telling:
            return f"forces against energies: neighbouring frames are too different to tell ({over})"
        return f"forces fit energies: dE = {self.ratio:.2f} ± {self.ratio_error:.2f} times -F·dx over {over}"


@dataclass(frozen=True)
class ForceEnergyFits:
    """How well forces fit energies in a set of one molecule or of several.

    Attributes:
        whole: the fit over the pairs of all molecules; None where they are too few.
        parts: in a set of several molecules the fit of each that has pairs enough for one, and one of all others
            together, with their compositions.
    """

    whole: ForceEnergyFit | None
    parts: tuple[tuple[tuple[Composition, ...], ForceEnergyFit], ...]


def fit_forces_to_energies(labels: LabelSet) -> ForceEnergyFit | None:
    """Compare energy differences with forces over the closest pairs of frames.

    Args:
        labels: energies and forces of one level; pairs are of frames of one molecule.

    Returns:
        The fit; None without energies or forces, for one atom, or where no `PAIRS_MIN` frames are near enough.
    """
    return fit_molecules(labels).whole


def fit_molecules(labels: LabelSet) -> ForceEnergyFits:
    """Compare energy differences with forces, over the pairs of all molecules and of each that has enough.

    Args:
        labels: as in `fit_forces_to_energies`.
    """
    found = [(composition, pairs_of(composition, labels)) for composition in by_composition(labels).values()]
    found = [(composition, pairs) for composition, pairs in found if len(pairs)]
    whole = _fit([pairs for _, pairs in found])
    if not labels.varied:
        return ForceEnergyFits(whole, ())
    groups = [[(composition, pairs)] for composition, pairs in found if len(pairs) >= PAIRS_MIN]
    groups.append([(composition, pairs) for composition, pairs in found if len(pairs) < PAIRS_MIN])
    fits = [(tuple(c for c, _ in group), _fit([pairs for _, pairs in group])) for group in groups]
    return ForceEnergyFits(whole, tuple((compositions, fit) for compositions, fit in fits if fit is not None))


def refuse_inconsistent_molecules(labels: LabelSet, fits: ForceEnergyFits, what: str) -> None:
    """Refuse forces that contradict the energies, in all molecules or in some.

    Args:
        labels: the labels.
        fits: from `fit_molecules`.
        what: a name for the message.

    Raises:
        InputError: as in `refuse_inconsistent_forces`; names the molecules where others are sound.
    """
    wrong = [(compositions, fit) for compositions, fit in fits.parts if _contradiction(fit, what)]
    judged = [composition for compositions, _ in fits.parts for composition in compositions]
    if len(wrong) == len(fits.parts):
        refuse_inconsistent_forces(fits.whole, place_of(judged, labels, what) if wrong else what)
    for compositions, fit in wrong:
        if found := _contradiction(fit, place_of(compositions, labels, what)):
            rule, remedy = found
            raise InputError(f"{rule}: {remedy if len(wrong) == len(fits.parts) else CORRECT_SOME}")
    refuse_inconsistent_forces(fits.whole, what)


def refuse_inconsistent_forces(fit: ForceEnergyFit | None, what: str) -> None:
    """Refuse forces that contradict the energies.

    Args:
        fit: from `fit_forces_to_energies`.
        what: a name for the message.

    Raises:
        InputError: the forces have the wrong sign or scale, or have nothing to do with the energies.
    """
    if fit is not None and (found := _contradiction(fit, what)):
        rule, remedy = found
        raise InputError(f"{rule}: {remedy}")


def consistency_notes(fit: ForceEnergyFit | None) -> tuple[str, ...]:
    """A note where forces and energies fit badly, but not as badly as a slip of units would make them."""
    if fit is None or not fit.telling or abs(np.log(abs(fit.ratio))) < max(np.log(RATIO_NOTE), 4 * fit.ratio_error):
        return ()
    return (
        f"energy differences are {fit.ratio:.2f} ± {fit.ratio_error:.2f} times what forces say (1.00 ± 0.03 in "
        "sound sets): noisy forces, or energies of another level or cut-off",
    )


def _fit(found: Sequence[NeighbourPairs]) -> ForceEnergyFit | None:
    """One fit to the pairs of several molecules; None where they are too few."""
    if sum(len(pairs) for pairs in found) < PAIRS_MIN:
        return None
    from_forces = np.concatenate([pairs.from_forces for pairs in found])
    from_energies = np.concatenate([pairs.from_energies for pairs in found])
    rmsd = np.concatenate([pairs.rmsd_ang for pairs in found])
    size = float(np.sqrt(np.square(from_forces).sum())), float(np.sqrt(np.square(from_energies).sum()))
    if not all(size):
        return None
    correlation = float((from_forces * from_energies).sum()) / (size[0] * size[1])
    # The ratio of both sizes has no bias towards zero from errors of -F·dx, as a regression would.
    ratio = float(np.copysign(size[1] / size[0], correlation))
    error = abs(ratio) * float(np.sqrt(max(1 - correlation**2, 0.0) / (len(rmsd) - 1)))
    closest = min(found, key=lambda pairs: float(pairs.rmsd_ang.min()))
    example = closest.frame_ids[int(closest.rmsd_ang.argmin())].tolist()
    median, where = float(np.median(rmsd)), closest.formula
    return ForceEnergyFit(len(rmsd), ratio, error, correlation, median, (example[0], example[1]), where, len(found))


def _contradiction(fit: ForceEnergyFit, what: str) -> tuple[str, str] | None:
    """What is wrong with the forces and its remedy, or nothing."""
    over = f"{fit.pairs} pairs, the closest frames {fit.example[0]} and {fit.example[1]}"
    over += f" ({fit.formula})" if fit.formula else ""
    if fit.telling and fit.ratio < 0:
        return (
            f"forces of {what} must point down the energy, found energy differences of neighbouring frames "
            f"{fit.ratio:.2f} ± {fit.ratio_error:.2f} times -F·dx ({over})",
            "if the file holds gradients, set forces_are: gradients",
        )
    slip = abs(np.log(abs(fit.ratio)))
    if fit.telling and slip > np.log(RATIO_MAX) and slip > 4 * fit.ratio_error / abs(fit.ratio):
        scale = 1 / fit.ratio
        return (
            f"forces of {what} must be the slope of its energies, found them {scale:.3g} ± "
            f"{scale * fit.ratio_error / fit.ratio:.1g} times that between neighbouring frames ({over})"
            f"{_known_factor(scale)}",
            "declare energy_unit, length_unit and force_unit",
        )
    if fit.correlation < STRANGERS and fit.pairs >= STRANGER_PAIRS:
        return (
            f"forces and energies of {what} must belong together, found a correlation of {fit.correlation:.2f} between "
            f"energy differences of neighbouring frames and -F·dx ({over})",
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
