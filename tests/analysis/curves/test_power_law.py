"""Power-law fits: planted laws, an oracle, published curves, the gate, and intervals that mean what they say."""

import lmfit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from analysis.curves.lack_of_fit import lack_of_fit
from analysis.curves.power_law import fit_power_law, labels_for_target, log_error_draws, predict, slope
from analysis.curves.power_law_shape import fit_pow3
from analysis.curves.replicates import replicates
from asteroid.errors import InputError

BUDGETS = np.repeat([20.0, 40.0, 80.0, 160.0, 320.0, 500.0], 3)


def errors(alpha, phi=0.0, amplitude=0.3, noise=0.0, seed=0, budgets=BUDGETS):
    """Errors of a planted law, log-normal noise between seeds."""
    law = amplitude * ((1 - phi) * (budgets / budgets.max()) ** -alpha + phi)
    return law * np.exp(noise * np.random.default_rng(seed).normal(size=len(budgets)))


def bent(noise=0.05, seed=0):
    """A slope of .2 that turns into .9 at 160 labels."""
    law = np.where(BUDGETS < 160, (BUDGETS / 160) ** -0.2, (BUDGETS / 160) ** -0.9)
    return law * np.exp(noise * np.random.default_rng(seed).normal(size=len(BUDGETS)))


@pytest.mark.parametrize(("alpha", "phi"), [(0.3, 0.0), (0.7, 0.0), (1.2, 0.0), (0.9, 0.4), (0.6, 0.5)])
def test_noiseless_law_is_recovered_by_the_point_fit(alpha, phi):
    fit = fit_pow3(replicates(BUDGETS, errors(alpha, phi)))
    assert fit.alpha == pytest.approx(alpha, rel=1e-5)
    assert fit.phi == pytest.approx(phi, abs=1e-5)
    assert np.exp(fit.log_amplitude) == pytest.approx(0.3, rel=1e-6)


def test_noiseless_law_is_recovered_tightly_by_the_posterior():
    fit = fit_power_law(BUDGETS, errors(0.7))
    median, low, high = slope(fit)
    assert median == pytest.approx(0.7, abs=0.01)
    assert high - low < 0.06
    assert predict(fit, [1000.0])[1, 0] == pytest.approx(0.3 * 2**-0.7, rel=0.01)
    assert fit.status == ()


def test_noiseless_floor_is_recovered():
    fit = fit_power_law(BUDGETS, errors(0.9, 0.4))
    assert slope(fit)[0] == pytest.approx(0.9, abs=0.03)
    assert np.median(fit.phi) == pytest.approx(0.4, abs=0.03)
    assert fit.status == ("floor",)


@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_noisy_law_lies_in_the_band(phi):
    fit = fit_power_law(BUDGETS, errors(0.8, phi, noise=0.08, seed=3))
    _, low, high = slope(fit)
    assert low < 0.8 < high
    at = np.array([20.0, 100.0, 500.0, 1000.0])
    bottom, _, top = predict(fit, at)
    truth = 0.3 * ((1 - phi) * (at / 500) ** -0.8 + phi)
    assert np.all((bottom < truth) & (truth < top))


def test_point_fit_agrees_with_lmfit():
    values = errors(0.8, 0.3, noise=0.1, seed=5)
    x = BUDGETS / 500

    def residual(p):
        return np.log(values) - p["a"] - np.log((1 - p["phi"]) * x ** -p["alpha"] + p["phi"])

    start = lmfit.Parameters()
    start.add("alpha", 0.5, min=0.02, max=5)
    start.add("phi", 0.2, min=0, max=0.999)
    start.add("a", np.log(values.min()))
    oracle = lmfit.minimize(residual, start, xtol=1e-12, ftol=1e-12)
    data = replicates(BUDGETS, values)
    fit = fit_pow3(data)
    assert fit.alpha == pytest.approx(oracle.params["alpha"].value, rel=1e-3)
    assert fit.phi == pytest.approx(oracle.params["phi"].value, abs=1e-3)
    assert fit.log_amplitude == pytest.approx(oracle.params["a"].value, abs=1e-3)
    assert fit.misfit_ss + data.within_ss.sum() == pytest.approx(oracle.chisqr, rel=1e-6)


