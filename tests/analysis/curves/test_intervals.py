"""Intervals against independent checks: profile F (with lmfit as its oracle) and planted curves (a small benchmark)."""

import importlib.util
import sys
from pathlib import Path

import lmfit
import numpy as np
import pytest
from scipy.stats import binom

from analysis.curves.power_law import fit_power_law, labels_for_target, predict

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def coverage():
    """The benchmark as a module."""
    path = BENCHMARKS / "interval_coverage.py"
    found = importlib.util.spec_from_file_location("interval_coverage", path)
    module = importlib.util.module_from_spec(found)
    sys.modules["interval_coverage"] = module
    found.loader.exec_module(module)
    return module


def sweep(phi=0.3, noise=0.06, seed=2):
    budget = np.repeat([25.0, 50.0, 100.0, 200.0, 400.0, 800.0], 5)
    rng = np.random.default_rng(seed)
    law = 0.3 * ((1 - phi) * (budget / 800) ** -0.9 + phi)
    return budget, law * np.exp(noise * rng.normal(size=len(budget)))


def test_profile_f_is_that_of_lmfit(coverage):
    budget, error = sweep()
    start = lmfit.Parameters()
    start.add("ahead", -1.5)
    start.add("alpha", 0.8, min=0.02, max=5)
    start.add("phi", 0.3, min=1e-6, max=0.99)

    def shape(p, ratio):
        return np.log((1 - p["phi"]) * ratio ** -p["alpha"] + p["phi"])

    def residual(p):
        return np.log(error) - p["ahead"].value - shape(p, budget / 800) + shape(p, 2.0)

    fitter = lmfit.Minimizer(residual, start)
    found = fitter.minimize()
    (low, _), _, (high, _) = ((value, p) for p, value in lmfit.conf_interval(fitter, found, ["ahead"], [0.9])["ahead"])
    ends, _ = coverage.profile_f(budget, error, 1600.0, 0.2)
    np.testing.assert_allclose(np.log(ends), [low, high], atol=0.01)


def test_posterior_and_profile_f_agree_where_the_data_are_plenty(coverage):
    budget, error = sweep()
    fit = fit_power_law(budget, error)
    (low, high), (few, many) = coverage.profile_f(budget, error, 1600.0, 0.2)
    ours = predict(fit, 1600.0, quantiles=[0.05, 0.95])[:, 0]
    overlap = min(high, ours[1]) - max(low, ours[0])
    assert overlap > 0.6 * (high - low)
    needed = labels_for_target(fit, 0.2)
    assert few < needed.quantile(0.5) < many


@pytest.mark.parametrize("at", [1, 17])
def test_coverage_of_reference_scenarios(coverage, at):
    found = coverage.run(coverage.REFERENCE[at], 30, rivals=False)
    for name in ("grid posterior err hit", "grid posterior N* hit", "new run"):
        assert found[name] >= binom.ppf(0.002, 30, 0.88) / 30
    assert found["refused"] <= binom.ppf(0.998, 30, 0.1) / 30


@pytest.mark.parametrize("name", ["seed effect .1 beside noise .05", "nested seed effect .1 beside noise .05"])
def test_coverage_under_shared_effects(coverage, name):
    (scenario,) = [s for s in coverage.STRESS if s.name == name]
    found = coverage.run(scenario, 30, rivals=False)
    assert found["grid posterior err hit"] >= binom.ppf(0.002, 30, 0.86) / 30


@pytest.mark.parametrize("name", ["slope .3, then .7, noise 0.05", "slope .2, at once .9, noise 0.05"])
def test_bends_are_covered_and_named(coverage, name):
    (scenario,) = [s for s in coverage.MISFIT if s.name == name]
    found = coverage.run(scenario, 20, rivals=False)
    assert found["grid posterior err hit"] >= binom.ppf(0.002, 20, 0.86) / 20
    assert found["named"] >= 0.7


def test_rivals_find_the_same_curve_and_score_worse(coverage):
    (scenario,) = [s for s in coverage.STRESS if s.name == "budget effect .1 beside noise .05"]
    found = coverage.run(scenario, 25)
    assert found["grid posterior err score"] < found["profile F err score"]
    assert found["grid posterior err score"] < found["bootstrap err score"]
    assert found["grid posterior err hit"] > found["profile F err hit"] > found["bootstrap err hit"]
