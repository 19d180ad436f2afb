import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.buying.noise_law import NoiseLaw, look_covariance, spread_nodes

LAW = NoiseLaw()


def test_looks_that_share_labels_have_the_covariance_of_simulated_ones():
    """Frames whose luck is kept by a share, two sizes at equal training size: cov = s^2 kept / n' + the luck's."""
    law = NoiseLaw(decay=1e12, draw_effect=0.0, folds=0.0)
    rng, runs = np.random.default_rng(0), 20_000
    frames = rng.standard_normal((runs, 40))
    looks = []
    for n in (20, 40):
        own = rng.standard_normal((runs, n))
        looks.append(0.3 * (np.sqrt(law.kept) * frames[:, :n] + np.sqrt(1 - law.kept) * own).mean(axis=1))
    n = np.array([20.0, 40.0])
    expected = look_covariance(law, n, 0.9 * n, np.array([0.3]))[0]
    np.testing.assert_allclose(np.cov(np.array(looks)), expected, rtol=0.05)


@given(st.lists(st.tuples(st.integers(10, 400), st.sampled_from([2, 5, 10])), min_size=1, max_size=12, unique=True))
def test_the_covariance_is_positive_definite(looks):
    n = np.array([look[0] for look in looks], dtype=float)
    x = n * (1 - 1 / np.array([look[1] for look in looks]))
    for matrix in look_covariance(LAW, n, x, np.array([0.1, 2.0])):
        assert np.linalg.eigvalsh(matrix).min() > 0
        np.testing.assert_allclose(matrix, matrix.T)


def test_the_spread_goes_from_the_guess_to_what_is_measured():
    few, many = spread_nodes(LAW, 1.0, 2), spread_nodes(LAW, 1.0, 20_000)
    assert few.min() < LAW.spread < few.max()
    np.testing.assert_allclose(many, 1.0, rtol=0.02)
    assert np.ptp(few) > 5 * np.ptp(many)
