"""Fits side by side end where scipy's end, inside their bounds."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from analysis.curves.bounded_fits import fit_all

X = np.linspace(0.1, 4.0, 25)
LOW, HIGH = np.array([0.0, 0.2, -1.0, -0.5]), np.array([1.5, 3.0, 1.0, 0.1])


def law(x):
    """A decay on a slope, several parameters at a time."""
    a, b, c, d = (x[..., k : k + 1] for k in range(4))
    return a * np.exp(-b * X) + c + d * X


def slopes(x):
    """Its derivatives."""
    a, b = x[..., 0:1], x[..., 1:2]
    decay = np.exp(-b * X)
    return np.stack([decay, -a * X * decay, np.ones_like(decay), np.ones_like(decay) * X], axis=2)


@pytest.mark.parametrize("spread", [0.05, 1.0])
def test_nothing_is_left_to_gain(spread):
    rng = np.random.default_rng(0)
    truth = rng.uniform(LOW - 0.3 * (HIGH - LOW), HIGH + 0.3 * (HIGH - LOW), size=(40, 4))  # beyond the bounds as well
    data = law(truth) + spread * rng.normal(size=(40, len(X)))
    start = rng.uniform(LOW, HIGH, size=(40, 4))
    fits = fit_all(lambda x, number: law(x) - data[number], slopes, start, LOW, HIGH)
    assert ((fits.x >= LOW) & (fits.x <= HIGH)).all()
    assert ((fits.x == LOW) | (fits.x == HIGH)).any(axis=0).all()
    rest, own = law(fits.x) - data, slopes(fits.x)
    np.testing.assert_allclose(fits.cost, 0.5 * np.square(rest).sum(axis=1))
    # What a parameter could still gain: nothing where it is free, and where it is held, only beyond its bound.
    slope, curvature = (rest[:, None] @ own)[:, 0], np.square(own).sum(axis=1)
    outwards = ((fits.x == LOW) & (slope > 0)) | ((fits.x == HIGH) & (slope < 0))
    gain = np.where(outwards, 0.0, slope**2 / np.maximum(curvature, 1e-12))
    assert (gain.max(axis=1) < 1e-6 * fits.cost).all()


def test_they_end_where_scipy_does():
    rng = np.random.default_rng(1)
    truth = np.array([1.0, 1.0, 0.0, 0.0])
    data = law(truth) + 0.1 * rng.normal(size=(20, len(X)))
    fits = fit_all(lambda x, number: law(x) - data[number], slopes, np.tile(truth, (20, 1)), LOW, HIGH)
    for own, x in zip(data, fits.x, strict=True):
        alone = least_squares(lambda at, own=own: law(at) - own, truth, bounds=(LOW, HIGH), ftol=1e-12, xtol=1e-12)
        np.testing.assert_allclose(law(x), law(alone.x), atol=1e-4)


def test_a_start_outside_is_moved_inside_and_an_end_stays_where_it_is():
    data = law(np.array([1.0, 1.0, 0.0, 0.0]))[None]
    (found,) = fit_all(lambda x, number: law(x) - data[number], slopes, np.full((1, 4), 9.0), LOW, HIGH).x
    np.testing.assert_allclose(found, [1.0, 1.0, 0.0, 0.0], atol=1e-6)
    (again,) = fit_all(lambda x, number: law(x) - data[number], slopes, found[None], LOW, HIGH).x
    np.testing.assert_allclose(again, found, atol=1e-6)
