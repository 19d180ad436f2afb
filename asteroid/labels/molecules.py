"""Sets of several molecules: taken apart into sets of one molecule each, put together from frames, and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from ase.symbols import Symbols

from asteroid.errors import InputError
from asteroid.plural import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from asteroid.labels.label_set import IntArray, LabelSet

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


def as_one_molecule(labels: LabelSet) -> LabelSet:
    """A set of one molecule where the frames of a varied set turn out to be of one; another set as it is.

    What was cleaned is judged again: frames of single atoms or broken ones may have been all that differed.
    """
    if not labels.varied or not len(labels) or (labels.numbers != labels.numbers[0]).any():
        return labels
    return split_molecules(labels)[0].labels


def without_single_atoms(labels: LabelSet) -> tuple[LabelSet, int]:
    """Frames of molecules, and how many of single atoms were set aside; a set of single atoms stays as it is.

    Isolated atoms stand in label files for the zero of energy. No force can act in them, and their forces, zero by
    symmetry, would flatter means.
    """
    single = labels.n_atoms == 1
    if not single.any() or single.all():
        return labels, 0
    return as_one_molecule(labels.select(~single)), int(single.sum())


def one_molecule_without_single_atoms(labels: LabelSet) -> tuple[LabelSet, int]:
    """The same where what is left is one molecule; other sets stay as they are, single atoms being molecules there."""
    kept, single = without_single_atoms(labels)
    return (labels, 0) if kept.varied else (kept, single)


def single_atom_notes(n: int) -> tuple[str, ...]:
    """Say how many frames of single atoms were set aside; nothing where there were none."""
    return (f"{n:,} {plural(n, 'frame')} of a single atom left out: no force can act in it",) if n else ()


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


def rows_by_composition(numbers: npt.NDArray[np.integer]) -> dict[tuple[int, ...], IntArray]:
    """Rows of frames [N, A] by their ascending atomic numbers, in the order of first appearance."""
    kinds, first, which = np.unique(np.sort(numbers, axis=1), axis=0, return_index=True, return_inverse=True)
    rows = np.split(np.argsort(which.ravel(), kind="stable"), np.cumsum(np.bincount(which.ravel()))[:-1])
    return {tuple(kinds[kind][kinds[kind] > 0].tolist()): rows[kind] for kind in np.argsort(first)}


def rows_by_formula(numbers: npt.NDArray[np.integer]) -> dict[str, IntArray]:
    """Rows of frames [N, A] by chemical formula, in the order of first appearance; orders of atoms do not count."""
    return {formula(np.array(atoms)): rows for atoms, rows in rows_by_composition(numbers).items()}


def formulas(labels: LabelSet) -> Counter[str]:
    """Frames of each chemical formula; the orders of the atoms do not count."""
    if not labels.varied:
        return Counter({formula(labels.numbers): len(labels)})
    return Counter({name: len(rows) for name, rows in rows_by_formula(labels.numbers).items()})


def named_formulas(labels: LabelSet) -> str:
    """The formula of one molecule; the most frequent ones of several, with their numbers of frames."""
    found = formulas(labels)
    if len(found) == 1:
        return next(iter(found))
    listed = ", ".join(
        f"{name} ({count:,} frame{'s' if count > 1 else ''})" for name, count in found.most_common(_SHOWN)
    )
    return listed + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def named_difference(labels: LabelSet) -> str | None:
    """Two frames whose atoms differ, and how many frames each formula has; None for one molecule in one order.

    Frames are counted from 0. No molecule is taken apart: there may be one for each frame.
    """
    numbers = labels.numbers
    if not labels.varied or (numbers == numbers[:1]).all():
        return None
    several = list(rows_by_formula(numbers).values())
    other = several[1][0] if len(several) > 1 else (numbers != numbers[0]).any(axis=1).argmax()
    shown = " and ".join(f"{Symbols(numbers[i][numbers[i] > 0])} in frame {i}" for i in (0, int(other)))
    return f"{shown}, in all {named_formulas(labels)}" if len(several) > 1 else shown


def refuse_several(labels: LabelSet, needed_by: str, remedy: str) -> None:
    """Refuse a set of several molecules where one is needed.

    Args:
        labels: the set.
        needed_by: who needs one molecule, such as "architecture mlp".
        remedy: what to do instead.

    Raises:
        InputError: the frames have several compositions, or one in several orders of the atoms.
    """
    if labels.varied:
        found = named_difference(labels) or named_formulas(labels)
        raise InputError(f"{needed_by} needs one composition in one order of atoms, found {found}: {remedy}")
