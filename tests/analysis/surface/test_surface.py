"""The surface of two kinds of labels: planted parameters, its limits, harm that it must not hide, held-out checks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.curves.curve_key import CurveKey
from analysis.curves.curves import Curve
from analysis.surface.cells import SCRATCH, surface_cells
from analysis.surface.surface import _gradient, effective_labels, fit_surface, log_error, new_run_spread, surface_draws
from analysis.surface.transfer import check_held_out, negative_transfer, surface_curves, surface_of
from asteroid.errors import InputError
from study.counts import COUNT_COLUMNS
from study.tables.results import COLUMNS, results_frame

BUDGETS = (25, 50, 100, 200, 400, 800)
CHEAP = (500, 2000, 8000)
#: E, A, alpha, N0, p, q and K, c of each strategy.
FLOOR, SCALE, ALPHA, N_REF, P, Q = 0.01, 0.05, 0.8, 141.0, 0.4, 1.0
OWN = {"pretrain_finetune": (1.5, 3000.0), "asteroid": (2.5, 3000.0)}


def effective(strategy, n, n_cheap):
    if strategy == SCRATCH:
        return n
    k, c = OWN[strategy]
    return n + N_REF * k * (n / N_REF) ** P * n_cheap**Q / (n_cheap**Q + c**Q)


def law(strategy, n, n_cheap):
    return FLOOR + SCALE * (effective(strategy, n, n_cheap) / N_REF) ** -ALPHA


def curves(noise=0.05, seed=0, seeds=3, worse=()):
    """A sweep of the planted surface; `worse` multiplies errors of (strategy, n_cheap, budget)."""
    rng = np.random.default_rng(seed)
    found = []
    for strategy, n_cheap in [(SCRATCH, 0), *((s, c) for s in OWN for c in CHEAP)]:
        budget, runs = np.repeat(BUDGETS, seeds), np.tile(np.arange(seeds), len(BUDGETS))
        error = law(strategy, budget.astype(float), n_cheap) * np.exp(noise * rng.normal(size=len(budget)))
        error *= [dict(worse).get((strategy, n_cheap, n), 1.0) for n in budget]
        gone = np.full(len(budget), np.nan)
        found.append(Curve(CurveKey(strategy, n_cheap=n_cheap), budget, runs, error, gone, gone, gone))
    return tuple(found)


SURFACE = fit_surface(surface_cells(curves()))


@pytest.mark.parametrize("strategy", [SCRATCH, *OWN])
def test_planted_surface_lies_in_its_bands(strategy):
    n, n_cheap = (axis.ravel() for axis in np.meshgrid([30.0, 120.0, 700.0, 1600.0], [700.0, 4000.0, 8000.0]))
    if strategy == SCRATCH:
        n_cheap = 0 * n_cheap
    draws = surface_draws(SURFACE, strategy, n, n_cheap)
    truth = np.log(law(strategy, n, np.maximum(n_cheap, 1.0)))
    low, high = np.quantile(draws, [0.02, 0.98], axis=0)
    assert np.mean((low < truth) & (truth < high)) >= 0.75
    assert np.abs(np.median(draws, axis=0) - truth).max() < 0.12
    assert SURFACE.status == ()
    assert new_run_spread(SURFACE, strategy) == pytest.approx(0.05, rel=0.4)


def test_noiseless_surface_is_recovered():
    surface = fit_surface(surface_cells(curves(noise=1e-6)), n_draws=5)
    for strategy in (SCRATCH, *OWN):
        n, n_cheap = np.array([40.0, 300.0, 800.0]), np.full(3, 0.0 if strategy == SCRATCH else 1000.0)
        at = -1 if strategy == SCRATCH else surface.cells.strategies.index(strategy)
        found = log_error(surface.best, surface.n_ref, np.full(3, at), n, n_cheap)
        np.testing.assert_allclose(found, np.log(law(strategy, n, 1000.0)), atol=0.02)


def test_effective_labels_are_told_with_their_uncertainty():
    gain = effective_labels(SURFACE, "asteroid", [50.0, 200.0], 8000.0) - [50.0, 200.0]
    truth = effective("asteroid", np.array([50.0, 200.0]), 8000.0) - [50.0, 200.0]
    low, high = np.quantile(gain, [0.02, 0.98], axis=0)
    assert np.all((0.9 * low < truth) & (truth < 1.1 * high))
    np.testing.assert_array_equal(effective_labels(SURFACE, SCRATCH, [50.0], 0.0), np.full((60, 1), 50.0))


@given(n=st.floats(20, 3000), n_cheap=st.floats(100, 20_000), more=st.floats(1.05, 5))
@settings(max_examples=25, deadline=None)
def test_more_labels_of_either_kind_never_hurt_in_any_draw(n, n_cheap, more):
    base = surface_draws(SURFACE, "asteroid", [n], [n_cheap])
    assert np.all(surface_draws(SURFACE, "asteroid", [n * more], [n_cheap]) <= base + 1e-12)
    assert np.all(surface_draws(SURFACE, "asteroid", [n], [n_cheap * more]) <= base + 1e-12)
    assert np.all(base <= surface_draws(SURFACE, SCRATCH, [n], [0.0]) + 1e-12)


def test_gradient_is_that_of_finite_differences():
    cells = surface_cells(curves())
    x, step = SURFACE.best, 1e-6
    found = _gradient(x, SURFACE.n_ref, cells)
    for at in range(len(x)):
        up, down = (x + sign * step * np.eye(len(x))[at] for sign in (1, -1))
        numeric = [log_error(y, SURFACE.n_ref, cells.strategy, cells.n_accurate, cells.n_cheap) for y in (up, down)]
        np.testing.assert_allclose(found[:, at], (numeric[0] - numeric[1]) / (2 * step), atol=1e-6)


def test_harm_is_found_where_it_was_planted_and_hardly_elsewhere():
    hurt = {("asteroid", 500, 25): 2.5, ("asteroid", 500, 50): 1.9}
    found = negative_transfer(curves(worse=hurt))
    assert {("asteroid", 500, 25), ("asteroid", 500, 50)} == {(h.strategy, h.n_cheap, h.budget) for h in found}
    assert all(h.ratio > 1.1 for h in found)
    false = sum(len(negative_transfer(curves(seed=seed))) for seed in range(20))
    assert false <= 3
    assert negative_transfer(curves(seeds=1, worse=hurt)) == ()


def test_held_out_budgets_are_predicted():
    checked = [check_held_out(curves(seed=seed), seed=seed) for seed in range(6)]
    assert all(found.budgets == (800,) and found.cells == 7 for found in checked)
    assert sum(found.covered for found in checked) >= 0.8 * 6 * 7
    assert max(found.log_rmse for found in checked) < 0.12


def test_a_surface_that_bends_away_is_not_usable():
    away = {(strategy, c, 800): 3.0 for strategy, c in [(SCRATCH, 0), *((s, c) for s in OWN for c in CHEAP)]}
    found = check_held_out(curves(worse=away))
    assert found.covered == 0


def as_table(found):
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for curve in found:
        for n, seed, error in zip(curve.budget, curve.seed, curve.error_ev_ang, strict=True):
            values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
            values |= {
                "strategy": curve.key.strategy,
                "n_cheap": curve.key.n_cheap,
                "budget": n,
                "seed": seed,
                "status": "ok",
            }
            rows.append(values | {"test_force_mae_ev_ang": error, "n_test": 300})
    return results_frame(rows)


def test_from_a_table_to_a_checked_surface():
    hurt = {("asteroid", 500, 25): 2.5}
    found = surface_of(as_table(curves(worse=hurt)))
    assert found.usable
    assert found.status == ("negative_transfer",)
    assert [(h.strategy, h.n_cheap, h.budget) for h in found.harm] == [("asteroid", 500, 25)]
    cells = found.surface.cells
    assert not np.any(
        (cells.n_cheap == 500) & (cells.n_accurate == 25) & (cells.strategy == cells.strategies.index("asteroid"))
    )
    away = {(strategy, c, 800): 3.0 for strategy, c in [(SCRATCH, 0), *((s, c) for s in OWN for c in CHEAP)]}
    assert not surface_of(as_table(curves(worse=away))).usable


def test_too_little_for_a_surface():
    assert surface_of(as_table(curves()[:1])) is None
    assert surface_of(as_table(curves()[1:])) is None
    assert surface_cells(surface_curves(curves()[:2])) is not None


def test_unknown_strategy_is_named():
    with pytest.raises(InputError, match="found 'gdml': choose one of them"):
        surface_draws(SURFACE, "gdml", [50.0], [0.0])
