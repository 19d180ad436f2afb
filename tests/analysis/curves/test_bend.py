"""Bends away from a power law: the process, and what it does to forecasts."""

import numpy as np
import pytest

from analysis.curves.bend import bend_ahead, bend_covariance
from analysis.curves.power_law import fit_published, predict

N = np.array([25.0, 50.0, 100.0, 200.0, 400.0, 800.0])


def test_covariance_is_that_of_a_twice_integrated_white_noise():
    rng = np.random.default_rng(0)
    x = np.log(4.0)
    step = x / 400
    slopes = np.cumsum(rng.normal(size=(4000, 400)) * np.sqrt(step), axis=1)
    walks = np.cumsum(slopes, axis=1) * step
    found = np.cov(walks[:, 199], walks[:, 399])
    np.testing.assert_allclose(bend_covariance(np.array([0.25, 0.5, 1.0]))[:2, :2][::-1, ::-1], found, rtol=0.08)
    assert bend_ahead(4.0, 4.0) == pytest.approx(np.sqrt(found[1, 1]), rel=0.05)
    np.testing.assert_allclose(bend_ahead([0.5, 1.0, 8.0], 4.0), [0.0, 0.0, float(bend_ahead(4.0, 4.0))])


def test_the_last_budgets_of_a_bent_curve_count_most():
    """Slope .3, then .8: the forecast follows the end of the curve, and says that it is less sure."""
    law = np.where(N < 141, (N / 141) ** -0.3, (N / 141) ** -0.8)
    straight, bent = fit_published(N, (N / 141) ** -0.8), fit_published(N, law)
    low, median, high = predict(bent, 1600.0)[:, 0]
    assert low < (1600 / 141) ** -0.8 < high
    assert median == pytest.approx((1600 / 141) ** -0.8, rel=0.1)
    assert high / low > (lambda band: band[2] / band[0])(predict(straight, 1600.0)[:, 0])
    assert np.mean(bent.kappa > 0) > 0.9
    # Inside the data the line goes through the means.
    np.testing.assert_allclose(predict(bent, N)[1], law, rtol=0.05)
