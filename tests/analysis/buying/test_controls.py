import numpy as np
import pytest

from analysis.buying.controls import mean_error


def draws(n, runs, correlation=0.7, seed=0):
    """Errors of mean 1 and relative spread .4, and a control of mean 0 that goes with them."""
    rng = np.random.default_rng(seed)
    common, own = rng.standard_normal((2, runs, n))
    errors = 1 + 0.4 * common.clip(-2.4)
    return errors, (correlation * common + np.sqrt(1 - correlation**2) * own)[..., None]


def test_a_control_that_explains_the_errors_lowers_the_spread_of_the_mean():
    errors, controls = draws(40, 400)
    plain = [mean_error(e).log_mean for e in errors]
    corrected = [mean_error(e, c, np.zeros(1)).log_mean for e, c in zip(errors, controls, strict=True)]
    assert np.std(corrected) < 0.85 * np.std(plain)
    assert abs(np.mean(corrected)) < 0.01


def test_the_stated_variance_is_that_of_the_corrected_mean():
    errors, controls = draws(40, 600)
    found = [mean_error(e, c, np.zeros(1)) for e, c in zip(errors, controls, strict=True)]
    stated = np.mean([one.relative_variance for one in found]) / 40
    assert stated == pytest.approx(np.var([one.log_mean for one in found]), rel=0.2)


def test_calm_frames_are_corrected_upwards():
    errors, controls = draws(40, 1)
    calm = mean_error(errors[0], controls[0], controls[0].mean(axis=0) + 0.5)
    assert calm.shift > 0


@pytest.mark.parametrize("controls", [np.full((30, 1), np.nan), np.ones((30, 1))])
def test_controls_that_tell_nothing_change_nothing(controls):
    errors = np.random.default_rng(1).gamma(4, 0.25, 30)
    assert mean_error(errors, controls, np.ones(1)) == mean_error(errors)


def test_few_frames_are_not_corrected():
    errors, controls = draws(12, 1)
    assert mean_error(errors[0], controls[0], np.ones(1)).shift == 0
