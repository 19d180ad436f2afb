"""Planted scores come back: the mean at all labels, less sampling error with controls, standard errors that hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from study.run.cross_validated_error import SLOPE_PRIOR, cross_validated_error

N = 30


def scores(rng: np.random.Generator, *, slope: float = 0.6, n: int = N) -> dict[int, np.ndarray]:
    """Errors of n frames by models that trained on .9 n and .5 n labels; 1 on average with all n."""
    of_frames = rng.lognormal(-0.08, 0.4, n)
    return {k: of_frames[None] * (1 - 1 / k) ** -slope * np.exp(0.03 * rng.normal(size=(1, n))) for k in (10, 2)}


@pytest.mark.parametrize("slope", [0.2, 0.6, 1.2])
def test_the_slope_of_two_folds_carries_the_error_to_all_labels(slope: float) -> None:
    errors = scores(np.random.default_rng(0), slope=slope)
    found = cross_validated_error(errors, N)
    assert found.slope == pytest.approx(slope, abs=0.15)
    assert found.mean == pytest.approx(errors[10].mean() * 0.9**found.slope, rel=1e-12)


def test_without_two_folds_the_slope_is_the_prior_and_its_doubt_counts() -> None:
    errors = scores(np.random.default_rng(0))
    known, guessed = cross_validated_error(errors, N), cross_validated_error({10: errors[10]}, N)
    assert guessed.slope == SLOPE_PRIOR[0]
    assert guessed.mean == pytest.approx(errors[10].mean() * 0.9 ** SLOPE_PRIOR[0], rel=1e-12)
    assert known.se / known.mean < guessed.se / guessed.mean


def test_a_model_that_saw_no_label_is_carried_nowhere() -> None:
    values = np.random.default_rng(0).lognormal(size=(1, N))
    found = cross_validated_error({1: values}, 4 * N)
    assert (found.mean, found.slope) == (pytest.approx(values.mean(), rel=1e-12), 0.0)
    assert found.shared_se == pytest.approx(found.se / 2, rel=1e-12)


def test_splits_tell_what_a_division_has_by_chance() -> None:
    rng = np.random.default_rng(1)
    calm = {10: np.repeat(scores(rng)[10], 4, axis=0)}
    wild = {10: calm[10] * np.array([0.7, 0.9, 1.1, 1.3])[:, None]}
    assert cross_validated_error(calm, N).mean == pytest.approx(cross_validated_error(wild, N).mean, rel=1e-12)
    assert cross_validated_error(wild, N).se > 1.2 * cross_validated_error(calm, N).se
    one = cross_validated_error({10: calm[10][:1]}, N)
    assert cross_validated_error(calm, N).se < one.se


def test_standard_errors_hold_what_they_say() -> None:
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(300):
        found = cross_validated_error(scores(rng), N)
        inside.append(abs(found.mean - 1.0) < 1.645 * found.se)
    assert 0.86 < np.mean(inside) < 0.98


def test_control_variates_reduce_the_sampling_error() -> None:
    rng = np.random.default_rng(3)
    plain, controlled = [], []
    for _ in range(200):
        control = rng.normal(size=(N, 1))
        errors = {10: np.exp(0.3 * control[:, 0] + 0.2 * rng.normal(size=N))[None]}
        plain.append(cross_validated_error(errors, N).mean)
        controlled.append(cross_validated_error(errors, N, control).mean)
    assert np.std(np.log(controlled)) < 0.8 * np.std(np.log(plain))
    assert np.mean(controlled) == pytest.approx(math.exp(0.065) * 0.9 ** SLOPE_PRIOR[0], rel=0.03)
