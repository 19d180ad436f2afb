"""Two sets of labels must describe one molecule with its atoms in one order; if not, a permutation is offered.

Where either set holds several molecules no order needs to agree, only the cheap set must know every element.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from ase.symbols import Symbols

from asteroid.errors import InputError
from asteroid.labels.compositions import by_composition
from asteroid.labels.molecules import named_formulas, refuse_several
from asteroid.labels.sites import equivalent_sites

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet

#: Frames from which the bonds of a set are read.
_SAMPLE = 200


def refuse_other_molecule(cheap: LabelSet, accurate: LabelSet, applied: tuple[int, ...] | None = None) -> None:
    """Both levels must describe the same atoms in the same order of elements, unless a set holds several molecules.

    With several the cheap set must have every element of the accurate one. It may lack a molecule: see
    `molecules_without_cheap_frames`.

    Args:
        cheap: the cheap set.
        accurate: the accurate set.
        applied: the `atom_order` that the cheap set was already put in, which the offered one then replaces.

    Raises:
        InputError: the cheap set lacks an element, the formulas differ, or the order does (a permutation is offered).
    """
    if not cheap.varied and np.array_equal(cheap.numbers, accurate.numbers):
        return
    counts = Counter(cheap.numbers.ravel().tolist()), Counter(accurate.numbers.ravel().tolist())
    lacking = sorted(counts[1].keys() - counts[0].keys() - {0})
    formulas = f"found {named_formulas(cheap)} in {cheap.level} and {named_formulas(accurate)} in {accurate.level}"
    if lacking:
        element = str(Symbols([lacking[0]]))
        remedy = f"add cheap frames with {element}" if cheap.varied or accurate.varied else "correct one of the files"
        remedy += ", or remove the accurate frames that have it" if accurate.varied else ""
        raise InputError(
            f"the cheap set needs every element of the accurate set and lacks {element}, {formulas}: {remedy}"
        )
    if cheap.varied or accurate.varied:
        return
    if counts[0] != counts[1]:
        raise InputError(f"both levels need the same molecule, {formulas}: correct one of the files")
    listed = (", ".join(str(int(z)) for z in labels.numbers) for labels in (cheap, accurate))
    raise InputError(
        f"both levels need the same atoms in the same order, found {next(listed)} in {cheap.level} and {next(listed)} "
        f"in {accurate.level}: {_remedy(cheap, accurate, applied)}"
    )


def molecules_without_cheap_frames(cheap: LabelSet, accurate: LabelSet) -> list[str]:
    """Formulas of the accurate set that the cheap set has no frame of, in the order of the accurate set.

    Args:
        cheap: the cheap set, of one molecule or of several.
        accurate: the accurate set, likewise.
    """
    known = by_composition(cheap).keys()
    return [composition.formula for key, composition in by_composition(accurate).items() if key not in known]


def refuse_other_sites(cheap: LabelSet, accurate: LabelSet, applied: tuple[int, ...] | None = None) -> None:
    """Like atoms must come in the same order too, where the descriptors tell them apart by their bonds.

    Args:
        cheap: the cheap set.
        accurate: the accurate set.
        applied: as in `refuse_other_molecule`.

    Raises:
        InputError: an atom has other bonded surroundings in the other set (a permutation is offered), or a set holds
            several molecules.
    """
    sites = _sites(cheap), _sites(accurate)
    if sites[0] != sites[1]:
        place = next(i for i, (a, b) in enumerate(zip(*sites, strict=True)) if a != b)
        raise InputError(
            f"both levels need the same atoms in the same order, atom {place} has other bonds in {cheap.level} than in "
            f"{accurate.level}: {_remedy(cheap, accurate, applied)}"
        )


def matching_order(cheap: LabelSet, accurate: LabelSet) -> tuple[int, ...] | None:
    """For each atom of the accurate set its atom in the cheap set, by bonded surroundings; None where they differ."""
    sites = _sites(cheap), _sites(accurate)
    if sorted(sites[0]) != sorted(sites[1]):
        return None
    waiting = {site: [i for i, other in enumerate(sites[0]) if other == site] for site in set(sites[0])}
    return tuple(waiting[site].pop(0) for site in sites[1])


def reorder_atoms(labels: LabelSet, order: tuple[int, ...], source: str) -> LabelSet:
    """The same labels with atom `order[i]` in place i.

    Raises:
        InputError: the order is not a permutation of the atoms, or the set holds several molecules.
    """
    refuse_several(labels, f"atom_order of {source}", "remove it, atoms of several molecules may come in any order")
    if sorted(order) != list(range(len(labels.numbers))):
        raise InputError(
            f"atom_order of {source} must name each of its {len(labels.numbers)} atoms once, counted from 0, found "
            f"{list(order)}: correct it"
        )
    index = list(order)
    return replace(
        labels,
        numbers=labels.numbers[index],
        positions=labels.positions[:, index],
        forces=None if labels.forces is None else labels.forces[:, index],
    )


def _remedy(cheap: LabelSet, accurate: LabelSet, applied: tuple[int, ...] | None) -> str:
    order = matching_order(cheap, accurate)
    if order is None:
        return "their bonds differ as well: correct one of the files"
    if applied is None:
        return f"add atom_order: {list(order)} under data.cheap"
    in_file = [applied[i] for i in order]
    if in_file == sorted(in_file):
        return "remove atom_order under data.cheap"
    return f"correct atom_order under data.cheap to {in_file}"


def _sites(labels: LabelSet) -> tuple[int, ...]:
    refuse_several(
        labels, f"telling atoms of {labels.level} apart by their bonds", "set descriptors: {atoms: elements}"
    )
    step = max(1, len(labels) // _SAMPLE)
    return equivalent_sites(labels.numbers, labels.positions[::step])
