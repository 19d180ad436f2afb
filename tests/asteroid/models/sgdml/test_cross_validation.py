from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asteroid.models.sgdml import cross_validation
from asteroid.models.sgdml.settings import KernelSettings


@given(st.integers(0, 6), st.integers(1, 7))
def test_the_search_finds_the_minimum_of_a_valley(lowest: int, size: int) -> None:
    grid = tuple(range(1, size + 1))
    tried = []

    def valley(_frames: object, _labels: object, _scale: float, sigma: int, _settings: object) -> float:
        tried.append(sigma)
        return abs(sigma - 1 - min(lowest, size - 1)) + 0.25 * sigma

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_validation, "cross_validated_error", valley)
        errors = cross_validation.errors_of_length_scales(None, None, 1.0, KernelSettings(sigmas=grid))
    assert min(errors, key=errors.__getitem__) == min(lowest, size - 1) + 1
    assert len(tried) == len(set(tried)) == len(errors)
