"""Digits that labels have lost on their way into a file, told by the numbers and not only by the type that holds them.

A column of float32 stays one when it is stored as float64 again, and an energy that was printed with two decimals has
two decimals in every format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.plural import plural
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG, force_unit_in_ev_ang

if TYPE_CHECKING:
    import numpy.typing as npt

    from asteroid.io.file_units import FileLabels, FileUnits

#: Steps below these do no harm. Of energies (eV) and forces (eV/Å), a tenth and more of what the best models reach on
#: small molecules; positions (Å) that are off by half of it change forces by .05 kcal/mol/Å at a bond of 30 eV/Å².
_STEP_EV, _STEP_EV_ANG, _STEP_ANG = 1e-4, 2e-3, 2e-4
#: Numbers that are looked at, the fewest that tell, and decimals that are tried.
_NUMBERS_MAX, _NUMBERS_MIN, _DECIMALS = 5000, 10, 8


def precision_notes(file: FileLabels, units: FileUnits) -> tuple[str, ...]:
    """Note numbers that lost digits: total energies of molecules need double precision, all need some decimals.

    Float32 keeps steps of .03 kcal/mol at aspirin's -407,000 kcal/mol.
    """
    constant = " or subtract a constant first"
    columns = (
        ("energies", file.energy, ENERGY_IN_EV[units.energy], _STEP_EV, "eV", constant),
        ("forces", file.forces, force_unit_in_ev_ang(units.force), _STEP_EV_ANG, "eV/Å", ""),
        ("positions", file.positions, LENGTH_IN_ANG[units.length], _STEP_ANG, "Å", ""),
    )
    notes = []
    for name, values, factor, harmless, unit, instead in columns:
        found = None if values is None else _step(values)
        if found is None or found[1] * factor < harmless:
            continue
        digits, step = found
        remedy = f"store them in double precision{instead}" if digits.startswith("float") else "write them in full"
        notes.append(f"{name} have the digits of {digits} only, in steps of {step * factor:.2g} {unit}: {remedy}")
    return tuple(notes)


def _step(values: npt.NDArray[Any]) -> tuple[str, float] | None:
    """A type or a number of decimals that holds them, and the usual step between two; None of full or few numbers."""
    if values.dtype.kind not in "fiu":
        return None
    flat = values.reshape(-1)
    some = flat[np.unique(np.linspace(0, max(len(flat) - 1, 0), min(len(flat), _NUMBERS_MAX)).astype(np.int64))]
    some = some.astype(np.float64)
    some = some[np.isfinite(some) & (some != 0)]
    if len(some) < _NUMBERS_MIN:
        return None
    found = []
    for short in (np.float32, np.float16):
        with np.errstate(over="ignore"):
            fits = (some.astype(short) == some).all()
        if fits:
            found.append((np.dtype(short).name, float(np.spacing(short(np.median(np.abs(some)))))))
    for decimals in range(_DECIMALS):
        scaled = some * 10.0**decimals
        if (np.abs(scaled - np.rint(scaled)) <= 4 * np.spacing(np.abs(scaled))).all():
            found.append((f"{decimals} {plural(decimals, 'decimal')}", 10.0**-decimals))
            break
    return max(found, key=lambda entry: entry[1], default=None)
