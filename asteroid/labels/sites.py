"""Sites: which atoms of a molecule are alike, read off its bonds.

Two hydrogens of a methyl group exchange places within picoseconds and must look alike to a model; the hydrogen of the
hydroxyl group never joins them. Descriptors that keep such atoms apart resolve every pair of sites by itself and learn
from far fewer labels, for as long as no bond breaks. sGDML uses the same knowledge (Chmiela et al., Comput. Phys.
Commun. 240, 38 (2019)); here a site may be larger than a set of atoms that symmetry exchanges, never smaller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import covalent_radii
from scipy.spatial.distance import pdist

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.labels.label_set import FloatArray, IntArray

#: Two atoms are bonded whose median distance is below this many sums of covalent radii (Cordero et al., Dalton Trans.
#: 2008, 2832). Near room temperature the bonds of methanol, ethanol and aspirin lie at 1.05 or less and all other pairs
#: at 1.59 or more.
BOND_RATIO_MAX = 1.3
#: Samples of ethanol and aspirin at 500 K stretch bonds to 1.26 sums, of formaldehyde at 2,000 K to 1.31.
BROKEN_RATIO_MIN = 1.6

#: From so many atoms on, most of the N^2 pairs are told to be no bonds at one glance.
_ATOMS_MANY = 30


def bonds(numbers: IntArray, positions: FloatArray) -> list[tuple[int, int]]:
    """Bonded pairs of atoms (i < j), by their median distance over the frames.

    Args:
        numbers: atomic numbers [A].
        positions: [N, A, 3] in Å.

    Raises:
        InputError: there is no frame, or each has atoms of its own.
    """
    if not len(positions):
        raise InputError("bonds are read off frames, found none: give at least one frame")
    if np.ndim(numbers) != 1:
        raise InputError(
            f"bonds are those of one molecule, found atoms of {len(numbers)} frames: take one molecule at a time"
        )
    radii = covalent_radii[numbers]
    found = []
    for i, j in zip(*(end.tolist() for end in often_near(positions, BOND_RATIO_MAX * radii)), strict=True):
        distance = np.median(np.linalg.norm(positions[:, i] - positions[:, j], axis=1))
        if distance < BOND_RATIO_MAX * (radii[i] + radii[j]):
            found.append((i, j))
    return found


def often_near(positions: FloatArray, reach: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs of atoms that are nearer than the sum of their reaches in half of the frames; of few atoms all pairs.

    Args:
        positions: [N, A, 3] in Å.
        reach: [A] in Å.

    Returns:
        (first atoms, second atoms), first < second: all pairs whose median distance is below that sum, and some more.
    """
    first, second = np.triu_indices(len(reach), 1)
    if len(reach) <= _ATOMS_MANY:
        return first, second
    together, n_near = reach[first] + reach[second] + 1e-9, np.zeros(len(first), dtype=np.int64)
    for frame in positions:
        n_near += pdist(frame) < together
    often = 2 * n_near >= len(positions)
    return first[often], second[often]


def broken_frames(numbers: IntArray, positions: FloatArray) -> IntArray:
    """Rows of the frames in which a bond of the molecule (see `bonds`) is longer than any bond.

    Args:
        numbers: atomic numbers [A].
        positions: [N, A, 3] in Å.

    Raises:
        InputError: there is no frame, or each has atoms of its own.
    """
    bonded = bonds(numbers, positions)
    radii = covalent_radii[numbers]
    broken = np.zeros(len(positions), dtype=np.bool_)
    for i, j in bonded:
        distance = np.linalg.norm(positions[:, i] - positions[:, j], axis=1)
        broken |= distance > BROKEN_RATIO_MIN * (radii[i] + radii[j])
    return np.flatnonzero(broken)


def equivalent_sites(numbers: IntArray, positions: FloatArray, *, shells: int | None = None) -> tuple[int, ...]:
    """A label per atom: atoms of one label have the same element and the same bonded surroundings.

    Colour refinement (Weisfeiler and Leman, 1968): each round tells atoms apart by the labels of their bonded
    neighbours. Atoms that a symmetry of the bonds exchanges keep one label, so that nothing depends on their order.
    Labels count from 0 in an order that does not depend on the order of the atoms.

    Args:
        numbers: atomic numbers [A].
        positions: frames of the molecule [N, A, 3] in Å.
        shells: rounds, that is how many bonds far the surroundings count; 0 tells apart elements only, None all that
            the bonds can tell. Large molecules have few equal atoms, and descriptors grow with the square of the sites.

    Raises:
        InputError: there is no frame, or each has atoms of its own.
    """
    return sites_of_bonds(numbers, bonds(numbers, positions), shells=shells)


def sites_of_bonds(
    numbers: IntArray, bonded: Sequence[tuple[int, int]], *, shells: int | None = None
) -> tuple[int, ...]:
    """The same from bonds that are known.

    Args:
        numbers: atomic numbers [A].
        bonded: pairs of bonded atoms.
        shells: as in `equivalent_sites`.
    """
    neighbours: list[list[int]] = [[] for _ in numbers]
    for i, j in bonded:
        neighbours[i].append(j)
        neighbours[j].append(i)
    labels = _ranked([(int(z), ()) for z in numbers])
    for _ in range(len(numbers) if shells is None else shells):
        # The old label comes first: a round splits sites and never reorders them.
        labels = _ranked([(labels[i], tuple(sorted(labels[j] for j in near))) for i, near in enumerate(neighbours)])
    return tuple(labels)


def _ranked(colours: list[tuple[int, tuple[int, ...]]]) -> list[int]:
    place = {colour: rank for rank, colour in enumerate(sorted(set(colours)))}
    return [place[colour] for colour in colours]
