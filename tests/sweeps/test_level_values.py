"""Prices and owned labels of the command line."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from study.prices import LevelPrice, PriceList
from sweeps.level_values import owned, priced

LISTED = PriceList("mp2/cc-pvdz", "uff", {"mp2/cc-pvdz": LevelPrice(3.0, "card"), "uff": LevelPrice(0.1, "card")})


def test_a_price_replaces_the_listed_one() -> None:
    prices = priced(LISTED.to_json(), ["MP2/cc-pVDZ=2min"])
    assert prices.levels["mp2/cc-pvdz"] == LevelPrice(120.0, "command line")
    assert prices.levels["uff"] == LISTED.levels["uff"]


def test_owned_labels() -> None:
    assert owned(["MP2/cc-pVDZ=1,200", "uff= 3"]) == {"mp2/cc-pvdz": 1200, "uff": 3}


@pytest.mark.parametrize("word", ["uff", "uff=", "uff=-2", "uff=2.5"])
def test_no_number_of_labels(word: str) -> None:
    with pytest.raises(InputError, match="LEVEL=NUMBER"):
        owned([word])


def test_no_price() -> None:
    with pytest.raises(InputError, match="LEVEL=SECONDS"):
        priced(LISTED.to_json(), ["uff"])