def test_published_curves():
    """Force RMSE of NequIP, DOI 10.1088/2632-2153/ad1626: Si-GAP-18 from scratch (means and standard deviations)."""
    n = np.array([25, 50, 100, 200, 400, 800, 1600])
    mean = np.array([278.8, 226.7, 203.8, 164.6, 143.0, 127.8, 110.4])
    sd = np.array([25.6, 8.3, 13.8, 4.1, 2.5, 4.3, 3.2])
    shape = np.array([-1.0, -0.5, 0.0, 0.5, 1.0]) / np.std([-1.0, -0.5, 0.0, 0.5, 1.0], ddof=1)
    median, low, high = slope(fit := fit_power_law(np.repeat(n, 5), (mean[:, None] + sd[:, None] * shape).ravel()))
    assert low < 0.22 < high
    assert median < 0.35
    assert not fit.lack_of_fit.rejected
    # Fitted up to 400 labels, the last mean is predicted, four times further.
    part = fit_power_law(n[:5], mean[:5])
    bottom, _, top = predict(part, 1600.0)[:, 0]
    assert bottom < 110.4 < top
    # C-GAP-20: pretraining flattens the curve.
    buckyball = [15, 30, 60, 120, 240]
    scratch = slope(fit_power_law(buckyball, [646.8, 584.2, 458.7, 391.7, 350.7]))[0]
    pretrained = slope(fit_power_law(buckyball, [492, 436, 367, 341, 304]))[0]
    assert pretrained < scratch


