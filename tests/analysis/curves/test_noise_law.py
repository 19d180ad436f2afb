"""How noise falls with the number of labels: planted exponents, what curves tell each other, runs that failed."""

import numpy as np
import pytest

from analysis.curves.noise_law import FALL, FALL_WEIGHT, scatter_of_runs, scatter_of_summary, shared_fall
from analysis.curves.power_law import fit_power_law, predict
from analysis.curves.replicates import replicates

BUDGETS = np.repeat([25.0, 50.0, 100.0, 200.0, 400.0, 800.0], 3)


def logs(fall, seed, sigma=0.05):
    rng = np.random.default_rng(seed)
    return -0.7 * np.log(BUDGETS / 800) + sigma * (BUDGETS / 141) ** -fall * rng.normal(size=len(BUDGETS))


@pytest.mark.parametrize("fall", [0.0, 0.5, 1.0])
def test_curves_of_a_sweep_recover_the_exponent_together(fall):
    scatters = [scatter_of_runs(BUDGETS, logs(fall, seed)) for seed in range(8)]
    for weight in shared_fall(scatters):
        assert weight.sum() == pytest.approx(1)
        assert weight @ FALL == pytest.approx(fall, abs=0.2)
    alone = [scatter.posterior(FALL_WEIGHT) @ FALL for scatter in scatters]
    assert np.std(alone) > 2 * np.std([weight @ FALL for weight in shared_fall(scatters)])


def test_without_other_curves_the_prior_is_a_noise_that_hardly_falls():
    (alone,) = shared_fall([scatter_of_runs(BUDGETS, logs(1.0, 0))])
    np.testing.assert_allclose(alone, FALL_WEIGHT / FALL_WEIGHT.sum())
    # One run at each budget says nothing.
    silent = scatter_of_runs(BUDGETS[::3], logs(1.0, 0)[::3])
    np.testing.assert_allclose(silent.posterior(FALL_WEIGHT), FALL_WEIGHT / FALL_WEIGHT.sum())


def test_a_summary_tells_what_its_runs_tell():
    values = logs(0.5, 3)
    data = replicates(BUDGETS, np.exp(values))
    assert data.outlying == 0
    whole = scatter_of_runs(BUDGETS, values).posterior(FALL_WEIGHT)
    table = scatter_of_summary(data.budget, data.count, data.within_ss).posterior(FALL_WEIGHT)
    assert table @ FALL == pytest.approx(whole @ FALL, abs=0.05)


def test_a_failed_run_is_left_out_and_named():
    values = logs(0.0, 1)
    clean = fit_power_law(BUDGETS, np.exp(values))
    values[7] += 0.8
    failed = fit_power_law(BUDGETS, np.exp(values))
    assert "outlying_runs" in failed.status
    assert "outlying_runs" not in clean.status
    widths = [np.ptp(np.log(predict(fit, 1600.0, kind="new_run"))) for fit in (clean, failed)]
    assert widths[1] < 1.3 * widths[0]
    np.testing.assert_allclose(predict(failed, 1600.0)[1], predict(clean, 1600.0)[1], rtol=0.05)


def test_the_band_of_runs_narrows_with_the_noise():
    fit = fit_power_law(BUDGETS, np.exp(logs(1.0, 2)))
    low, _, high = predict(fit, [25.0, 800.0], kind="new_run")
    assert np.log(high / low)[1] < np.log(high / low)[0] / 3
