"""Anybody's numbers: columns by name, published means, what is refused, and what is said and drawn."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from analysis.curves.any_table import fit_json, fit_table, table_curves
from analysis.curves.power_law import fit_power_law, predict, slope
from analysis.report.fit_report import fit_picture, fit_sentences
from asteroid.errors import InputError

BUDGETS = (25, 50, 100, 200, 400, 800)


def runs(seeds=3):
    """Errors in meV/Å of two models, rows in no order."""
    rng = np.random.default_rng(0)
    rows = [
        {"model": model, "n": n, "rmse": scale * (n / 25) ** -slope * np.exp(0.05 * rng.normal()), "run": f"s{seed}"}
        for model, scale, slope in (("mace", 80.0, 0.6), ("nequip", 120.0, 0.5))
        for n in BUDGETS
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0, ignore_index=True)


TABLE = runs()
COLUMNS = {"x": "n", "y": "rmse", "group": ["model"], "seed": "run"}


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


def test_a_target_is_answered_cheapest_first_or_not_at_all():
    mace, nequip = fit_table(TABLE, **COLUMNS, target=20.0, price_s=720.0)
    assert mace.needed < nequip.needed
    assert mace.price_s == 720.0 * mace.needed
    assert mace.probability >= 0.9
    text = "\n".join(fit_sentences([mace, nequip], target=20.0))
    assert f"{mace.needed:,} labels, " in text
    (first, second) = fit_table(TABLE, **COLUMNS, target=9.0)
    assert first.needed is not None
    assert second.needed is None
    assert "cannot be promised" in "\n".join(fit_sentences([second], target=9.0))
    caveats = fit_sentences(fit_table(runs(seeds=1), **COLUMNS))
    assert any("one seed only" in line for line in caveats)


def test_the_figure_shows_every_curve_and_its_numbers():
    figure, data = fit_picture(fit_table(TABLE, **COLUMNS), x="n", y="rmse")
    FigureCanvasAgg(figure).draw()
    (ax,) = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("n", "rmse")
    dots = [line for line in ax.lines if line.get_marker() not in ("None", "") and len(line.get_xdata()) == 18]
    assert len({line.get_marker() for line in dots}) == 2
    assert {"curve", "rmse", "lo", "hi", "lo50", "hi50"} <= set(data.columns)
    assert sorted(data.loc[data["part"] == "run", "rmse"]) == pytest.approx(sorted(TABLE["rmse"]))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rmse": 0.0}, r"column 'rmse' needs positive numbers, found 0.0 in row 8 below the head"),
        ({"rmse": -3.0}, "found -3.0 in row 8"),
        ({"rmse": np.nan}, "found nan in row 8"),
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
