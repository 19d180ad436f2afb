"""The surface of two kinds of labels: planted parameters, its limits, harm that it must not hide, held-out checks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_surface import OWN, curves, effective, law

from analysis.surface.cells import SCRATCH, surface_cells
from analysis.surface.surface import _gradient, effective_labels, fit_surface, log_error, new_run_spread, surface_draws
from asteroid.errors import InputError

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
    found = _gradient(x[None], SURFACE.n_ref, cells)[0]
    for at in range(len(x)):
        up, down = (x + sign * step * np.eye(len(x))[at] for sign in (1, -1))
        numeric = [log_error(y, SURFACE.n_ref, cells.strategy, cells.n_accurate, cells.n_cheap) for y in (up, down)]
        np.testing.assert_allclose(found[:, at], (numeric[0] - numeric[1]) / (2 * step), atol=1e-6)


def test_unknown_strategy_is_named():
    with pytest.raises(InputError, match="found 'gdml': choose one of them"):
        surface_draws(SURFACE, "gdml", [50.0], [0.0])
