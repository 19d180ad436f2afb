"""Arguments with and without units."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from asteroid.measured_errors import Measured
from asteroid.units import KCAL_PER_MOL_EV
from study.prices import LevelPrice, PriceList
from sweeps.quantities import asked_for, cpu_s, display_unit, price_words, priced, probability, target_error

LISTED = PriceList("mp2/cc-pvdz", "uff", {"mp2/cc-pvdz": LevelPrice(3.0, "card"), "uff": LevelPrice(0.1, "card")})


def test_numbers_are_in_the_units_of_inside() -> None:
    assert target_error(0.013) == (0.013, Measured.FORCES)
    assert target_error("0.3 kcal/mol/A")[0] == pytest.approx(0.3 * KCAL_PER_MOL_EV)
    assert (cpu_s(90), cpu_s("1.5 min")) == (90.0, 90.0)


@pytest.mark.parametrize("wrong", [0.0, -0.1, float("nan"), float("inf"), "0.3"])
def test_what_is_no_error_is_refused(wrong: float | str) -> None:
    with pytest.raises(InputError):
        target_error(wrong)


def test_prices_that_are_given_replace_those_of_the_run() -> None:
    prices = priced(LISTED.to_json(), {"MP2/cc-pVDZ": "2min"})
    assert prices.levels["mp2/cc-pvdz"] == LevelPrice(120.0, "given")
    assert prices.levels["uff"] == LISTED.levels["uff"]
    assert priced(LISTED.to_json(), None) == LISTED
    assert price_words({"uff": 0.25, "mp2/cc-pvdz": "2min"}) == ["uff=0.25s", "mp2/cc-pvdz=2min"]


def test_units_are_shown_as_they_are_printed() -> None:
    assert [display_unit(unit) for unit in ("meV/A", "kcal/mol/Å")] == ["meV/Å", "kcal/mol/Å"]


def test_a_target_says_what_is_shown_and_in_which_unit() -> None:
    assert asked_for("0.5 kcal/mol", "meV/A") == (0.5 * KCAL_PER_MOL_EV, Measured.ENERGIES, "kcal/mol")
    assert asked_for("20 meV/A", "eV/A") == (0.02, Measured.FORCES, "eV/Å")
    assert asked_for(None, "meV/atom") == (None, Measured.ENERGIES_PER_ATOM, "meV/atom")


def test_a_probability_may_be_a_percentage() -> None:
    assert [probability(said) for said in ("0.8", "80%", "80 %", 0.9)] == [0.8, 0.8, 0.8, 0.9]
