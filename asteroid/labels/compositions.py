"""Frames by composition, whatever the order of their atoms, and what messages call frames of several molecules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.labels.molecules import Molecule, formula, rows_by_composition, split_molecules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.labels.label_set import IntArray, LabelSet

#: Frames and formulas that a message names.
FRAMES_SHOWN, FORMULAS_SHOWN = 5, 3
#: The remedy where some molecules of a file have a fault of units: what is declared holds for all.
CORRECT_SOME = "correct those frames in the file, other molecules pass"


@dataclass(frozen=True, eq=False)
class Composition:
    """Frames with the same atoms, in whatever order: what a formula tells apart, isomers together.

    Attributes:
        formula: chemical formula.
        numbers: atomic numbers [A], ascending.
        rows: rows of the frames in their set, ascending.
    """

    formula: str
    numbers: IntArray
    rows: IntArray

    def orders(self, labels: LabelSet) -> list[Molecule]:
        """Take the frames apart by the order of their atoms; rows are those of the set.

        Args:
            labels: the set that the composition is of.
        """
        if not labels.varied:
            return split_molecules(labels)
        return [Molecule(self.rows[part.rows], part.labels) for part in split_molecules(labels.select(self.rows))]


def by_composition(labels: LabelSet) -> dict[tuple[int, ...], Composition]:
    """Take a set apart by composition, in the order of first appearance; the keys are ascending atomic numbers."""
    if labels.varied:
        groups = rows_by_composition(labels.numbers)
    else:
        groups = {tuple(np.sort(labels.numbers).tolist()): np.arange(len(labels))}
    return {atoms: Composition(formula(np.array(atoms)), np.array(atoms), rows) for atoms, rows in groups.items()}


def rows_of(compositions: Sequence[Composition]) -> IntArray:
    """Rows of all their frames, ascending."""
    return np.sort(np.concatenate([composition.rows for composition in compositions]))


def frame_name(labels: LabelSet, row: int) -> str:
    """Name a frame by its id, and by its molecule where there are several: "7" or "7 (H2O)"."""
    name = str(labels.frame_id[row])
    return f"{name} ({formula(labels.numbers[row])})" if labels.varied else name


def frame_names(labels: LabelSet, rows: IntArray) -> str:
    """Name frames: "frame 7" or "frames 1, 2, 3 and 9 more"."""
    unique = np.unique(rows)
    shown = [frame_name(labels, row) for row in unique[:FRAMES_SHOWN]]
    return ("frame " if len(unique) == 1 else "frames ") + listed(shown, len(unique))


def listed(names: Sequence[str], n: int) -> str:
    """Write the first of n names: "1, 2, 3, 4, 5 and 9 more"."""
    shown = ", ".join(names[:FRAMES_SHOWN])
    return shown + (f" and {n - FRAMES_SHOWN} more" if n > FRAMES_SHOWN else "")


def remedy_of(found: Sequence[Composition], judged: Sequence[Composition], remedy: str) -> str:
    """What to do: something about the file where all molecules have a fault, about the frames of some where not.

    Args:
        found: the compositions that have the fault.
        judged: those that were looked at.
        remedy: what cures the whole file.
    """
    return remedy if len(found) == len(judged) else CORRECT_SOME


def place_of(found: Sequence[Composition], labels: LabelSet, source: str) -> str:
    """Say where a fault is: in a set of one molecule, in some molecules of a set, or in all of them.

    Args:
        found: the compositions that have the fault.
        labels: the set.
        source: a name of the set.

    Returns:
        "labels.npz", "H2O in mixed.xyz", "H2O, CH2O and 2 more molecules in mixed.xyz" or "all 3 molecules in
        mixed.xyz".
    """
    if not labels.varied:
        return source
    if len(rows_of(found)) == len(labels):
        return f"all {len(found)} molecules in {source}" if len(found) > 1 else f"{found[0].formula} in {source}"
    more = len(found) - FORMULAS_SHOWN
    names = ", ".join(composition.formula for composition in found[:FORMULAS_SHOWN])
    return f"{names}{f' and {more} more molecules' if more > 0 else ''} in {source}"
