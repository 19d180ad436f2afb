from __future__ import annotations

import pytest

from asteroid.errors import InputError
from asteroid.models.sgdml.settings import KernelSettings


def test_memory_is_refused_with_the_largest_number_that_fits() -> None:
    alone, several = KernelSettings(sigmas=(10,)), KernelSettings()
    assert alone.fit_bytes(1000, 21) == pytest.approx(28e9, rel=0.15)
    free = 2**30
    with pytest.raises(
        InputError, match=r"1000 frames of 21 atoms needs 4\d\.\d GiB .* 1\.0 GiB .* at most (\d+)"
    ) as refusal:
        several.refuse_too_large(1000, 21, free)
    largest = int(str(refusal.value).split("at most ")[1].split()[0])
    assert several.fit_bytes(largest, 21) <= free < several.fit_bytes(largest + 1, 21)
    several.refuse_too_large(largest, 21, free)
    with pytest.raises(InputError, match="at most 0 frames"):
        several.refuse_too_large(1, 21, 10)
    several.refuse_too_large(10, 6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sigmas": ()}, "rising"),
        ({"sigmas": (20, 10)}, "rising"),
        ({"sigmas": (10, 10)}, "rising"),
        ({"sigmas": (0, 10)}, "positive"),
        ({"sigmas": (2.5,)}, "whole"),
        ({"sigmas": (10, 10**7)}, "at most 1000000"),
        ({"regularisation": 0.0}, "regularisation must be positive"),
        ({"regularisation": float("nan")}, "regularisation must be positive"),
        ({"folds": 1}, "at least 2 folds"),
    ],
)
def test_settings_are_checked(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        KernelSettings(**wrong)
