"""Whether charge and unpaired electrons fit a molecule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase.data import atomic_numbers, chemical_symbols

from asteroid.errors import InputError

if TYPE_CHECKING:
    from asteroid.labelling.labeller import Method
    from asteroid.labelling.program import Level
    from asteroid.labels.label_set import IntArray


def check_electrons(method: Method, level: Level, numbers: IntArray) -> None:
    """Refuse charge and unpaired electrons that do not fit together, or a method that knows of neither.

    Raises:
        InputError: the number of electrons is odd for an even number of unpaired ones or the other way round, there
            are too few, or the program knows no charges.
    """
    if not level.program.takes_charge:
        if method.charge or method.unpaired:
            raise InputError(
                f"{level.slug} is for neutral closed shells, found charge {method.charge} and {method.unpaired} "
                "unpaired electrons: choose gfn2-xtb or a method with a basis"
            )
        return
    electrons = int(numbers.sum()) - method.charge
    formula = _formula(numbers)
    if method.unpaired < 0 or method.unpaired > electrons:
        raise InputError(
            f"{formula} has {electrons} electrons, found spin {method.unpaired}: choose one that it can have"
        )
    if (electrons - method.unpaired) % 2:
        kind = "an odd" if electrons % 2 else "an even"
        raise InputError(
            f"{formula} with charge {method.charge} has {kind} number of electrons ({electrons}), found spin "
            f"{method.unpaired} (unpaired electrons): correct --charge or --spin (charge or unpaired in a study file), "
            "or the geometry if an atom is missing"
        )


def _formula(numbers: IntArray) -> str:
    """Elements with their counts, by atomic number, heaviest first."""
    counts = {chemical_symbols[z]: int((numbers == z).sum()) for z in sorted(set(numbers.tolist()))}
    ordered = sorted(counts, key=lambda symbol: -atomic_numbers[symbol])
    return "".join(f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}" for symbol in ordered)
