"""Arguments with and without units."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from asteroid.units import KCAL_PER_MOL_EV
from study.prices import LevelPrice, PriceList
from sweeps.quantities import cpu_s, display_unit, force_ev_ang, price_words, priced

LISTED = PriceList("mp2/cc-pvdz", "uff", {"mp2/cc-pvdz": LevelPrice(3.0, "card"), "uff": LevelPrice(0.1, "card")})


def test_numbers_are_in_the_units_of_inside() -> None:
    assert force_ev_ang(0.013) == 0.013
    assert force_ev_ang("0.3 kcal/mol/A") == pytest.approx(0.3 * KCAL_PER_MOL_EV)
    assert (cpu_s(90), cpu_s("1.5 min")) == (90.0, 90.0)


@pytest.mark.parametrize("wrong", [0.0, -0.1, float("nan"), float("inf"), "0.3"])
def test_what_is_no_error_is_refused(wrong: float | str) -> None:
    with pytest.raises(InputError):
        force_ev_ang(wrong)


def test_prices_that_are_given_replace_those_of_the_run() -> None:
    prices = priced(LISTED.to_json(), {"MP2/cc-pVDZ": "2min"})
    assert prices.levels["mp2/cc-pvdz"] == LevelPrice(120.0, "given")
    assert prices.levels["uff"] == LISTED.levels["uff"]
    assert priced(LISTED.to_json(), None) == LISTED
    assert price_words({"uff": 0.25, "mp2/cc-pvdz": "2min"}) == ["uff=0.25s", "mp2/cc-pvdz=2min"]


def test_units_are_shown_as_they_are_printed() -> None:
    assert [display_unit(unit) for unit in ("meV/A", "kcal/mol/Å")] == ["meV/Å", "kcal/mol/Å"]
