"""Units: eV, Å, eV/Å and seconds inside; everything else is converted where it enters or is displayed."""

from __future__ import annotations

import re

from asteroid.errors import InputError

#: Value of one unit in the internal unit of its dimension: those of `ase.units` (CODATA 2014), written out since plans
#: need nothing else of ASE, which takes a tenth of a second to import.
ENERGY_IN_EV: dict[str, float] = {
    "eV": 1.0,
    "meV": 1e-3,
    "kcal/mol": 0.04336410390059322,
    "kJ/mol": 0.010364269574711572,
    "Hartree": 27.211386024367243,
}
LENGTH_IN_ANG: dict[str, float] = {"Angstrom": 1.0, "Bohr": 0.5291772105638411, "nm": 10.0}
SECONDS: dict[str, float] = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SECONDS_ALIASES = {
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
    **dict.fromkeys(("minute", "minutes"), "min"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
}

_ENERGY_ALIASES = {
    "ev": "eV",
    "mev": "meV",
    "kcal/mol": "kcal/mol",
    "kj/mol": "kJ/mol",
    "hartree": "Hartree",
    "hartrees": "Hartree",
    "ha": "Hartree",
    "eh": "Hartree",
    "e_h": "Hartree",
    "kcalmol": "kcal/mol",
    "kjmol": "kJ/mol",
}
_LENGTH_ALIASES = {
    "a": "Angstrom",
    "å": "Angstrom",
    "ang": "Angstrom",
    "angstrom": "Angstrom",
    "angstroms": "Angstrom",
    "angs": "Angstrom",
    "angstroem": "Angstrom",
    "ångström": "Angstrom",
    "bohr": "Bohr",
    "a0": "Bohr",
    "nm": "nm",
}
#: mol^-1, mol-1, mol⁻¹ and mol**(-1).
_TO_THE_MINUS_1 = re.compile(r"[\s·*×]*\b([a-zå][a-zåö_]*0?)\s*(?:\^|\*\*)?\s*\(?-1\)?(?!\d)", re.IGNORECASE)
_UNDER_THE_LINE = re.compile(r"/\s*\(([^()]*)\)")
_QUANTITY = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")

KCAL_PER_MOL_EV = ENERGY_IN_EV["kcal/mol"]


def plain_unit(text: str) -> str:
    """A unit as this module writes it: "kcal mol^-1 Å⁻¹", "kcal / (mol Å)" and "kcal per mol per Å" as "kcal/mol/å"."""
    return _with_slashes(text).lower()


def _with_slashes(text: str) -> str:
    plain = text.strip().replace("\N{MINUS SIGN}", "-").replace("⁻¹", "^-1")
    plain = re.sub(r"\s+per\s+", "/", plain, flags=re.IGNORECASE)
    plain = _UNDER_THE_LINE.sub(lambda found: "/" + re.sub(r"[\s·*×]+", "/", found[1].strip()), plain)
    return re.sub(r"\s*/\s*", "/", _TO_THE_MINUS_1.sub(r"/\1", plain))


def energy_unit(text: str) -> str:
    """Canonical name of an energy unit ("kcal/mol", "eV", ...).

    Raises:
        InputError: the unit is not known.
    """
    name = _ENERGY_ALIASES.get(plain_unit(text))
    if name is None:
        raise InputError(f"unknown energy unit {text!r}: use one of {', '.join(ENERGY_IN_EV)}")
    return name


def length_unit(text: str) -> str:
    """Canonical name of a length unit ("Angstrom", "Bohr", "nm").

    Raises:
        InputError: the unit is not known.
    """
    name = _LENGTH_ALIASES.get(plain_unit(text))
    if name is None:
        raise InputError(f"unknown length unit {text!r}: use one of {', '.join(LENGTH_IN_ANG)}")
    return name


def force_unit_in_ev_ang(text: str) -> float:
    """Value of a force unit such as "kcal/mol/Å" or "meV/A" in eV/Å.

    Raises:
        InputError: the unit is missing or not known.
    """
    plain = _with_slashes(text)
    energy, slash, length = plain.rpartition("/")
    if not slash or plain.lower() in _ENERGY_ALIASES:
        raise InputError(f"a force needs a unit such as kcal/mol/A or meV/A, found {text.strip()!r}: add the unit")
    return ENERGY_IN_EV[energy_unit(energy)] / LENGTH_IN_ANG[length_unit(length)]


#: Nobody pays more: 32 million years of CPU.
SECONDS_MAX = 1e15


def parse_seconds(text: str) -> float:
    """Read a duration such as "28s", "1.4 ms", "2 h" or "3 hours" and return seconds.

    Raises:
        InputError: no number, no unit, an unknown unit, a negative value or one above `SECONDS_MAX`.
    """
    number, unit = split_quantity(text, "28s")
    unit = _SECONDS_ALIASES.get(unit, unit)
    if unit not in SECONDS:
        raise InputError(f"a time needs a unit out of {', '.join(SECONDS)}, found {text!r}: write for instance '28s'")
    value = number * SECONDS[unit]
    if not 0 <= value <= SECONDS_MAX:
        raise InputError(f"a price must not be negative nor above {SECONDS_MAX:.0e} s, found {text!r}")
    return value


def split_quantity(text: str, example: str) -> tuple[float, str]:
    """A number and its unit, which may be missing.

    Raises:
        InputError: there is no number.
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise InputError(f"expected a number with a unit, found {text!r}: write for instance '{example}'")
    return float(match.group(1)), match.group(2)
