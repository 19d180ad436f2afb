"""How levels of theory, molecules, times and probabilities are written for people."""

from __future__ import annotations

import math
import re

from asteroid.labels.level_names import is_import_path, level_parts
from asteroid.units import SECONDS

#: Methods and sets of basis functions whose names are not all capitals; what else a slug spells so is replaced.
_METHOD_WORDS = {"XTB": "xTB", "R2SCAN": "r2SCAN", "WB97": "ωB97", "F12A": "F12a", "F12B": "F12b", "3C": "3c"}
_BASIS_WORDS = ("aug", "jul", "jun", "may", "d", "ma", "cc", "def", "def2", "pc", "pcseg", "x2c")
_METHOD_WORD = re.compile("|".join(f"(?<![A-Z0-9]){word}" if word[0].isdigit() else word for word in _METHOD_WORDS))
#: Dunning's sets: cc-pVDZ, cc-pCVTZ, cc-pwCVQZ.
_DUNNING = re.compile(r"(pw?)(c?v[dtq5-9]z.*)")
#: What a slug has of brackets, as in ccsd_t, 6-31g_d and 6-31g_d_p.
_BRACKET = re.compile(r"((?:_[a-z0-9]+)+)(?=-|$)")


def display_level(level: str) -> str:
    """A level slug as chemists write it, also in a sum of levels; for people, never for a file or a command.

    "ccsd_t/cc-pvdz" becomes "CCSD(T)/cc-pVDZ", "gfn2-xtb" GFN2-xTB, "b3lyp/6-31g_d" B3LYP/6-31G(d).
    """
    first, *others = level_parts(level)
    return _display_part(first.level) + "".join(
        f" {'+' if part.sign > 0 else '-'} {_display_part(part.level)}" for part in others
    )


def _display_part(level: str) -> str:
    if is_import_path(level):
        return level
    method, slash, basis = level.partition("/")
    method = re.sub(r"_T(?=-|$)", "(T)", method.upper())
    return _METHOD_WORD.sub(lambda found: _METHOD_WORDS[found[0]], method) + slash + _display_basis(basis)


def _display_basis(basis: str) -> str:
    core, bracket = (basis, "") if (found := _BRACKET.search(basis)) is None else (basis[: found.start()], found[1])
    words = []
    for word in core.split("-"):
        dunning = _DUNNING.fullmatch(word)
        words.append(dunning[1] + dunning[2].upper() if dunning else word if word in _BASIS_WORDS else word.upper())
    return "-".join(words) + (f"({bracket[1:].replace('_', ',')})" if bracket else "")


def display_formula(molecule: str) -> str:
    """A formula with lowered numbers: "CH4O" becomes "CH₄O"."""
    return molecule.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def duration(seconds: float) -> str:
    """Seconds as people say them: "0.5 s", "42 s", "12 min", "3.1 h", "2.4 d"."""
    units = [name for name in ("s", "min", "h", "d") if SECONDS[name] <= seconds]
    unit = units[-1] if units else "s"
    return f"{seconds / SECONDS[unit]:.2g} {unit}" if seconds < 100 * SECONDS[unit] else f"{seconds / 86400:,.0f} d"


def shown_probability(probability: float) -> float:
    """A probability between 0.01 and 0.99: nobody knows that something is certain or impossible."""
    return min(max(probability, 0.01), 0.99)


def in_percent(probability: float) -> str:
    """A probability as it is shown, in per cent: "91%"."""
    return f"{shown_probability(probability):.0%}"


def at_least_percent(probability: float) -> int:
    """A probability in whole per cent, rounded down, lest what is not enough look like what was asked for."""
    return math.floor(100 * shown_probability(probability))
