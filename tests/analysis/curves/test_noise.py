"""Noise that budgets and seeds share: sums of squares against plain matrices, effects that were planted, the gate."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.curves.bend import bend_covariance
from analysis.curves.lack_of_fit import lack_of_fit
from analysis.curves.noise import Ratios, contrasts, quadratic
from analysis.curves.noise_law import noise_scale
from analysis.curves.power_law import fit_power_law, predict
from analysis.curves.replicates import replicates

BUDGETS = np.repeat([25.0, 50.0, 100.0, 200.0, 400.0, 800.0], 3)
SEEDS = np.tile([0, 1, 2], 6)


def unbalanced(seed):
    """Budgets, log errors and seeds of a sweep in which a third of the runs is missing."""
    rng = np.random.default_rng(seed)
    kept = np.flatnonzero(rng.random(18) > 0.3)
    kept = np.union1d(kept, [0, 3, 6, 9, 12, 15])
    return BUDGETS[kept], rng.normal(size=len(kept)) - 3.0, SEEDS[kept]


@given(seed=st.integers(0, 1000), lam=st.floats(0, 5), eta=st.floats(0, 5), fall=st.floats(0, 1.3), rho=st.floats(0, 5))
@settings(max_examples=25, deadline=None)
def test_sums_of_squares_are_those_of_the_full_covariance(seed, lam, eta, fall, rho):
    budget, y, run_seed = unbalanced(seed)
    data = replicates(budget, np.exp(y), run_seed)
    assume(data.outlying == 0)
    shape = bend_covariance(data.ratio)
    given = [np.array(pair) for pair in ((0.5, lam), (0.1, eta), (0.2, fall), (0.3, rho))]
    sums = quadratic(data, Ratios(*given, shape))
    in_budget = (budget[:, None] == np.unique(budget)).astype(float)
    in_seed = (run_seed[:, None] == np.unique(run_seed)).astype(float)
    scale = in_budget @ noise_scale(data.budget, data.count, np.array([fall]))[0]
    plain = np.outer(scale, scale) * (np.eye(len(y)) + lam * in_budget @ in_budget.T + eta * in_seed @ in_seed.T)
    bend = rho * in_budget @ shape @ in_budget.T
    covariance = plain + bend
    inverse = np.linalg.inv(covariance)
    assert sums.log_det[1] == pytest.approx(np.linalg.slogdet(covariance)[1], abs=1e-9)
    assert sums.total[1] == pytest.approx(inverse.sum())
    h = np.random.default_rng(seed + 1).normal(size=(4, in_budget.shape[1]))
    shift, left = sums.best_shift(np.array([1, 1, 1, 1]), h)
    for at in range(4):
        rest = y - in_budget @ h[at]
        best = (inverse @ rest).sum() / inverse.sum()
        assert shift[at] + sums.centre == pytest.approx(best)
        assert left[at] == pytest.approx((rest - best) @ inverse @ (rest - best))
    (of_both,) = [found.copy() for _, found in sums.left_over(h, np.array([0, 1]))]
    np.testing.assert_allclose(of_both[1], left, rtol=1e-8)
    # The bend that the residuals tell, and its spread, by the rules of a Gaussian process.
    told = (rho * shape @ in_budget.T) @ inverse @ (y - sums.centre - in_budget @ h[0])
    np.testing.assert_allclose(sums.bend_of(np.array([1]), h[:1])[0], told, atol=1e-7)
    spread = rho * shape - (rho * shape @ in_budget.T) @ inverse @ (in_budget @ (rho * shape))
    np.testing.assert_allclose(sums.bend_gain[1], spread, atol=1e-7)


@given(seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_contrasts_are_those_of_a_regression_on_seeds(seed):
    budget, y, run_seed = unbalanced(seed)
    data = replicates(budget, np.exp(y), run_seed)
    assume(data.outlying == 0)
    for paired in (True, False):
        left = contrasts(data, paired=paired)
        in_budget = (budget[:, None] == np.unique(budget)).astype(float)
        in_seed = (run_seed[:, None] == np.unique(run_seed)).astype(float)
        if left.noise_df == len(y) - len(np.unique(budget)):
            in_seed = np.ones((len(y), 1))
        else:
            assert paired
            assert left.noise_df == len(y) - np.linalg.matrix_rank(np.hstack([in_budget, in_seed]))
        h = np.random.default_rng(seed + 1).normal(size=in_budget.shape[1])

        def rest(columns, values):
            return float(np.sum((values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0]) ** 2))

        noise = rest(np.hstack([in_budget, in_seed]), y)
        assert left.noise_ss == pytest.approx(noise, abs=1e-9)
        misfit = float(np.sum((left.root @ (h - left.mean)) ** 2))
        assert misfit == pytest.approx(rest(in_seed, y - in_budget @ h) - noise, abs=1e-9)


def planted(omega, sigma, seed, seeds=3, nested=False):
    rng = np.random.default_rng(seed)
    n = np.unique(BUDGETS)
    luck = rng.normal(size=(1, seeds)).repeat(6, axis=0)
    if nested:
        overlap = np.sqrt(np.minimum.outer(n, n) / np.maximum.outer(n, n))
        luck = np.linalg.cholesky(overlap) @ rng.normal(size=(6, seeds))
    logs = -0.7 * np.log(n / 800)[:, None] + omega * luck + sigma * rng.normal(size=(6, seeds))
    return n.repeat(seeds), 0.3 * np.exp(logs).ravel(), np.tile(np.arange(seeds), 6)


def test_seed_effects_are_told_from_noise():
    budget, error, run_seed = planted(0.15, 0.03, seed=0, seeds=8)
    fit = fit_power_law(budget, error, run_seed=run_seed)
    assert np.median(fit.omega) > 2 * np.median(fit.sigma)
    assert np.median(fit.sigma) < 0.06
    budget, error, run_seed = planted(0.0, 0.15, seed=0, seeds=8)
    fit = fit_power_law(budget, error, run_seed=run_seed)
    assert np.median(fit.omega) < np.median(fit.sigma) / 2
    assert np.all(fit_power_law(budget, error).omega == 0)


@pytest.mark.parametrize("nested", [False, True])
def test_seed_effects_widen_the_level_of_the_curve(nested):
    """Three lucky seeds leave the height of the curve open, whatever the number of budgets."""
    hits = {True: 0, False: 0}
    for repeat in range(24):
        budget, error, run_seed = planted(0.15, 0.05, seed=repeat, nested=nested)
        for known in hits:
            fit = fit_power_law(budget, error, run_seed=run_seed if known else None, seed=repeat)
            low, _, high = predict(fit, 800.0)[:, 0]
            hits[known] += low < 0.3 < high
    assert hits[True] >= 18
    assert hits[True] > hits[False]


def test_a_bend_is_seen_through_seed_effects():
    """A bend of all seeds alike is no accident, however much the seeds differ in height."""
    budget, error, run_seed = planted(0.4, 0.03, seed=0)
    bend = np.where(budget < 140, (budget / 140) ** 0.5, 1.0)
    assert lack_of_fit(replicates(budget, error * bend, run_seed)).p < 1e-6
    assert lack_of_fit(replicates(budget, error * bend)).p > 0.01
    assert not lack_of_fit(replicates(budget, error, run_seed)).rejected


def test_a_new_seed_brings_its_own_effect():
    budget, error, run_seed = planted(0.15, 0.03, seed=1, seeds=6)
    fit = fit_power_law(budget, error, run_seed=run_seed)
    widths = [np.ptp(np.log(predict(fit, 500.0, kind=kind))) for kind in ("curve", "new_data_draw", "new_run")]
    assert widths[0] < widths[1] < widths[2]
    assert widths[2] > 2 * 1.64 * 0.15 * 0.6
    test = [np.ptp(np.log(predict(fit, 500.0, kind="new_test_set", test_relative_se=se))) for se in (0.0, 0.2)]
    assert test[0] == pytest.approx(widths[2])
    assert test[1] > 1.3 * test[0]


def test_names_of_seeds_do_not_matter_and_seeds_of_single_runs_change_little():
    budget, error, run_seed = planted(0.1, 0.05, seed=2)
    one = fit_power_law(budget, error, run_seed=run_seed)
    other = fit_power_law(budget, error, run_seed=np.array(["a", "c", "b"])[run_seed])
    np.testing.assert_allclose(predict(one, 1600.0), predict(other, 1600.0), rtol=1e-6)
    each = fit_power_law(budget, error, run_seed=np.arange(len(budget)))
    np.testing.assert_allclose(predict(each, 1600.0), predict(fit_power_law(budget, error), 1600.0), rtol=0.05)
    assert each.lack_of_fit_p == fit_power_law(budget, error).lack_of_fit_p
