"""Levels by name, and what they need installed."""

from __future__ import annotations

import pytest
from labellers import WATER, labeller_of

from asteroid.errors import InputError
from asteroid.labelling import levels as labelling_levels
from asteroid.labelling.labeller import Method
from asteroid.labelling.levels import PROGRAMS, computable_level, parse_parts
from asteroid.labelling.open_labeller import open_labeller


@pytest.mark.parametrize(
    ("text", "slug", "exponent"),
    [
        ("CCSD(T)/cc-pVDZ", "ccsd_t/cc-pvdz", 7),
        ("GFN2-xTB", "gfn2-xtb", 3),
        ("MP2/6-31G*", "mp2/6-31g_d", 5),
        ("UFF", "uff", 2),
    ],
)
def test_levels_by_name(text: str, slug: str, exponent: int) -> None:
    assert computable_level(text) == slug
    ((sign, level),) = parse_parts(text)
    assert (sign, level.slug) == (1, slug)
    assert level.formal_exponent == exponent


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gfn2", "did you mean gfn2-xtb"),
        ("ccsdt/cc-pvtz", "did you mean ccsd_t/cc-pvtz"),
        ("b3lpy/6-31g", "did you mean b3lyp/6-31g"),
        ("ccsd_t", "needs a basis"),
        ("gfn2-xtb/def2-svp", "has no basis"),
        ("two words", "method"),
        ("ccsd_t/cc-pvdz + mp/(cc-pvtz - cc-pvdz)", "no level 'mp/cc-pvtz' can be computed here: did you mean mp2/"),
        ("ccsd_t/cc-pvdz + mp2 - mp2/cc-pvdz", "mp2 needs a basis, found 'mp2'"),
    ],
)
def test_a_wrong_level_is_answered_with_the_nearest(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        computable_level(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("level", "program"), [("uff", "RDKit"), ("gfn2-xtb", "tblite"), ("ccsd_t/cc-pvdz", "PySCF")])
def test_without_the_extra_the_pip_command_is_named(level: str, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling_levels, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=rf'{program}.*pip install "asteroid-study\[labels\]"'):
        labeller_of(Method(level))


def test_no_method_belongs_to_two_programs() -> None:
    methods = [method for program in PROGRAMS for method in program.formal_exponents]
    assert len(set(methods)) == len(methods)


def test_a_calculator_of_the_users_is_a_level_by_its_import_path() -> None:
    ((sign, level),) = parse_parts("ase.calculators.emt:EMT")
    assert (sign, level.slug, level.formal_exponent) == (1, "ase.calculators.emt:EMT", 1)
    assert computable_level(" ase.calculators.emt:EMT") == "ase.calculators.emt:EMT"
    of_water = Method(level.slug), WATER.numbers, WATER.positions[None]
    each, steps = (open_labeller(*of_water, each_anew=anew) for anew in (True, False))
    assert each(WATER.positions)[0] == steps(WATER.positions)[0]
    with pytest.raises(InputError, match=r"no function 'MTE'"):
        labeller_of(Method("ase.calculators.emt:MTE"))
    with pytest.raises(InputError, match=r"'no_such_module:make' cannot be imported"):
        labeller_of(Method("hf/sto-3g + no_such_module:make - uff"))
