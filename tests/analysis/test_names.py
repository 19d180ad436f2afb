"""Names for people."""

import pytest

from analysis.names import display_formula, display_level, duration, in_percent
from asteroid.labels.level_names import normalise_level


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


@pytest.mark.parametrize(
    ("slug", "shown"),
    [
        ("mp2/aug-cc-pvtz", "MP2/aug-cc-pVTZ"),
        ("b3lyp/def2-svp", "B3LYP/def2-SVP"),
        ("pbe/ma-def2-tzvpp", "PBE/ma-def2-TZVPP"),
        ("mp2/6-311++g_d_p", "MP2/6-311++G(d,p)"),
        ("hf/sto-3g", "HF/STO-3G"),
        ("dlpno-ccsd_t/cc-pwcvqz", "DLPNO-CCSD(T)/cc-pwCVQZ"),
        ("ccsd_t-f12a/cc-pvtz-f12", "CCSD(T)-F12a/cc-pVTZ-F12"),
        ("wb97x-d3/def2-qzvp", "ωB97X-D3/def2-QZVP"),
        ("r2scan-3c", "r2SCAN-3c"),
        ("so3lr", "SO3LR"),
        ("my_models:make", "my_models:make"),
    ],
)
def test_levels_are_written_as_chemists_do(slug, shown):
    assert display_level(slug) == shown
    assert ":" in slug or normalise_level(shown) == slug, "what is shown may be typed"
