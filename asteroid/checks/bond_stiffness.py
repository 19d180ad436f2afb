"""Are bonds as stiff as bonds are? It tells the sign and the size of forces without energies and without neighbours.

An atom with a single bond is pulled back along it by -k (r - r0), nearly whatever else the molecule does, and k follows
from the length of the bond and the rows of its two elements: k = 1.86 mdyn Å² / (r - d)^3 (R. M. Badger, J. Chem. Phys.
3, 710 (1935), whose d for hydrogen and the second row is .335 and here .36, at which C-H, N-H and O-H come out at 1).
The slopes of all such atoms together, over those of the rule, are the stiffness of a set; those of one frame its own.

Measured on the twelve sets of `benchmarks/planted_faults.py` and on 30 frames each of the molecules of the G2 set at
500 K (GFN2-xTB), and on ions, dimers, scans and relaxations: see `STIFFNESS` and `STIFFNESS_OF_FRAME`. Gradients in
place of forces give -1, a slip of kJ for kcal 4.2 or .24.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labels.compositions import FRAMES_SHOWN, frame_name, listed
from asteroid.labels.molecules import split_molecules
from asteroid.labels.sites import bonds

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray, LabelSet

#: Stiffness that a set may have. Bonds of hydrogen in sound sets of eight frames or more have .7 to 1.6.
STIFFNESS = (0.4, 2.6)
#: The same of molecules without such bonds: NaCl .33, Cl2C=CCl2 and CCl4 .5, P2 1.6, Si2 1.7.
STIFFNESS_WITHOUT_HYDROGEN = (0.2, 3.2)
#: Stiffness that a frame may have; those of sound sets that tell (`_TELLS`) have .5 to 1.9.
STIFFNESS_OF_FRAME = (0.25, 3.0)
#: Standard errors by which the stiffness of a set must be out of bounds.
_ERRORS = 5.0
#: More frames out of bounds than this share of those that tell are a part of another kind than the rest.
_FRAMES_MAX = 0.1
#: A frame tells where its bonds are stretched by so much together, the root of the sum of squares in Å.
_TELLS = 0.08
#: Bonds further than this share of their length from the median one are on their way to break.
_STRETCH_MAX = 0.15
#: Bonds that stay nearer to their median length than this, in Å, are rigid: turns about them say nothing.
_STRETCH_MIN = 0.003
#: Fewer deviations of a bond from its median say nothing.
_BONDS_SEEN_MIN = 16
#: Of a molecule with fewer frames none is judged by itself.
_FRAMES_MIN = 8
#: Of a molecule with fewer the median length of a bond says nothing.
_FRAMES_TOGETHER = 3
#: Frames from which bonds are read off.
_FRAMES_FOR_BONDS = 200
#: Badger's constant in eV Å (1 mdyn/Å is 6.2415 eV/Å²), and his d in Å by the rows of both elements.
_BADGER = 1.86 * 6.2415
_BADGER_D = {
    (1, 1): 0.025,
    (1, 2): 0.36,
    (1, 3): 0.585,
    (1, 4): 0.65,
    (1, 5): 0.74,
    (2, 2): 0.68,
    (2, 3): 0.94,
    (3, 3): 1.18,
}
#: Bonds shorter than this beyond d are no bonds.
_BEYOND_D_MIN = 0.2


@dataclass(frozen=True, eq=False)
class BondStiffness:
    """Slopes of forces along bonds over those that such bonds have.

    Attributes:
        of_set: over all frames.
        error: its standard error.
        of_frame: of each frame, shape [N]; NaN where its bonds are too near their median lengths to tell.
        error_of_frame: standard errors of those, shape [N].
        usual: median of those of the frame's molecule, shape [N].
        of_hydrogen: whether the bonds are those of hydrogen.
    """

    of_set: float
    error: float
    of_frame: FloatArray
    error_of_frame: FloatArray
    usual: FloatArray
    of_hydrogen: bool

    @property
    def is_impossible(self) -> bool:
        """Whether no molecule has it."""
        low, high = STIFFNESS if self.of_hydrogen else STIFFNESS_WITHOUT_HYDROGEN
        return self.of_set + _ERRORS * self.error < low or self.of_set - _ERRORS * self.error > high

    def impossible_frames(self) -> IntArray:
        """Rows of frames whose own stiffness is out of bounds."""
        low, high = STIFFNESS_OF_FRAME
        return np.flatnonzero(
            (self.of_frame + self.error_of_frame < low) | (self.of_frame - self.error_of_frame > high)
        )

    def odd_frames(self) -> IntArray:
        """Rows of frames whose own stiffness is out of bounds by far, where that of their molecule is not."""
        low, high = STIFFNESS_OF_FRAME
        beyond = _ERRORS * self.error_of_frame
        off = (self.of_frame + beyond < low) | (self.of_frame - beyond > high * np.maximum(self.usual, 1.0))
        return np.flatnonzero(off & (self.usual > low) & (self.usual < high))


def bond_stiffness(labels: LabelSet) -> BondStiffness | None:
    """Measure how stiff the single bonds of outer atoms are: of hydrogens, or of others where these tell nothing.

    Args:
        labels: forces [N, A, 3] in eV/Å; molecules of a varied set are measured one by one and put together.

    Returns:
        The stiffness; None without forces, without such atoms, or where bonds hardly move.
    """
    if labels.forces is None:
        return None
    return _measured(labels, of_hydrogen=True) or _measured(labels, of_hydrogen=False)


def _measured(labels: LabelSet, *, of_hydrogen: bool) -> BondStiffness | None:
    of_frames = np.full((3, len(labels)), np.nan)
    sums, seen = np.zeros(3), 0
    for molecule in split_molecules(labels):
        if len(molecule.rows) < _FRAMES_TOGETHER:
            continue
        stretch, pull = _pulls(molecule.labels, of_hydrogen=of_hydrogen)
        seen += np.count_nonzero(stretch) - stretch.shape[1]
        own = np.array([(stretch * pull).sum(axis=1), np.square(stretch).sum(axis=1), np.square(pull).sum(axis=1)])
        sums += own.sum(axis=1)
        tells = own[1] > _TELLS**2
        if len(tells) >= _FRAMES_MIN and tells.any():
            of_frames[:, molecule.rows[tells]] = _of_frames(own[:, tells], stretch.shape[1])
    both, squares, pulls = sums.tolist()
    if seen < _BONDS_SEEN_MIN or squares < seen * _STRETCH_MIN**2:
        return None
    of_set = both / squares
    error = float(np.sqrt(max(pulls - of_set**2 * squares, 0.0) / seen / squares))
    of_frame, error_of_frame, usual = of_frames
    return BondStiffness(of_set, error, of_frame, error_of_frame, usual, of_hydrogen)


def _of_frames(sums: FloatArray, n_bonds: int) -> FloatArray:
    """Stiffness of each frame of a molecule, its error and the usual one, shape [3, n], from sums over its bonds."""
    both, squares, pulls = sums
    found = both / squares
    # What the median slope leaves of the median frame: a part of the set that is broken does not decide.
    usual = np.full(len(found), np.median(found))
    left = np.maximum(pulls - 2 * usual * both + usual**2 * squares, 0.0) / n_bonds
    return np.array([found, np.sqrt(np.median(left) / squares), usual])


def refuse_impossible_stiffness(labels: LabelSet, stiffness: BondStiffness | None, source: str) -> None:
    """Refuse forces that would make bonds impossibly stiff or slack, or push them apart.

    Args:
        labels: the labels.
        stiffness: from `bond_stiffness`.
        source: a name for the message.

    Raises:
        InputError: those of the set or of several frames would.
    """
    if stiffness is None:
        return
    if stiffness.is_impossible:
        found, error = stiffness.of_set, stiffness.error
        if found < 0:
            raise InputError(
                f"forces of {source} must pull stretched bonds back, found that they push them apart (at {found:.2f} ± "
                f"{error:.1g} times the stiffness that such bonds have): if the file holds gradients, set forces_are: "
                "gradients"
            )
        raise InputError(
            f"forces of {source} must be as large as bonds make them, found bonds {found:.3g} ± {error:.1g} times as "
            "stiff as bonds of their lengths are: declare energy_unit, length_unit and force_unit"
        )
    rows = stiffness.impossible_frames()
    if len(rows) > max(1.0, _FRAMES_MAX * np.isfinite(stiffness.of_frame).sum()):
        names = listed([frame_name(labels, int(row)) for row in rows[:FRAMES_SHOWN]], len(rows))
        raise InputError(
            f"forces of {source} must be as large as bonds make them, found bonds {stiffness.of_frame[rows[0]]:.2g} "
            f"times as stiff as such bonds are in frame {frame_name(labels, int(rows[0]))} ({len(rows)} such frames: "
            f"{names}): a part of the set may hold gradients or forces in another unit; correct or remove it"
        )


def _pulls(labels: LabelSet, *, of_hydrogen: bool) -> tuple[FloatArray, FloatArray]:
    """By frame and outer atom, shape [n, bonds]: how far its bond is from the median, and its pull over Badger's k."""
    assert labels.forces is not None
    numbers, positions = labels.numbers, labels.positions
    some = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), _FRAMES_FOR_BONDS)).astype(np.int64))
    found = bonds(numbers, positions[some]) if len(numbers) > 1 else []
    counts = np.bincount(np.array(found, dtype=np.int64).ravel(), minlength=len(numbers))
    stretches, pulls = [], []
    for one, other in found:
        outer, inner = (one, other) if counts[one] == 1 else (other, one)
        d = _BADGER_D.get(_rows_of_table(numbers[outer], numbers[inner]))
        if counts[outer] != 1 or d is None or of_hydrogen != (1 in (numbers[outer], numbers[inner])):
            continue
        bond = positions[:, outer] - positions[:, inner]
        length = np.linalg.norm(bond, axis=1)
        usual = float(np.median(length))
        if usual - d < _BEYOND_D_MIN:
            continue
        near = np.abs(length - usual) < _STRETCH_MAX * usual
        if not near.any():
            continue  # the median of two lengths that are far apart
        along = -(labels.forces[:, outer] * bond).sum(axis=1) / np.maximum(length, 1e-6)
        stretches.append(np.where(near, length - length[near].mean(), 0.0))
        pulls.append(np.where(near, along - along[near].mean(), 0.0) * (usual - d) ** 3 / _BADGER)
    if not stretches:
        return np.zeros((len(labels), 0)), np.zeros((len(labels), 0))
    return np.stack(stretches, axis=1), np.stack(pulls, axis=1)


def _rows_of_table(one: int, other: int) -> tuple[int, int]:
    """Rows of the periodic table of two elements, the smaller first."""
    first, second = sorted(1 + sum(number > end for end in (2, 10, 18, 36, 54, 86)) for number in (one, other))
    return first, second
