import numpy as np
import pytest

from analysis.buying.noise_law import NoiseLaw, draw_covariance, look_covariance
from analysis.buying.posterior import Looks, error_posterior
from analysis.buying.prior import VAGUE, CurvePrior

ALPHA, LEVEL = 0.7, np.log(0.2)


def curve(n):
    return LEVEL - ALPHA * np.log(np.asarray(n, dtype=float) / 30)


def looks_at(*sizes, noise=0.0, variance=0.25, seed=0):
    n = np.repeat(np.array(sizes, dtype=float), 2)
    x = n * np.tile([0.5, 0.9], len(sizes))
    scatter = noise * np.random.default_rng(seed).standard_normal(len(n))
    return Looks(n, x, curve(x) + scatter, variance)


QUIET = NoiseLaw(spread=1e-3, draw_effect=1e-3, folds=1e-3)
AHEAD = np.array([40.0, 60.0, 120.0])


def test_without_noise_a_planted_curve_is_found():
    posterior = error_posterior(looks_at(16, 24, 40, variance=1e-6), AHEAD, VAGUE, QUIET)
    mean, sd = posterior.moments()
    np.testing.assert_allclose(mean[:2], curve(AHEAD[:2]), atol=0.03)
    assert sd[0] < 0.01


def test_many_labels_leave_less_than_the_luck_of_a_model():
    n = np.array([1e6])
    posterior = error_posterior(looks_at(250_000, 500_000, 1_000_000), n, VAGUE, NoiseLaw(folds=1e-4))
    mean, sd = posterior.moments()
    assert sd[0] < 0.5 * NoiseLaw().draw_effect
    assert abs(mean[0] - curve(1e6)) < 2 * sd[0]


def test_what_it_says_of_curves_drawn_from_its_prior_and_law_holds():
    """Planted levels, slopes and correlated noise: the 90 % interval of the luckless error ahead covers 90 %."""
    law, prior = (
        NoiseLaw(spread=0.5, spread_worth=1e6, draw_effect=0.05),
        CurvePrior(((1.0, 0.6, 0.3),), no_floor=0.999),
    )
    rng, covered = np.random.default_rng(1), []
    n = np.repeat([16.0, 24.0, 40.0], 2)
    x = n * np.tile([0.5, 0.9], 3)
    ahead = np.array([40.0, 80.0])
    whole = np.block(
        [
            [look_covariance(law, n, x, np.array([0.5]))[0], law.draw_share * draw_covariance(law, n, ahead)],
            [law.draw_share * draw_covariance(law, ahead, n), draw_covariance(law, ahead, ahead)],
        ]
    )
    root = np.linalg.cholesky(whole + 1e-12 * np.eye(len(whole)))
    for _ in range(200):
        alpha = 0.6 * np.exp(0.3 * rng.standard_normal())
        noise = root @ rng.standard_normal(len(root))
        truth = -alpha * np.log(ahead) + noise[-2:]
        posterior = error_posterior(Looks(n, x, -alpha * np.log(x) + noise[:-2], 0.25), ahead, prior, law)
        covered += [
            low <= t <= high
            for t, (low, high) in zip(truth, (posterior.quantiles([0.05, 0.95], i) for i in (0, 1)), strict=True)
        ]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.05)


def test_probability_and_quantiles_are_inverse():
    posterior = error_posterior(looks_at(16, 24, noise=0.1), np.array([24.0, 60.0]), VAGUE, NoiseLaw())
    for at in (0, 1):
        for q in (0.05, 0.5, 0.95):
            (found,) = posterior.quantiles([q], at)
            assert posterior.probability(found)[at] == pytest.approx(q, abs=1e-4)


def test_a_look_ahead_tells_less_than_all_and_more_than_nothing():
    posterior = error_posterior(looks_at(16, 24, noise=0.1), np.array([24.0, 60.0]), VAGUE, NoiseLaw())
    _, sd = posterior.moments()
    np.testing.assert_allclose(posterior.seen_sd**2 + posterior.left_sd**2, sd**2, rtol=1e-6)
    assert 0 < posterior.left_sd[1] < sd[1]
    assert posterior.seen_sd[1] > posterior.seen_sd[0]


def test_the_unit_of_the_errors_does_not_matter():
    looks = looks_at(16, 24, noise=0.1)
    scaled = Looks(looks.n, looks.x, looks.log_error + 3, looks.relative_variance)
    one, other = (error_posterior(each, AHEAD, VAGUE, NoiseLaw()).moments()[0] for each in (looks, scaled))
    np.testing.assert_allclose(other - one, 3)
