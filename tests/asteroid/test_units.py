from __future__ import annotations

import pytest
from ase import units
from hypothesis import given
from hypothesis import strategies as st

from asteroid.errors import InputError
from asteroid.units import (
    ENERGY_IN_EV,
    KCAL_PER_MOL_EV,
    LENGTH_IN_ANG,
    SECONDS,
    energy_unit,
    force_unit_in_ev_ang,
    length_unit,
    parse_seconds,
)

numbers = st.floats(min_value=1e-9, max_value=1e9)


def test_energies_against_the_constants_of_codata() -> None:
    # CODATA 2018: Hartree 27.211386245988 eV, Avogadro 6.02214076e23 / mol, e = 1.602176634e-19 C; 1 kcal = 4184 J.
    assert ENERGY_IN_EV["Hartree"] == pytest.approx(27.211386245988, rel=1e-7)
    assert pytest.approx(4184 / (6.02214076e23 * 1.602176634e-19), rel=1e-7) == KCAL_PER_MOL_EV
    assert ENERGY_IN_EV["kcal/mol"] / ENERGY_IN_EV["kJ/mol"] == pytest.approx(4.184, rel=1e-12)
    assert LENGTH_IN_ANG["Bohr"] == pytest.approx(0.529177210903, rel=1e-7)


@given(numbers, st.sampled_from(list(SECONDS)))
def test_seconds_there_and_back(number: float, unit: str) -> None:
    assert parse_seconds(f"{number!r} {unit}") / SECONDS[unit] == pytest.approx(number, rel=1e-14)
    assert parse_seconds(f"{number!r}{unit}") == parse_seconds(f"  {number!r}  {unit} ")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("28s", 28), ("1.4 ms", 0.0014), ("2 h", 7200), ("3min", 180), ("1 d", 86400), ("0 s", 0), ("4 hours", 14400)],
)
def test_prices_with_units(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds, rel=1e-14)


def refusal(call: object, text: str) -> str:
    assert callable(call)
    with pytest.raises(InputError) as caught:
        call(text)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("28", ["needs a unit", "ms, s, min", "'28'", "'28s'"]),
        ("28 parsecs", ["needs a unit", "'28 parsecs'", "'28s'"]),
        ("abc", ["number with a unit", "'abc'", "'28s'"]),
        ("-1 s", ["must not be negative", "'-1 s'"]),
        ("1e999 s", ["'1e999 s'"]),
        ("s", ["number with a unit", "'s'"]),
    ],
)
def test_prices_that_are_refused(text: str, words: list[str]) -> None:
    message = refusal(parse_seconds, text)
    assert [word for word in words if word not in message] == [], message


def test_units_by_other_names() -> None:
    assert {energy_unit(name) for name in ("Ha", "eh", "HARTREE")} == {"Hartree"}
    assert {length_unit(name) for name in ("A", "Å", "ang", "Angstrom")} == {"Angstrom"}
    assert "kJ/mol" in refusal(energy_unit, "calories")
    assert "Bohr" in refusal(length_unit, "mile")
    assert "add the unit" in refusal(force_unit_in_ev_ang, "eV")


def test_units_are_those_of_ase() -> None:
    assert ENERGY_IN_EV["kcal/mol"] == units.kcal / units.mol
    assert ENERGY_IN_EV["kJ/mol"] == units.kJ / units.mol
    assert ENERGY_IN_EV["Hartree"] == units.Hartree
    assert LENGTH_IN_ANG["Bohr"] == units.Bohr


@pytest.mark.parametrize(
    "unit",
    [
        *("kcal/mol/A", "kcal mol^-1 A^-1", "kcal mol-1 ang-1", "kcal·mol⁻¹·Å⁻¹", "kcal/(mol Å)", "kcal/(mol*Ang)"),
        *("kcal / mol / Angstrom", "kcal per mol per Å", "KCAL MOL**-1 ANGS**-1", "kcalmol/angstroem"),
    ],
)
def test_units_as_people_write_them(unit: str) -> None:
    assert force_unit_in_ev_ang(unit) == ENERGY_IN_EV["kcal/mol"]
    with pytest.raises(InputError):
        energy_unit(unit)


@pytest.mark.parametrize("unit", ["cm-1", "cm^-1", "K", "mol^-1", "kcal/mol^2", "eV^-1", "/", "per", "1"])
def test_other_units_stay_unknown(unit: str) -> None:
    for read in (energy_unit, length_unit, force_unit_in_ev_ang):
        with pytest.raises(InputError):
            read(unit)
