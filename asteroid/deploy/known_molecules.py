"""Whether frames are of a molecule that a model knows, with the atoms in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import covalent_radii

from asteroid.errors import InputError
from asteroid.labels.atom_order import matching_order
from asteroid.labels.label_set import LabelSet
from asteroid.labels.molecules import formula, formulas, split_molecules
from asteroid.labels.sites import BROKEN_RATIO_MIN, bonds, equivalent_sites

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray

#: Closer atoms lie on top of each other; the shortest bond, that of H2, is 0.74 Å.
TOO_CLOSE_ANG = 0.3


def refuse_unknown(known: LabelSet, numbers: IntArray, positions: FloatArray) -> None:
    """Refuse frames of a molecule that a model was not trained on.

    Bonds tell like atoms apart, as they tell the descriptors. Of a geometry whose bonds are stretched beyond
    recognition it is asked whether the bonds of the training frames still hold.

    Args:
        known: frames that the model was trained on.
        numbers: atomic numbers [A].
        positions: [B, A, 3] in Å.

    Raises:
        InputError: positions are no numbers, atoms lie on top of each other, or the molecule is another one; an order
            of the atoms is offered where that is all.
    """
    refuse_impossible(positions)
    names = formulas(known)
    if formula(numbers) not in names:
        raise InputError(
            f"the model was trained on {', '.join(names)}, found {formula(numbers)}: it says nothing about other "
            "molecules"
        )
    if known.varied:
        return
    given = LabelSet(numbers, positions, None, None, known.level)
    if np.array_equal(numbers, known.numbers) and _has_sites_of(known, positions):
        return
    order = matching_order(given, known)
    if order is not None and list(order) != list(range(len(numbers))):
        raise InputError(
            "the model needs the atoms in the order of its training frames "
            f"({', '.join(str(int(z)) for z in known.numbers)}), found another one "
            f"({', '.join(str(int(z)) for z in numbers)}): reorder them, atoms[{list(order)}]"
        )
    if order is None and not (np.array_equal(numbers, known.numbers) and _holds_together(known, positions)):
        raise InputError(
            f"the model was trained on one isomer of {formula(numbers)}, found other bonds: it says nothing about "
            "other molecules"
        )


def refuse_impossible(positions: FloatArray) -> None:
    """Refuse frames [B, A, 3] whose positions are no numbers or whose atoms lie on top of each other.

    Raises:
        InputError: the first such frame is named.
    """
    broken = np.flatnonzero(~np.isfinite(positions).all(axis=(1, 2)))
    if len(broken):
        raise InputError(f"positions must be finite, found NaN or infinity in frame {broken[0]}: remove the frame")
    first, second = np.triu_indices(positions.shape[1], 1)
    if not len(first) or not len(positions):
        return
    distance = np.linalg.norm(positions[:, first] - positions[:, second], axis=2)
    if distance.min() < TOO_CLOSE_ANG:
        frame, pair = np.unravel_index(distance.argmin(), distance.shape)
        raise InputError(
            f"atoms must lie apart, found {distance.min():.2f} Å between atoms {first[pair]} and {second[pair]} of "
            f"frame {frame}: check the unit of length (Å) and the geometry"
        )


def bond_ratios(numbers: IntArray, positions: FloatArray, bonded: list[tuple[int, int]]) -> FloatArray:
    """Lengths of bonds over sums of covalent radii, [B, bonds]."""
    pairs = np.array(bonded, dtype=np.int64).reshape(-1, 2)
    radii = covalent_radii[numbers][pairs].sum(axis=1)
    length = np.linalg.norm(positions[:, pairs[:, 0]] - positions[:, pairs[:, 1]], axis=2)
    ratios: FloatArray = length / radii
    return ratios


def one_molecule(frames: LabelSet) -> LabelSet:
    """The frames of the first molecule of a set."""
    return split_molecules(frames)[0].labels


def _has_sites_of(known: LabelSet, positions: FloatArray) -> bool:
    return equivalent_sites(known.numbers, positions) == equivalent_sites(known.numbers, known.positions)


def _holds_together(known: LabelSet, positions: FloatArray) -> bool:
    """Whether the bonds of the training frames hold in the frames, by their median length."""
    ratios = np.median(bond_ratios(known.numbers, positions, bonds(known.numbers, known.positions)), axis=0)
    return bool((ratios < BROKEN_RATIO_MIN).all())
