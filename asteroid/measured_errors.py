"""What an error is of (forces, energies, energies per atom), which its unit tells: kcal/mol/Å, kcal/mol, meV/atom."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.units import ENERGY_IN_EV, energy_unit, force_unit_in_ev_ang, split_quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PER_ATOM = "/atom"


class Measured(StrEnum):
    """What a mean absolute error is of. The constant of an energy is free: one for each set of frames is taken out."""

    FORCES = "forces"
    ENERGIES = "energies"
    ENERGIES_PER_ATOM = "energies per atom"

    def named(self, error: str = "MAE") -> str:
        """Its name in a sentence: "force MAE", "energy errors per atom"."""
        return _NAMES[self][0].format(error)

    @property
    def field(self) -> str:
        """Its name as a field of JSON, with the internal unit."""
        return _NAMES[self][1]

    @property
    def usual_unit(self) -> str:
        """The unit in which it is shown unless another is asked for."""
        return _NAMES[self][2]

    @property
    def of_energies(self) -> bool:
        """Whether it is of energies, per atom or not."""
        return self is not Measured.FORCES


_NAMES = {
    Measured.FORCES: ("force {}", "force_mae_ev_ang", "kcal/mol/Å"),
    Measured.ENERGIES: ("energy {}", "energy_mae_ev", "kcal/mol"),
    Measured.ENERGIES_PER_ATOM: ("energy {} per atom", "energy_mae_ev_per_atom", "meV/atom"),
}


def measured_in(unit: str) -> Measured:
    """What an error in this unit is of.

    Raises:
        InputError: the unit is not known.
    """
    text = unit.strip()
    if text.lower().endswith(_PER_ATOM):
        energy_unit(text[: -len(_PER_ATOM)])
        return Measured.ENERGIES_PER_ATOM
    try:
        energy_unit(text)
    except InputError:
        force_unit_in_ev_ang(text)
        return Measured.FORCES
    return Measured.ENERGIES


def error_unit(unit: str) -> float:
    """Value of a unit of errors in eV/Å, in eV, or in eV per atom: of forces, energies, or energies per atom.

    Raises:
        InputError: the unit is not known.
    """
    measured, text = measured_in(unit), unit.strip()
    if measured is Measured.FORCES:
        return force_unit_in_ev_ang(text)
    energy = text[: -len(_PER_ATOM)] if measured is Measured.ENERGIES_PER_ATOM else text
    return ENERGY_IN_EV[energy_unit(energy)]


def named_in(unit: str, error: str = "MAE") -> str:
    """Name of an error in this unit, in a sentence: "force MAE", "energy errors".

    Raises:
        InputError: the unit is not known.
    """
    return measured_in(unit).named(error)


def heading_in(unit: str, error: str = "MAE") -> str:
    """The same at the beginning of a line.

    Raises:
        InputError: the unit is not known.
    """
    name = named_in(unit, error)
    return name[0].upper() + name[1:]


def a_mae_in(unit: str) -> str:
    """The mean absolute error with its article: "a force MAE", "an energy MAE".

    Raises:
        InputError: the unit is not known.
    """
    name = named_in(unit)
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def free_of_constant(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Absolute errors of energies whose constant is free: the mean error is taken out of each.

    Their mean is the MAE. Of n errors, n / (n - 1) makes good for the mean being their own, as in a variance.

    Args:
        errors: predicted minus labelled energies, [..., n].

    Returns:
        [..., n]; NaN for a single energy, which tells nothing.
    """
    n = errors.shape[-1]
    if n < 2:
        return np.full(errors.shape, np.nan)
    left = np.abs(errors - errors.mean(axis=-1, keepdims=True))
    return np.asarray(left * math.sqrt(n / (n - 1)))


def parse_error(text: str) -> tuple[float, Measured]:
    """Read a target error such as "0.3 kcal/mol/A", "0.5 kcal/mol" or "1 meV/atom".

    Returns:
        Its value in eV/Å, eV, or eV per atom, and what it is of.

    Raises:
        InputError: no number, no unit, an unknown unit, or a value that is not positive and finite.
    """
    number, unit = split_quantity(text, "0.5 kcal/mol/A")
    if not unit:
        raise InputError(
            f"a target needs a unit, found {text!r}: write for instance '{number:g} kcal/mol/A' for forces or "
            f"'{number:g} kcal/mol' for energies"
        )
    value = number * error_unit(unit)
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"a target must be positive, found {text!r}")
    return value, measured_in(unit)


def unit_to_show(measured: Measured, wanted: str) -> str:
    """The unit that an error is shown in: the one that is wanted where it fits, else the usual one.

    Raises:
        InputError: the wanted unit is not known.
    """
    return wanted if measured_in(wanted) is measured else measured.usual_unit
