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
from scipy.spatial import cKDTree

from asteroid.errors import InputError
from asteroid.matching import MATCH_TOL_ANG, kabsch, pair_distances
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG

if TYPE_CHECKING:
    from asteroid.labels import FloatArray, IntArray, LabelSet

#: Frames further apart than this (root mean square over atoms, turned onto each other) are no neighbours: thermal
#: molecules are .2-.7 Å apart, and there the trapezoidal rule gives ratios down to .2.
NEIGHBOUR_ANG = 0.15
#: Fewer pairs say nothing.
PAIRS_MIN = 10
PAIRS_MAX = 300
#: A ratio is judged where energy differences follow the forces this closely, whatever the sign and the scale.
CORRELATION_MIN = 0.8
#: Real labels stay well inside; the smallest slip of units, Bohr for Å, is 1.89.
RATIO_MAX = 1.5
#: Worth a note: real sets stay within 3 % over their closest pairs.
RATIO_NOTE = 1.1
#: Below this correlation over this many pairs, forces and energies are strangers.
STRANGERS, STRANGER_PAIRS = 0.3, 30

_FRAMES_ASKED = 2000
_NEIGHBOURS = 3
_PROJECTIONS = 10
_BLOCK = 4096


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
    """

    pairs: int
    ratio: float
    ratio_error: float
    correlation: float
    distance_ang: float
    example: tuple[int, int]

    @property
    def telling(self) -> bool:
        """Whether the ratio can be judged."""
        return abs(self.correlation) >= CORRELATION_MIN

    def sentence(self) -> str:
        """Say how well forces fit energies, for the data card."""
        over = f"{self.pairs} pairs of neighbouring frames ({self.distance_ang:.2g} Å apart)"
        if not self.telling:
            return f"forces against energies: neighbouring frames are too different to tell ({over})"
        return f"forces fit energies: dE = {self.ratio:.2f} ± {self.ratio_error:.2f} times -F·dx over {over}"


def fit_forces_to_energies(labels: LabelSet) -> ForceEnergyFit | None:
    """Compare energy differences with forces over the closest pairs of frames.

    Args:
        labels: energies and forces of one level.

    Returns:
        The fit; None without energies or forces, for one atom, or where no `PAIRS_MIN` frames are near enough.
    """
    if labels.energy is None or labels.forces is None or len(labels.numbers) < 2 or len(labels) < 2:
        return None
    a, b = _neighbours(labels.positions)
    rotation, rmsd = kabsch(labels.positions[a], labels.positions[b])
    near = (rmsd < NEIGHBOUR_ANG) & (rmsd > MATCH_TOL_ANG)
    a, b, rotation, rmsd = a[near], b[near], rotation[near], rmsd[near]
    if len(a) < PAIRS_MIN:
        return None
    centred = labels.positions - labels.positions.mean(axis=1, keepdims=True)
    step = np.einsum("pij,paj->pai", rotation, centred[b]) - centred[a]
    mean_force = (labels.forces[a] + np.einsum("pij,paj->pai", rotation, labels.forces[b])) / 2
    from_forces = -(mean_force * step).sum(axis=(1, 2))
    from_energies = labels.energy[b] - labels.energy[a]
    size = float(np.sqrt(np.square(from_forces).sum())), float(np.sqrt(np.square(from_energies).sum()))
    if not all(size):
        return None
    correlation = float((from_forces * from_energies).sum()) / (size[0] * size[1])
    # The ratio of both sizes has no bias towards zero from errors of -F·dx, as a regression would.
    ratio = float(np.copysign(size[1] / size[0], correlation))
    error = abs(ratio) * float(np.sqrt(max(1 - correlation**2, 0.0) / (len(a) - 1)))
    closest = int(rmsd.argmin())
    example = int(labels.frame_id[a[closest]]), int(labels.frame_id[b[closest]])
    return ForceEnergyFit(len(a), ratio, error, correlation, float(np.median(rmsd)), example)


def refuse_inconsistent_forces(fit: ForceEnergyFit | None, what: str) -> None:
    """Refuse forces that contradict the energies.

    Args:
        fit: from `fit_forces_to_energies`.
        what: a name for the message.

    Raises:
        InputError: the forces have the wrong sign or scale, or have nothing to do with the energies.
    """
    if fit is None:
        return
    over = f"{fit.pairs} pairs, the closest frames {fit.example[0]} and {fit.example[1]}"
    if fit.telling and fit.ratio < 0:
        raise InputError(
            f"forces of {what} must point down the energy, found energy differences of neighbouring frames "
            f"{fit.ratio:.2f} ± {fit.ratio_error:.2f} times -F·dx ({over}): if the file holds gradients, set "
            "forces_are: gradients"
        )
    slip = abs(np.log(abs(fit.ratio)))
    if fit.telling and slip > np.log(RATIO_MAX) and slip > 4 * fit.ratio_error / abs(fit.ratio):
        scale = 1 / fit.ratio
        raise InputError(
            f"forces of {what} must be the slope of its energies, found them {scale:.3g} ± "
            f"{scale * fit.ratio_error / fit.ratio:.1g} times that between neighbouring frames ({over})"
            f"{_known_factor(scale)}: declare energy_unit, length_unit and force_unit"
        )
    if fit.correlation < STRANGERS and fit.pairs >= STRANGER_PAIRS:
        raise InputError(
            f"forces and energies of {what} must belong together, found a correlation of {fit.correlation:.2f} between "
            f"energy differences of neighbouring frames and -F·dx ({over}): check keys and order of rows"
        )


def consistency_notes(fit: ForceEnergyFit | None) -> tuple[str, ...]:
    """A note where forces and energies fit badly, but not as badly as a slip of units would make them."""
    if fit is None or not fit.telling or abs(np.log(abs(fit.ratio))) < max(np.log(RATIO_NOTE), 4 * fit.ratio_error):
        return ()
    return (
        f"energy differences are {fit.ratio:.2f} ± {fit.ratio_error:.2f} times what forces say (1.00 ± 0.03 in "
        "sound sets): noisy forces, or energies of another level or cut-off",
    )


def _neighbours(positions: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs of rows (a < b) that are near in their pair distances, the closest first, at most `PAIRS_MAX`."""
    pairs = np.triu_indices(positions.shape[1], 1)
    n = len(positions)
    sample = pair_distances(positions[:: n // _BLOCK + 1], pairs)
    directions = np.eye(sample.shape[1])
    if sample.shape[1] > _PROJECTIONS:  # a KD-tree degenerates in hundreds of dimensions
        directions = np.linalg.eigh(np.cov(sample, rowvar=False))[1][:, -_PROJECTIONS:]
    points = np.concatenate(
        [pair_distances(positions[at : at + _BLOCK], pairs) @ directions for at in range(0, n, _BLOCK)]
    )
    asked = np.unique(np.linspace(0, n - 1, min(n, _FRAMES_ASKED)).astype(np.int64))
    _, found = cKDTree(points).query(points[asked], k=min(_NEIGHBOURS + 1, n))
    rows, others = np.repeat(asked, found.shape[1]), found.ravel().astype(np.int64)
    both = np.unique(np.stack([np.minimum(rows, others), np.maximum(rows, others)], axis=1), axis=0)
    a, b = both[both[:, 0] < both[:, 1]].T
    distance = np.square(pair_distances(positions[a], pairs) - pair_distances(positions[b], pairs)).mean(axis=1)
    closest = np.argsort(distance, kind="stable")[:PAIRS_MAX]
    return a[closest], b[closest]


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
