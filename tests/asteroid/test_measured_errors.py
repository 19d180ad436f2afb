"""Units of errors, what they are of, and energies whose constant is free."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asteroid.errors import InputError
from asteroid.measured_errors import (
    Measured,
    a_mae_in,
    error_unit,
    free_of_constant,
    heading_in,
    named_in,
    parse_error,
    unit_to_show,
)
from asteroid.units import ENERGY_IN_EV, KCAL_PER_MOL_EV, LENGTH_IN_ANG

numbers = st.floats(min_value=1e-9, max_value=1e9)


@pytest.mark.parametrize(
    ("text", "value", "measured"),
    [
        ("0.5 kcal/mol/A", 0.5 * KCAL_PER_MOL_EV, Measured.FORCES),
        ("0.5kcal/mol/Å", 0.5 * KCAL_PER_MOL_EV, Measured.FORCES),
        (" .5 KCAL/MOL/ANGSTROM ", 0.5 * KCAL_PER_MOL_EV, Measured.FORCES),
        ("20 meV/A", 0.02, Measured.FORCES),
        ("2e-2 eV/ang", 0.02, Measured.FORCES),
        ("1 Hartree/Bohr", ENERGY_IN_EV["Hartree"] / LENGTH_IN_ANG["Bohr"], Measured.FORCES),
        ("1 Eh/a0", ENERGY_IN_EV["Hartree"] / LENGTH_IN_ANG["Bohr"], Measured.FORCES),
        ("1 kJ/mol/nm", ENERGY_IN_EV["kJ/mol"] / 10, Measured.FORCES),
        ("0.5 kcal/mol", 0.5 * KCAL_PER_MOL_EV, Measured.ENERGIES),
        ("2 kJ/mol", 2 * ENERGY_IN_EV["kJ/mol"], Measured.ENERGIES),
        ("10meV", 0.01, Measured.ENERGIES),
        ("1 meV/atom", 0.001, Measured.ENERGIES_PER_ATOM),
        ("0.1 kcal/mol/ATOM", 0.1 * KCAL_PER_MOL_EV, Measured.ENERGIES_PER_ATOM),
    ],
)
def test_the_unit_says_what_a_target_is_on(text: str, value: float, measured: Measured) -> None:
    assert parse_error(text) == (pytest.approx(value, rel=1e-14), measured)


@given(numbers, st.sampled_from(list(ENERGY_IN_EV)), st.sampled_from(["", "/atom", *(f"/{x}" for x in LENGTH_IN_ANG)]))
def test_targets_there_and_back(number: float, energy: str, per: str) -> None:
    unit = f"{energy}{per}"
    assert parse_error(f"{number!r} {unit}")[0] / error_unit(unit) == pytest.approx(number, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.5", ["needs a unit", "'0.5'", "'0.5 kcal/mol/A'", "'0.5 kcal/mol'"]),
        ("0.5 stone/A", ["unknown energy unit 'stone'", "kcal/mol"]),
        ("0.5 stone/atom", ["unknown energy unit 'stone'", "kcal/mol"]),
        ("0.5 stone", ["a force needs a unit", "'stone'"]),
        ("0.5 eV/furlong", ["unknown length unit 'furlong'", "Bohr"]),
        ("abc", ["number with a unit", "'abc'", "0.5 kcal/mol/A"]),
        ("", ["number with a unit", "''"]),
        ("nan eV/A", ["number with a unit", "'nan eV/A'"]),
        ("1,5 eV/A", ["unknown energy unit ',5 eV'"]),
        ("-1 kcal/mol/A", ["must be positive", "'-1 kcal/mol/A'"]),
        ("0 kcal/mol", ["must be positive", "'0 kcal/mol'"]),
        ("1e999 eV/A", ["must be positive", "'1e999 eV/A'"]),
        ("1 eV\n/A x", ["unit"]),
    ],
)
def test_targets_that_are_refused(text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_error(text)
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


def test_errors_have_names_and_usual_units() -> None:
    assert [named_in(unit) for unit in ("meV/Å", "eV", "eV/atom")] == [
        "force MAE",
        "energy MAE",
        "energy MAE per atom",
    ]
    assert heading_in("kcal/mol", "errors") == "Energy errors"
    assert (a_mae_in("meV/Å"), a_mae_in("eV")) == ("a force MAE", "an energy MAE")
    assert unit_to_show(Measured.ENERGIES, "kJ/mol") == "kJ/mol"
    assert unit_to_show(Measured.ENERGIES, "meV/Å") == "kcal/mol"
    assert unit_to_show(Measured.FORCES, "meV/atom") == "kcal/mol/Å"


def test_a_free_constant_takes_out_the_mean_and_counts_it() -> None:
    errors = np.random.default_rng(0).normal(7.0, 2.0, (4000, 5))
    free = free_of_constant(errors)
    assert free == pytest.approx(free_of_constant(errors - 1000.0), abs=1e-9)
    # The mean absolute deviation of a normal is sqrt(2 / pi) of its standard deviation, whatever the number of frames.
    assert free.mean() == pytest.approx(2.0 * math.sqrt(2 / math.pi), rel=0.02)
    assert np.isnan(free_of_constant(np.array([0.3]))).all()
