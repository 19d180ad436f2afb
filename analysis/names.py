"""How levels of theory and molecules are written for people."""

from __future__ import annotations


def display_level(level: str) -> str:
    """A level slug as chemists write it: "ccsd_t/cc-pvdz" becomes "CCSD(T)/cc-pVDZ"."""
    method, slash, basis = level.partition("/")
    method = method.upper().replace("CCSD_T", "CCSD(T)").replace("XTB", "xTB")
    return method + slash + basis.replace("pv", "pV").replace("dz", "DZ").replace("tz", "TZ").replace("qz", "QZ")


def display_formula(molecule: str) -> str:
    """A formula with lowered numbers: "CH4O" becomes "CH₄O"."""
    return molecule.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
