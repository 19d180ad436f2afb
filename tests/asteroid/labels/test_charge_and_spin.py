"""Charge and spin in words."""

from __future__ import annotations

import pytest

from asteroid.labels.charge_and_spin import CLOSED_SHELL, ChargeAndSpin


@pytest.mark.parametrize(
    ("electrons", "words"),
    [
        (CLOSED_SHELL, "charge 0"),
        (ChargeAndSpin(1), "charge +1"),
        (ChargeAndSpin(0, 1), "charge 0 and 1 unpaired electron"),
        (ChargeAndSpin(-2, 3), "charge -2 and 3 unpaired electrons"),
    ],
)
def test_words(electrons: ChargeAndSpin, words: str) -> None:
    assert str(electrons) == words