@given(factor=st.floats(1e-6, 1e6), seed=st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_errors_may_be_in_any_unit(factor, seed):
    values = errors(0.6, 0.2, noise=0.1, seed=seed)
    one, other = fit_power_law(BUDGETS, values), fit_power_law(BUDGETS, factor * values)
    np.testing.assert_allclose(predict(other, [50.0, 900.0]), factor * predict(one, [50.0, 900.0]), rtol=1e-3)
    np.testing.assert_allclose(slope(other), slope(one), rtol=1e-3)
    wanted = labels_for_target(one, 0.28).quantile(0.3)
    assert labels_for_target(other, 0.28 * factor).quantile(0.3) == pytest.approx(wanted, rel=1e-3)
    assert other.lack_of_fit_p == pytest.approx(one.lack_of_fit_p, rel=1e-4)


def test_order_of_rows_does_not_matter():
    values, order = errors(0.6, noise=0.1), np.random.default_rng(1).permutation(len(BUDGETS))
    one, other = fit_power_law(BUDGETS, values), fit_power_law(BUDGETS[order], values[order])
    np.testing.assert_allclose(predict(other, 800.0), predict(one, 800.0), rtol=1e-3)


def test_draws_depend_on_the_seed_only():
    values = errors(0.6, noise=0.1)
    np.testing.assert_array_equal(fit_power_law(BUDGETS, values).alpha, fit_power_law(BUDGETS, values).alpha)
    assert not np.array_equal(fit_power_law(BUDGETS, values, seed=1).alpha, fit_power_law(BUDGETS, values).alpha)


@pytest.mark.parametrize("kind", ["curve", "new_data_draw", "new_run"])
@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_labels_needed_and_error_are_inverse(kind, quantile):
    fit = fit_power_law(BUDGETS, errors(0.6, 0.3, noise=0.1))
    target = predict(fit, 700.0, kind=kind, quantiles=[quantile])[0, 0]
    needed = labels_for_target(fit, target, kind=kind)
    # N* is where the error stays below the target: a curve that bends up again beyond has not reached it for good.
    draws = log_error_draws(fit, np.geomspace(700, 2000, 40), kind=kind)
    for_good = float(np.mean((draws <= np.log(target)).all(axis=1)))
    assert needed.probability(700.0) == pytest.approx(for_good, abs=2 / 1500)
    assert for_good == pytest.approx(quantile, abs=0.01)
    assert needed.probability(needed.quantile(quantile)) >= quantile


def test_bands_widen_from_curve_to_new_run():
    fit = fit_power_law(BUDGETS, errors(0.6, noise=0.1))
    widths = [np.ptp(np.log(predict(fit, 700.0, kind=kind))) for kind in ("curve", "new_data_draw", "new_run")]
    assert widths[0] < widths[1] < widths[2]
    # Noise of .1 between runs: the band of runs is at least as wide as that noise alone.
    assert widths[2] > 2 * 1.64 * 0.1 * 0.7


def test_floor_above_the_target_is_never_reached():
    fit = fit_power_law(BUDGETS, errors(0.9, 0.6, noise=0.02))
    below, above = labels_for_target(fit, 0.1), labels_for_target(fit, 0.35)
    assert below.p_never > 0.9
    assert below.quantile(0.9) == np.inf
    assert above.p_never == 0.0
    assert above.quantile(0.5) == pytest.approx(500 * ((0.35 / 0.3 - 0.6) / 0.4) ** (-1 / 0.9), rel=0.05)


def test_error_of_the_test_set_widens_the_answer():
    fit = fit_power_law(BUDGETS, errors(0.6, noise=0.03))
    plain, wide = labels_for_target(fit, 0.25), labels_for_target(fit, 0.25, test_relative_se=0.1)
    assert wide.quantile(0.95) > 1.1 * plain.quantile(0.95)
    assert wide.quantile(0.5) == pytest.approx(plain.quantile(0.5), rel=0.1)


def test_bent_curve_is_named():
    causes = [fit_power_law(BUDGETS, bent(seed=seed)).lack_of_fit.cause for seed in range(20)]
    assert causes == ["bent_curve"] * 20
    assert fit_power_law(BUDGETS, bent()).status[:2] == ("lack_of_fit", "bent_curve")
    # Seeds that agree to rounding do not make the gate blind.
    assert fit_power_law(BUDGETS, bent(noise=0.0)).lack_of_fit.rejected


def test_budget_effect_is_told_from_seed_noise():
    rng = np.random.default_rng(0)
    shared = np.repeat(rng.normal(size=6) * 0.12, 3)
    fits = [fit_power_law(BUDGETS, errors(0.6, noise=0.05, seed=s) * np.exp(rng.permuted(shared))) for s in range(3)]
    plain = fit_power_law(BUDGETS, errors(0.6, noise=0.05, seed=1))
    assert not plain.lack_of_fit.rejected
    assert plain.lack_of_fit.cause is None
    assert plain.lack_of_fit.seed_sd == pytest.approx(0.05, rel=0.5)
    assert all(not fit.lack_of_fit.rejected for fit in fits), "noise that seeds do not share is no budget effect"
    effect = fit_power_law(BUDGETS, errors(0.6, noise=0.07, seed=1) * np.exp(shared))
    assert effect.lack_of_fit.cause == "budget_effect"
    assert np.median(effect.tau) > 2 * np.median(plain.tau)


def test_false_alarms_of_the_gate_are_rare():
    alarms = [lack_of_fit(replicates(BUDGETS, errors(0.7, 0.2, noise=0.1, seed=s))).rejected for s in range(150)]
    assert 1 <= sum(alarms) <= binom.ppf(0.999, 150, 0.08)


def test_coverage_is_nominal_or_better_and_bands_are_not_idle():
    hits, widths = [], []
    for repeat in range(60):
        fit = fit_power_law(BUDGETS, errors(0.7, 0.2, noise=0.1, seed=100 + repeat), seed=repeat)
        low, _, high = predict(fit, 1000.0)[:, 0]
        hits.append(low < 0.3 * (0.8 * 2**-0.7 + 0.2) < high)
        widths.append(np.log(high / low))
    assert sum(hits) >= binom.ppf(0.005, 60, 0.9)
    assert np.mean(widths) < 0.5


def test_one_seed_cannot_be_tested():
    fit = fit_power_law(BUDGETS[::3], errors(0.6)[::3])
    assert fit.status == ("one_seed",)
    assert fit.lack_of_fit_p is None


def test_few_budgets_are_flagged_and_too_few_refused():
    assert "few_budgets" in fit_power_law(BUDGETS[:15], errors(0.6)[:15]).status
    with pytest.raises(InputError, match=r"at least 4 distinct budgets .* found 3 \(20, 40, 80\)"):
        fit_power_law(BUDGETS[:9], errors(0.6)[:9])


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_bad_values_are_named_by_row(value):
    bad = errors(0.6)
    bad[7] = value
    with pytest.raises(InputError, match=r"error .* in row 7 \(budget 80\)"):
        fit_power_law(BUDGETS, bad)
    budgets = BUDGETS.copy()
    budgets[4] = value
    with pytest.raises(InputError, match=r"budget .* in row 4"):
        fit_power_law(budgets, errors(0.6))


def test_other_bad_arguments():
    with pytest.raises(InputError, match="one error per budget, found 17 errors for 18 budgets"):
        fit_power_law(BUDGETS, errors(0.6)[:17])
    fit = fit_power_law(BUDGETS, errors(0.6))
    with pytest.raises(InputError, match="a target error must be positive, found 0"):
        labels_for_target(fit, 0.0)
    with pytest.raises(InputError, match="curve, new_data_draw, new_run, new_test_set, found 'mean'"):
        predict(fit, 100.0, kind="mean")
