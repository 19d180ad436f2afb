"""Names for people."""

from analysis.names import display_formula, display_level


def test_levels_as_chemists_write_them():
    assert display_level("ccsd_t/cc-pvdz") == "CCSD(T)/cc-pVDZ"
    assert display_level("ccsd/cc-pvtz") == "CCSD/cc-pVTZ"
    assert display_level("gfn2-xtb") == "GFN2-xTB"


def test_formulas_with_lowered_numbers():
    assert display_formula("C21H22N2O2") == "C₂₁H₂₂N₂O₂"
