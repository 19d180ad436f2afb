"""Names of levels: slugs, sums of levels, and one line for what is none."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from asteroid.labels.level_names import level_parts, normalise_level


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("CCSD(T)/cc-pVDZ", "ccsd_t/cc-pvdz"),
        (" GFN2-xTB ", "gfn2-xtb"),
        ("B3LYP/6-31G**", "b3lyp/6-31g_d_p"),
        ("B3LYP/6-31G(d,p)", "b3lyp/6-31g_d_p"),
        ("MP2/6-31+G*", "mp2/6-31+g_d"),
        ("ωB97X-D/def2-TZVP", "wb97x-d/def2-tzvp"),
    ],
)
def test_levels_become_slugs(text: str, slug: str) -> None:
    assert normalise_level(text) == slug
    assert normalise_level(slug) == slug


@pytest.mark.parametrize("text", ["", "a/b/c", "no spaces", "/cc-pvdz", "pbe/", "../pbe"])
def test_other_levels_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"method\[/basis\]"):
        normalise_level(text)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("CCSD(T)/cc-pVDZ + MP2/(cc-pVTZ - cc-pVDZ)", "ccsd_t/cc-pvdz + mp2/cc-pvtz - mp2/cc-pvdz"),
        ("mp2/cc-pvtz  -  mp2/cc-pvdz + ccsd/cc-pvdz", "mp2/cc-pvtz - mp2/cc-pvdz + ccsd/cc-pvdz"),
        ("ccsd/6-31+G* + mp2/(6-311++G(d,p) - 6-31+G*)", "ccsd/6-31+g_d + mp2/6-311++g_d_p - mp2/6-31+g_d"),
        ("pbe/def2-svp - gfn2-xtb + gfn1-xtb", "pbe/def2-svp - gfn2-xtb + gfn1-xtb"),
        (" my_models.Public:make_OFF ", "my_models.Public:make_OFF"),
        ("CCSD/cc-pVDZ + my_models:MP2_large - MP2/cc-pVDZ", "ccsd/cc-pvdz + my_models:MP2_large - mp2/cc-pvdz"),
    ],
)
def test_sums_of_levels_are_multiplied_out(text: str, slug: str) -> None:
    assert normalise_level(text) == slug
    assert normalise_level(slug) == slug


def test_parts_have_signs() -> None:
    assert level_parts("ccsd/a + mp2/(b - a)") == ((1, "ccsd/a"), (1, "mp2/b"), (-1, "mp2/a"))
    assert level_parts("GFN2-xTB") == ((1, "gfn2-xtb"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ccsd_t/cc-pvdz + mp2/cc-pvtz", r"one more level with \+ than with -.*found \+2"),
        ("ccsd_t/cc-pvdz - mp2/cc-pvtz", r"one more level with \+ than with -.*found \+0"),
        ("mp2/a + mp2/a - mp2/b", "found mp2/a twice"),
        ("ccsd_t/cc-pvdz+mp2/cc-pvtz", r"blanks around \+ and -"),
        ("ccsd_t/cc-pvdz + mp2/(cc-pvtz-cc-pvdz)", r"blanks around \+ and -"),
        ("- mp2/a + mp2/b + ccsd/a", "found '- mp2/a in "),
        ("mp2/(a - b", "sum of such levels"),
        ("(mp2 - hf)/a + hf/b", "sum of such levels"),
        ("my_models:", r"method\[/basis\]"),
        ("my models:make", r"method\[/basis\]"),
    ],
)
def test_sums_that_are_no_level(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        normalise_level(text)
    assert "\n" not in str(caught.value)
