"""The time left counts only what a call did itself."""

from __future__ import annotations

import time

import pytest

from study.labelling.remaining_time import RemainingTime


def test_the_rate_is_that_of_this_call() -> None:
    remaining = RemainingTime(found=90, began=time.monotonic() - 50.0)
    assert remaining.left_s(90, 100) is None
    assert remaining.left_s(95, 100) == pytest.approx(50.0, rel=1e-3)
    assert remaining.left_s(100, 100) == 0.0
