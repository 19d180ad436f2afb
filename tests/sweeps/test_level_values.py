"""Prices and owned labels of the command line."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from sweeps.level_values import owned, prices


def test_prices() -> None:
    assert prices(["MP2/cc-pVDZ=2min", "uff=0.1 s"]) == {"MP2/cc-pVDZ": "2min", "uff": "0.1 s"}
    assert prices(None) == {}


def test_owned_labels() -> None:
    assert owned(["MP2/cc-pVDZ=1,200", "uff= 3"]) == {"MP2/cc-pVDZ": 1200, "uff": 3}


@pytest.mark.parametrize("word", ["uff", "uff=", "uff=-2", "uff=2.5"])
def test_no_number_of_labels(word: str) -> None:
    with pytest.raises(InputError, match="LEVEL=NUMBER"):
        owned([word])


def test_no_price() -> None:
    with pytest.raises(InputError, match="LEVEL=TIME"):
        prices(["uff"])
