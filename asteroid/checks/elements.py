"""Do the elements fit the geometry? Atomic numbers in another order than the positions leave bonds that nothing has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols

from asteroid.errors import InputError
from asteroid.labels.fingerprints import pair_distances
from asteroid.labels.molecules import formula, split_molecules
from asteroid.labels.sites import bonds

if TYPE_CHECKING:
    from asteroid.labels.label_set import IntArray, LabelSet

#: One bond more than an atom of the element ever has to these neighbours: O of H3O+ has three, C of CH5+ five.
_BONDS_IMPOSSIBLE = {1: 3, 6: 6, 7: 5, 8: 4, 9: 3}
_NEIGHBOURS = (1, 6, 7, 8, 9, 17, 35)
#: A hydrogen without a bond so far from another: a bond is shorter (H2 .74 Å, H3+ .87), other neighbours are further
#: away (1.5 Å in water), and where H2 leaves a molecule both are bonded to it still.
_NO_HYDROGENS_ANG = (1.0, 1.25)
#: Frames of a molecule, and molecules of a set, that are looked at; elements of a file are in place or not.
_FRAMES_MAX, _MOLECULES_MAX = 200, 500


def refuse_elements_out_of_place(labels: LabelSet, source: str) -> None:
    """Refuse molecules whose atoms have bonds that no such atom has, in the median over the frames.

    Args:
        labels: positions in Å.
        source: a name for the message.

    Raises:
        InputError: an atom has too many bonds, or two hydrogens are where none can be.
    """
    every = split_molecules(labels)
    for molecule in every[:: len(every) // _MOLECULES_MAX + 1]:
        some = np.unique(np.linspace(0, len(molecule.rows) - 1, min(len(molecule.rows), _FRAMES_MAX)).astype(np.int64))
        found = _impossible(molecule.labels.numbers, molecule.labels.select(some)) if len(some) else ""
        if found:
            whose = f"{formula(molecule.labels.numbers)} in {source}" if labels.varied else source
            raise InputError(
                f"atomic numbers of {whose} must be in the order of the positions, found {found}: put them in that "
                "order, or correct the geometry"
            )


def _impossible(numbers: IntArray, labels: LabelSet) -> str:
    pairs = bonds(numbers, labels.positions) if len(numbers) > 1 else []
    partners: dict[int, list[int]] = {}
    for one, other in pairs:
        partners.setdefault(one, []).append(other)
        partners.setdefault(other, []).append(one)
    for atom, others in partners.items():
        most = _BONDS_IMPOSSIBLE.get(int(numbers[atom]))
        if most is not None and len(others) >= most and np.isin(numbers[others], _NEIGHBOURS).all():
            return f"atom {atom} ({chemical_symbols[numbers[atom]]}) with {len(others)} bonds"
    hydrogens = np.flatnonzero(numbers == 1)
    if len(hydrogens) < 2:
        return ""
    first, second = np.triu_indices(len(hydrogens), 1)
    apart = np.median(pair_distances(labels.positions[:, hydrogens], (first, second)), axis=0)
    alone = np.array([atom not in partners for atom in hydrogens.tolist()])
    between = (apart > _NO_HYDROGENS_ANG[0]) & (apart < _NO_HYDROGENS_ANG[1])
    off = np.flatnonzero(between & (alone[first] | alone[second]))
    if not len(off):
        return ""
    one, other = hydrogens[first[off[0]]], hydrogens[second[off[0]]]
    return f"atoms {one} and {other} (both H) {apart[off[0]]:.2f} Å apart"
