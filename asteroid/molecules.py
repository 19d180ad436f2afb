"""Sets of several molecules: taken apart into sets of one molecule each, put together from frames, and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from ase.symbols import Symbols

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from asteroid.labels import IntArray, LabelSet

_SHOWN = 4


@dataclass(frozen=True, eq=False)
class Molecule:
    """The frames of a set that have the same atoms in the same order.

    Attributes:
        rows: their rows in the set, ascending.
        labels: the frames, as a set of one molecule.
    """

    rows: IntArray
    labels: LabelSet


def split_molecules(labels: LabelSet) -> list[Molecule]:
    """Take a set apart by the atoms of its frames and their order, in the order of first appearance."""
    if not labels.varied:
        return [Molecule(np.arange(len(labels)), labels)]
    _, first, which = np.unique(labels.numbers, axis=0, return_index=True, return_inverse=True)
    found = []
    for kind in np.argsort(first):
        rows = np.flatnonzero(which.ravel() == kind)
        part, size = labels.select(rows), np.count_nonzero(labels.numbers[rows[0]])
        alone = replace(
            part,
            numbers=part.numbers[0, :size],
            positions=part.positions[:, :size],
            forces=None if part.forces is None else part.forces[:, :size],
        )
        found.append(Molecule(rows, alone))
    return found


def pad(frames: Sequence[npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
    """Stack arrays [A_i, ...] of frames of different size into [N, A, ...], with zeros behind the shorter ones."""
    size = max((len(frame) for frame in frames), default=0)
    out = np.zeros((len(frames), size, *frames[0].shape[1:]), dtype=np.result_type(*{f.dtype for f in frames}))
    for row, frame in zip(out, frames, strict=True):
        row[: len(frame)] = frame
    return out


def formula(numbers: npt.NDArray[np.integer]) -> str:
    """Chemical formula of the atoms of a frame; zeros are no atoms."""
    return str(Symbols(numbers[numbers > 0]).get_chemical_formula())


def rows_by_formula(numbers: npt.NDArray[np.integer]) -> dict[str, IntArray]:
    """Rows of frames [N, A] by chemical formula, ascending; the orders of the atoms do not count."""
    kinds, which = np.unique(np.sort(numbers, axis=1), axis=0, return_inverse=True)
    return {formula(kind): np.flatnonzero(which.ravel() == place) for place, kind in enumerate(kinds)}


def formulas(labels: LabelSet) -> Counter[str]:
    """Frames of each chemical formula; the orders of the atoms do not count."""
    found: Counter[str] = Counter()
    for molecule in split_molecules(labels):
        found[formula(molecule.labels.numbers)] += len(molecule.rows)
    return found


def named_formulas(labels: LabelSet, shown: int = _SHOWN) -> str:
    """The formula of one molecule; the most frequent ones of several, with their numbers of frames."""
    found = formulas(labels)
    if len(found) == 1:
        return next(iter(found))
    listed = ", ".join(f"{name} ({count:,} frames)" for name, count in found.most_common(shown))
    return listed + (f" and {len(found) - shown} more" if len(found) > shown else "")


def refuse_several(labels: LabelSet, what: str, remedy: str) -> None:
    """Refuse a set of several molecules where one is needed.

    Args:
        labels: the set.
        what: who needs one molecule, such as "the packed descriptor model".
        remedy: what to do instead.

    Raises:
        InputError: the frames have several compositions, or one in several orders of the atoms.
    """
    if labels.varied:
        raise InputError(f"{what} needs one composition, found {named_formulas(labels)}: {remedy}")
