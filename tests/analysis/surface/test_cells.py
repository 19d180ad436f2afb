import numpy as np
from planted_surface import curves

from analysis.surface.cells import surface_cells
from analysis.surface.transfer import surface_curves, surface_of
from study.counts import COUNT_COLUMNS
from study.tables.results import COLUMNS, results_frame


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


def test_too_little_for_a_surface():
    assert surface_of(as_table(curves()[:1])) is None
    assert surface_of(as_table(curves()[1:])) is None
    assert surface_cells(surface_curves(curves()[:2])) is not None
