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

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.contradicting_pairs import contradictions
from asteroid.checks.neighbour_pairs import pairs_of
from asteroid.labels.compositions import by_composition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.checks.contradicting_pairs import Contradictions
    from asteroid.checks.neighbour_pairs import NeighbourPairs
    from asteroid.labels.compositions import Composition
    from asteroid.labels.label_set import FloatArray, LabelSet

#: Fewer pairs say nothing.
PAIRS_MIN = 10
#: A ratio is judged where energy differences follow the forces this closely, whatever the sign and the scale.
CORRELATION_MIN = 0.8
#: Worth a note beyond this and so many standard errors; see `asteroid.checks.force_energy_notes`.
RATIO_NOTE, RATIO_NOTE_ERRORS = 1.1, 3.0
#: Pairs nearer than this have a correlation of .86 or more in all sets and thinnings measured in that module.
FAR_ANG = 0.1


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
        contradicting: pairs whose energies and forces contradict each other, where these are too many for chance.
        weighted_ratio: the ratio where pairs count by what they tell and not by their energy (in units of
            `NeighbourPairs.tolerance_ev`), so that no few of them decide.
    """

    pairs: int
    ratio: float
    ratio_error: float
    correlation: float
    distance_ang: float
    example: tuple[int, int]
    formula: str = ""
    molecules: int = 1
    contradicting: int = 0
    weighted_ratio: float = 1.0

    @property
    def conclusive(self) -> bool:
        """Whether the ratio can be judged."""
        return abs(self.correlation) >= CORRELATION_MIN

    @property
    def fits_badly(self) -> bool:
        """Whether forces and energies fit badly, though perhaps not as badly as a slip of units would make them."""
        if not self.conclusive or self.ratio * self.weighted_ratio < 0:
            return False
        slip, weighted_slip = np.log(abs(self.ratio)), np.log(abs(self.weighted_ratio))
        beyond = np.log(RATIO_NOTE) + RATIO_NOTE_ERRORS * self.ratio_error / abs(self.ratio)
        off = abs(slip) > beyond and slip * weighted_slip > 0 and abs(weighted_slip) > np.log(RATIO_NOTE)
        return self.ratio < 0 or bool(off)

    def sentence(self) -> str:
        """Say how well forces fit energies, for the data card."""
        over = f"{self.pairs} pairs of neighbouring frames ({self.distance_ang:.2g} Å apart)"
        if self.formula:
            over += f" of {self.molecules} molecules" if self.molecules > 1 else f" of {self.formula}"
        if self.contradicting and not self.conclusive:
            return f"forces against energies: {self.contradicting} of {over} contradict each other"
        if not self.conclusive:
            why = "neighbouring frames are too different to tell" if self.distance_ang > FAR_ANG else "they hardly fit"
            return f"forces against energies: {why} (a correlation of {self.correlation:.2f}, {over})"
        fit = f"forces fit energies: dE = {self.ratio:.2f} ± {self.ratio_error:.2f} times -F·dx over {over}"
        return f"{fit}, but {self.contradicting} of them contradict each other" if self.contradicting else fit


@dataclass(frozen=True, eq=False)
class PartFit:
    """Some molecules of a set that are judged together.

    Attributes:
        compositions: the molecules: one with pairs enough for a fit, or all others together.
        pairs: their pairs, for each molecule.
        fit: the fit over these; None where they are too few.
        contradictions: pairs that contradict each other, apart from a common factor that the whole fit has; or None.
    """

    compositions: tuple[Composition, ...]
    pairs: tuple[NeighbourPairs, ...]
    fit: ForceEnergyFit | None
    contradictions: Contradictions | None


@dataclass(frozen=True, eq=False)
class ForceEnergyFits:
    """How well forces fit energies in a set of one molecule or of several.

    Attributes:
        whole: the fit over the pairs of all molecules; None where they are too few.
        parts: the molecules that have pairs; of a set of one molecule that one.
    """

    whole: ForceEnergyFit | None
    parts: tuple[PartFit, ...]


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
    whole = fit_pairs([pairs for _, pairs in found])
    groups = [[(composition, pairs)] for composition, pairs in found if len(pairs) >= PAIRS_MIN]
    groups.append([(composition, pairs) for composition, pairs in found if len(pairs) < PAIRS_MIN])
    parts = tuple(_part(group) for group in groups if group)
    contradicting = sum(part.contradictions.contradicting for part in parts if part.contradictions)
    return ForceEnergyFits(whole and replace(whole, contradicting=contradicting), parts)


def _part(group: Sequence[tuple[Composition, NeighbourPairs]]) -> PartFit:
    pairs = tuple(pairs for _, pairs in group)
    fit = fit_pairs(pairs)
    ratio = fit.weighted_ratio if fit is not None and fit.fits_badly else 1.0
    return PartFit(tuple(composition for composition, _ in group), pairs, fit, contradictions(pairs, ratio))


def fit_pairs(found: Sequence[NeighbourPairs]) -> ForceEnergyFit | None:
    """One fit to the pairs of several molecules; None where they are too few."""
    if sum(len(pairs) for pairs in found) < PAIRS_MIN:
        return None
    from_forces = np.concatenate([pairs.from_forces for pairs in found])
    from_energies = np.concatenate([pairs.from_energies for pairs in found])
    rmsd = np.concatenate([pairs.rmsd_ang for pairs in found])
    correlation, ratio = _correlation(from_forces, from_energies)
    if not correlation:
        return None
    tolerance = np.concatenate([pairs.tolerance_ev for pairs in found])
    weighted_ratio = _correlation(from_forces / tolerance, from_energies / tolerance)[1]
    error = abs(ratio) * float(np.sqrt(max(1 - correlation**2, 0.0) / (len(rmsd) - 1)))
    closest = min(found, key=lambda pairs: float(pairs.rmsd_ang.min()))
    example = closest.frame_ids[int(closest.rmsd_ang.argmin())].tolist()
    median, where = float(np.median(rmsd)), closest.formula
    return ForceEnergyFit(
        len(rmsd),
        ratio,
        error,
        correlation,
        median,
        (example[0], example[1]),
        where,
        len(found),
        weighted_ratio=weighted_ratio,
    )


def _correlation(from_forces: FloatArray, from_energies: FloatArray) -> tuple[float, float]:
    """Correlation and ratio, both 0 where there is none."""
    size = float(np.sqrt(np.square(from_forces).sum())), float(np.sqrt(np.square(from_energies).sum()))
    if not all(size):
        return 0.0, 0.0
    correlation = float((from_forces * from_energies).sum()) / (size[0] * size[1])
    # The ratio of both sizes has no bias towards zero from errors of -F·dx, as a regression would.
    return correlation, float(np.copysign(size[1] / size[0], correlation))
