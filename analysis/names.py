"""How levels of theory, molecules, times and probabilities are written for people."""

from __future__ import annotations

import math

from asteroid.labels.level_names import is_import_path, level_parts
from asteroid.units import SECONDS


def display_level(level: str) -> str:
    """A level slug as chemists write it: "ccsd_t/cc-pvdz" becomes "CCSD(T)/cc-pVDZ", also in a sum of levels."""
    first, *others = level_parts(level)
    return _display_part(first.level) + "".join(
        f" {'+' if part.sign > 0 else '-'} {_display_part(part.level)}" for part in others
    )


def _display_part(level: str) -> str:
    if is_import_path(level):
        return level
    method, slash, basis = level.partition("/")
    method = method.upper().replace("CCSD_T", "CCSD(T)").replace("XTB", "xTB")
    return method + slash + basis.replace("pv", "pV").replace("dz", "DZ").replace("tz", "TZ").replace("qz", "QZ")


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
