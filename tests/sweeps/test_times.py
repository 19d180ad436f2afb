"""Times of dynamics: read with their unit, whole numbers of steps."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from sweeps.times import parse_fs, whole_steps


def test_times_and_steps() -> None:
    assert parse_fs("2.5 ps", "--time") == 2500
    assert whole_steps("1ns", "--time", 0.5) == 2_000_000
    assert whole_steps("0fs", "--equilibration", 0.5, least=0) == 0


@pytest.mark.parametrize(
    ("text", "step", "found"),
    [("10", 0.5, "fs, ps or ns"), ("1.2fs", 0.5, "whole number"), ("0fs", 0.5, "positive"), ("1fs", 0.0, "timestep")],
)
def test_mistakes(text: str, step: float, found: str) -> None:
    with pytest.raises(InputError, match=found):
        whole_steps(text, "--time", step)
