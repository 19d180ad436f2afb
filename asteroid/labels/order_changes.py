"""Like atoms that come in another order in some frames of a set, as where files of two programs were put together.

A molecule whose atoms are listed in another order looks as if its bonds were broken and others made, all at once. What
is left is the same molecule: atoms of the same elements with the same bonded surroundings. Protons that really move
between two atoms stay near both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import covalent_radii

from asteroid.errors import InputError
from asteroid.labels.compositions import frame_name
from asteroid.labels.fingerprints import pair_distances, rows_at_a_time
from asteroid.labels.sites import sites_of_bonds

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray, LabelSet

#: Over covalent radii: bonds of hot molecules are shorter, other pairs longer; see `asteroid.labels.sites`.
_BOND_RATIO = 1.45
#: Two bonds of the other frames are longer than the first and one of them than the second: bonds that stretch are not,
#: nor are those of protons on their way, which stay near both (1.6-1.75 in malonaldehyde and dimers of acids).
_GONE_RATIO, _FAR_RATIO = 1.6, 1.8


@dataclass(frozen=True, eq=False)
class OrderChange:
    """Frames whose atoms come in another order than those of the others.

    Attributes:
        rows: these frames, ascending.
        order: for each atom of the other frames its place in the first of these.
    """

    rows: IntArray
    order: tuple[int, ...]


def order_change(labels: LabelSet) -> OrderChange | None:
    """Find frames of one molecule whose like atoms come in another order; None where there are none."""
    if labels.varied or len(labels) < 2 or len(labels.numbers) < 2:
        return None
    first, second = np.triu_indices(len(labels.numbers), 1)
    radii = covalent_radii[labels.numbers]
    ratio_of = _Ratios(labels.positions, (first, second), radii[first] + radii[second])
    graphs = ratio_of.packed_bonds()
    kinds, at, which, counts = np.unique(graphs, axis=0, return_index=True, return_inverse=True, return_counts=True)
    if len(kinds) == 1:
        return None
    which = which.ravel()
    usual = min(range(len(kinds)), key=lambda kind: (-counts[kind], at[kind]))
    bonds = ratio_of.of(int(at[usual])) < _BOND_RATIO
    sites = sites_of_bonds(labels.numbers, _pairs(bonds, first, second))
    found: list[IntArray] = []
    order: tuple[int, ...] = ()
    for kind in sorted(set(range(len(kinds))) - {usual}, key=lambda kind: int(at[kind])):
        ratio = ratio_of.of(int(at[kind]))
        gone = ratio[bonds] > _GONE_RATIO
        if gone.sum() < 2 or ratio[bonds].max() < _FAR_RATIO or (ratio < _BOND_RATIO).sum() != bonds.sum():
            continue
        others = sites_of_bonds(labels.numbers, _pairs(ratio < _BOND_RATIO, first, second))
        if sorted(others) == sorted(sites):
            found.append(np.flatnonzero(which == kind))
            order = order or _order(others, sites)
    return OrderChange(np.sort(np.concatenate(found)), order) if found else None


def refuse_order_change(labels: LabelSet, source: str) -> None:
    """Refuse frames of one molecule whose like atoms change their order.

    Raises:
        InputError: they do; the message says from which frame on, and names the order of that frame.
    """
    found = order_change(labels)
    if found is None:
        return
    n, first = len(found.rows), int(found.rows[0])
    raise InputError(
        f"atoms of {source} must come in one order, found it changed from frame {frame_name(labels, first)} on, in "
        f"{n} of {len(labels)} frames, by the bonds: put their atoms in the order {list(found.order)}, or split the "
        "file and declare it as atom_order"
    )


@dataclass(frozen=True, eq=False)
class _Ratios:
    """Distances of pairs of atoms over the sums of their covalent radii, a few frames at a time."""

    positions: FloatArray
    pairs: tuple[IntArray, IntArray]
    covalent: FloatArray

    def of(self, row: int) -> FloatArray:
        """Those of one frame."""
        return np.asarray(pair_distances(self.positions[row : row + 1], self.pairs)[0] / self.covalent)

    def packed_bonds(self) -> np.ndarray:
        """The bonds of each frame as bits."""
        step = rows_at_a_time(len(self.covalent), 4096)
        blocks = [
            np.packbits(
                pair_distances(self.positions[at : at + step], self.pairs) < _BOND_RATIO * self.covalent, axis=1
            )
            for at in range(0, len(self.positions), step)
        ]
        return np.concatenate(blocks)


def _pairs(bonds: np.ndarray, first: IntArray, second: IntArray) -> list[tuple[int, int]]:
    return list(zip(first[bonds].tolist(), second[bonds].tolist(), strict=True))


def _order(others: tuple[int, ...], sites: tuple[int, ...]) -> tuple[int, ...]:
    waiting = {site: [i for i, other in enumerate(others) if other == site] for site in set(others)}
    return tuple(waiting[site].pop(0) for site in sites)
