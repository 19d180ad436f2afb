import numpy as np
import pytest

from analysis.buying.noise_law import NoiseLaw
from analysis.buying.posterior import Looks, error_posterior
from analysis.buying.prior import learnt_prior
from analysis.buying.race import at_equal_price, first_to_meet, still_racing, without_selection_bias


def posterior(level, variance=0.25):
    n = np.array([16.0, 16.0])
    x = np.array([8.0, 14.4])
    at = np.array([16.0, 40.0])
    return error_posterior(Looks(n, x, level - 0.6 * np.log(x), variance), at, learnt_prior(), NoiseLaw())


def means(posteriors):
    return np.array([one.moments()[0][0] for one in posteriors])


def test_one_strategy_has_no_luck_to_lose():
    one = posterior(0.0)
    assert without_selection_bias([one]) == [one]


def test_the_best_of_equal_ones_is_pulled_back_more_than_one_far_ahead():
    alike = [posterior(level) for level in (-0.1, 0.0, 0.05, 0.1)]
    apart = [posterior(level) for level in (-2.0, 0.0, 0.05, 0.1)]
    pulls = [means(without_selection_bias(group))[0] - means(group)[0] for group in (alike, apart)]
    assert pulls[0] > 0
    assert pulls[0] / 0.1 > 2 * pulls[1] / 2.0


def test_without_noise_nothing_is_pulled():
    quiet = NoiseLaw(spread=1e-4, spread_worth=1e6, draw_effect=1e-4, folds=1e-4)
    n, x = np.full(2, 16.0), np.array([8.0, 14.4])
    group = [
        error_posterior(Looks(n, x, level - 0.6 * np.log(x), 1e-8), np.array([16.0, 20.0]), learnt_prior(), quiet)
        for level in (0.0, 0.1)
    ]
    np.testing.assert_allclose(means(without_selection_bias(group)), means(group), atol=2e-3)


def test_the_first_to_meet_the_target_is_the_likelier_and_the_earlier():
    ahead = np.array([[0.1, 0.6, 0.9], [0.0, 0.3, 0.9], [0.0, 0.0, 0.01]])
    first = first_to_meet(ahead)
    assert first[0] > first[1] > first[2]
    assert first.sum() <= 1 + 1e-9
    assert still_racing(first).tolist() == [True, True, False]


def test_equal_strategies_share_the_chance():
    first = first_to_meet(np.tile(np.linspace(0, 1, 50), (2, 1)))
    np.testing.assert_allclose(first, 0.5, atol=0.01)


def test_somebody_always_goes_on():
    assert still_racing(np.zeros(3)).any()
    assert first_to_meet(np.array([[0.2, 0.7]])).tolist() == pytest.approx([0.7])


def test_at_equal_price_a_strategy_of_dear_labels_has_fewer_of_them():
    n = np.array([20.0, 30.0, 40.0, 60.0])
    dear, cheap = np.array([0.0, 0.5, 0.9, 1.0]), np.array([0.0, 0.4, 0.8, 1.0])
    np.testing.assert_array_equal(at_equal_price(np.array([dear, cheap]), n, [28.0, 28.0]), [dear, cheap])
    at = at_equal_price(np.array([dear, cheap]), n, [56.0, 28.0])
    np.testing.assert_allclose(at, [dear, [0.0, 0.8, 1.0, 1.0]])
    assert first_to_meet(np.array([dear, cheap]))[0] > first_to_meet(np.array([dear, cheap]))[1]
    assert first_to_meet(at)[1] > first_to_meet(at)[0]
