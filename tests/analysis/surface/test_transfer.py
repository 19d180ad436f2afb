import numpy as np
from planted_surface import CHEAP, OWN, curves

from analysis.surface.cells import SCRATCH
from analysis.surface.transfer import check_held_out, negative_transfer, surface_of
from study.counts import COUNT_COLUMNS
from study.tables.results import COLUMNS, results_frame


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
