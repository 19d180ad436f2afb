"""Names for people."""

from analysis.names import display_formula, display_level, duration, in_percent


def test_levels_as_chemists_write_them():
    assert display_level("ccsd_t/cc-pvdz") == "CCSD(T)/cc-pVDZ"
    assert display_level("ccsd/cc-pvtz") == "CCSD/cc-pVTZ"
    assert display_level("gfn2-xtb") == "GFN2-xTB"
    assert display_level("ccsd_t/cc-pvdz + mp2/cc-pvtz - mp2/cc-pvdz") == "CCSD(T)/cc-pVDZ + MP2/cc-pVTZ - MP2/cc-pVDZ"
    assert display_level("my_models:make") == "my_models:make"


def test_formulas_with_lowered_numbers():
    assert display_formula("C21H22N2O2") == "C₂₁H₂₂N₂O₂"


def test_durations():
    assert [duration(s) for s in (0.02, 42, 700, 3600 * 3.14, 86400 * 2.4, 86400 * 400)] == [
        "0.02 s",
        "42 s",
        "12 min",
        "3.1 h",
        "2.4 d",
        "400 d",
    ]


def test_nothing_is_shown_as_certain_or_impossible() -> None:
    assert [in_percent(p) for p in (0.0, 0.004, 0.914, 0.996, 1.0)] == ["1%", "1%", "91%", "99%", "99%"]
