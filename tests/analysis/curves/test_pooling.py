"""Very many distinct budgets are pooled; the curve stays what it is."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.curves import pooling
from analysis.curves.pooling import MOST_BUDGETS, pooled
from analysis.curves.power_law import fit_power_law, predict, slope
from analysis.curves.replicates import replicates


def curve(n: int, seeds: int, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    budgets = np.unique(np.geomspace(20, 20000, n).astype(int))
    budget, seed = (grid.ravel() for grid in np.meshgrid(budgets, np.arange(seeds)))
    error = 2.0 * budget**-0.5 * np.exp(noise * rng.normal(size=len(budget)))
    return budget, error, seed


def test_few_budgets_are_left_as_they_are() -> None:
    data = replicates(*curve(12, 3, 0.1))
    assert pooled(data) is data


def test_pools_keep_runs_seeds_and_both_ends() -> None:
    data = replicates(*curve(400, 2, 0.05))
    found = pooled(data)
    assert len(found.budget) <= MOST_BUDGETS
    assert (np.diff(found.budget) > 0).all()
    assert found.budget[[0, -1]].tolist() == data.budget[[0, -1]].tolist()
    assert found.n_errors == pytest.approx(data.n_errors)
    np.testing.assert_allclose(found.crossed.sum(axis=1), found.count)
    np.testing.assert_allclose(found.crossed_sum.sum(axis=1), found.count * found.mean_log)


def test_a_power_law_without_noise_is_not_changed() -> None:
    found = pooled(replicates(*curve(300, 1, 0.0)))
    np.testing.assert_allclose(found.mean_log, np.log(2.0) - 0.5 * np.log(found.budget), atol=1e-9)
    assert found.within_ss.max() < 1e-12


def test_a_pooled_fit_says_what_the_whole_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    budget, error, seed = curve(54, 1, 0.08)
    found = fit_power_law(budget, error, run_seed=seed)
    monkeypatch.setattr(pooling, "MOST_BUDGETS", 99)
    whole = fit_power_law(budget, error, run_seed=seed)
    assert slope(found)[0] == pytest.approx(slope(whole)[0], abs=0.01)
    at = [100.0, 20000.0, 40000.0]
    np.testing.assert_allclose(predict(found, at)[1], predict(whole, at)[1], rtol=0.01)
