"""Probabilities of nodes and draws of cells are those of the whole table of cells, which is never kept."""

import numpy as np
import pytest

from analysis.curves.posterior import N_DRAWS, draw, posterior, prior_of_runs
from analysis.curves.replicates import replicates


def data(failed):
    """Two seeds at five budgets; a failed run counts for a part, so that the power is no multiple of a half."""
    budget, seed = np.repeat([10.0, 20, 40, 80, 160], 2), np.tile([0, 1], 5)
    error = budget**-0.5 * np.exp(0.03 * np.random.default_rng(0).normal(size=10))
    error[3] *= 3.0 if failed else 1.0
    return replicates(budget, error, seed)


@pytest.mark.parametrize("failed", [False, True])
def test_nodes_have_the_sums_of_their_cells(failed):
    found = posterior(data(failed), prior_of_runs())
    assert (2 * found.cells.power % 1 == 0) is not failed
    logs = found.cells.log_posterior(found.nodes, np.arange(len(found.ratios.budget)))
    whole = np.exp(logs - logs.max())
    np.testing.assert_allclose(found.weight, whole.sum(axis=0) / whole.sum(), rtol=1e-9)


def test_draws_fall_on_cells_as_often_as_these_are_probable():
    own = data(failed=False)
    found = posterior(own, prior_of_runs())
    logs = found.cells.log_posterior(found.nodes, np.arange(len(found.ratios.budget)))
    cells = np.exp(logs - logs.max())
    drawn = draw(found, own, seed=0)
    for name, values in (("fall", found.ratios.fall), ("omega", found.ratios.seed)):
        kind = drawn[name] if name == "fall" else (drawn[name] / drawn["sigma"]) ** 2
        for value in np.unique(values):
            share = cells[values == value].sum() / cells.sum()
            assert np.isclose(kind, value).mean() == pytest.approx(share, abs=4 / np.sqrt(N_DRAWS) * 0.5)
