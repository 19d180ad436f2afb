"""Anybody's numbers: columns by name, published means, what is refused, and what is said and drawn."""

import json

import numpy as np
import pandas as pd
import pytest
from fitted_table import BUDGETS, COLUMNS, TABLE

from analysis.curves.any_table import fit_json, fit_table, table_curves
from analysis.curves.power_law import fit_power_law, predict, slope
from asteroid.errors import InputError


def test_every_group_is_a_curve_in_the_unit_of_the_table():
    mace, nequip = fit_table(TABLE, **COLUMNS)
    assert (mace.name, nequip.name) == ("mace", "nequip")
    own = TABLE[TABLE["model"] == "mace"].sort_values(["n", "run"])
    # The curves of one table share what they know of the noise.
    shared = mace.evidence.curve.fall_weight
    alone = fit_power_law(own["n"], own["rmse"], run_seed=own["run"], fall_weight=shared)
    np.testing.assert_allclose(slope(mace.evidence.fit), slope(alone))
    assert slope(mace.evidence.fit)[0] == pytest.approx(0.6, abs=0.05)
    data = fit_json(nequip)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["budgets"] == list(BUDGETS)
    assert data["n_needed"] is None
    ahead = data["new_run_at_twice_the_largest"]
    assert ahead["n"] == 1600
    assert ahead["error"]["median"] == pytest.approx(120.0 * 64**-0.5, rel=0.1)


def test_groups_may_be_several_columns_or_none():
    both = pd.concat([TABLE.assign(size="small"), TABLE.assign(size="large")])
    names = [curve.key.strategy for curve in table_curves(both, x="n", y="rmse", group=["model", "size"], seed="run")]
    assert names == ["mace, large", "mace, small", "nequip, large", "nequip, small"]
    (single,) = table_curves(TABLE[TABLE["model"] == "mace"], x="n", y="rmse")
    assert single.key.strategy == "all runs"


def test_published_means():
    """Force RMSE of NequIP on Si-GAP-18, five seeds: DOI 10.1088/2632-2153/ad1626."""
    table = pd.DataFrame(
        {
            "n": [25, 50, 100, 200, 400, 800, 1600],
            "rmse": [278.8, 226.7, 203.8, 164.6, 143.0, 127.8, 110.4],
            "sd": [25.6, 8.3, 13.8, 4.1, 2.5, 4.3, 3.2],
            "runs": 5,
        }
    )
    (fit,) = fit_table(table, x="n", y="rmse", sd="sd", n_runs="runs", target=120.0)
    median, low, high = slope(fit.evidence.fit)
    assert low <= 0.22 < high
    assert median < 0.35
    assert 800 < fit.needed < 1700
    (part,) = fit_table(table[:5], x="n", y="rmse", sd="sd", n_runs="runs")
    bottom, _, top = predict(part.evidence.fit, 1600.0, kind="new_run")[:, 0]
    assert bottom < 110.4 < top


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rmse": 0.0}, r"column 'rmse' needs positive numbers, found 0.0 in row 8 below the head"),
        ({"rmse": -3.0}, "found -3.0 in row 8"),
        ({"rmse": np.nan}, "found none in row 8 below the head: fill it in or leave it out"),
        ({"n": "many"}, "column 'n' needs positive numbers, found many in row 8"),
        ({"n": 0}, r"found n = 0 in row 8 below the head"),
        ({"energy_unit": "eV"}, r"one table has one unit, found meV, eV in column 'energy_unit'"),
    ],
)
def test_rows_that_cannot_be_used_are_named(change, says):
    table = TABLE.assign(energy_unit="meV").astype(dict.fromkeys(change, object))
    table.loc[7, list(change)] = list(change.values())
    with pytest.raises(InputError, match=says):
        fit_table(table, **COLUMNS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"x": "size"}, "no column 'size' in the table: name one of model, n, rmse, run"),
        ({"target": -1.0}, "a target error must be positive"),
        ({"target": 10.0, "confidence": 1.0}, "a confidence lies between"),
        ({"sd": "rmse"}, "needs the number of runs"),
    ],
)
def test_wishes_that_cannot_be_met(words, says):
    with pytest.raises(InputError, match=says):
        fit_table(TABLE, **(COLUMNS | words))


def test_too_few_numbers_of_labels():
    with pytest.raises(InputError, match=r"at least 4 distinct numbers of labels .* found at most 3 in column 'n'"):
        fit_table(TABLE[TABLE["n"] < 200], **COLUMNS)
    with pytest.raises(InputError, match="a curve needs rows"):
        fit_table(TABLE[:0], **COLUMNS)
