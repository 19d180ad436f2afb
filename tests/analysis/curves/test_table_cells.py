"""Means with standard deviations in one cell are taken apart; what else is no number is answered with its remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.curves.any_table import table_curves
from analysis.curves.table_cells import how_to_write, spreads
from asteroid.errors import InputError

N, MEANS, SPREADS = [25, 50, 100, 200], [0.62, 0.44, 0.31, 0.22], [0.06, 0.04, 0.03, 0.02]


@pytest.mark.parametrize(
    "form",
    ["{m} ± {s}", "{m}+/-{s}", r"${m} \pm {s}$", r"{m} $\pm$ {s}", "{m} ({s})", "{m}({s})", "{m}({d})"],
)
def test_a_mean_and_its_standard_deviation_are_told(form: str) -> None:
    texts = [form.format(m=m, s=s, d=round(100 * s)) for m, s in zip(MEANS, SPREADS, strict=True)]
    for cells in (texts, [text.replace(".", ",") for text in texts]):
        found = spreads(pd.Series(cells))
        assert found is not None
        np.testing.assert_allclose(found, (MEANS, SPREADS))
    frame = pd.DataFrame({"n": N, "rmse": texts, "runs": 5})
    notes: list[str] = []
    (curve,) = table_curves(frame, x="n", y="rmse", n_runs="runs", notes=notes)
    columns = pd.DataFrame({"n": N, "rmse": MEANS, "sd": SPREADS, "runs": 5})
    (same,) = table_curves(columns, x="n", y="rmse", sd="sd", n_runs="runs")
    assert curve.summary is not None
    assert same.summary is not None
    np.testing.assert_allclose(curve.summary.within_ss, same.summary.within_ss)
    assert notes == ["column 'rmse' read as means with standard deviations over runs"]


def test_what_is_left_aside_is_said() -> None:
    frame = pd.DataFrame({"n": N * 2, "rmse": ["0.62 ± 0.01", "0.44 ± 0.01", "0.31 ± 0.01", "0.22 ± 0.01"] * 2})
    frame["seed"] = [0] * 4 + [1] * 4
    notes: list[str] = []
    (curve,) = table_curves(frame, x="n", y="rmse", seed="seed", notes=notes)
    assert curve.summary is None
    assert notes == ["what stands behind the numbers of column 'rmse' is left aside: of every run its own error counts"]
    with pytest.raises(InputError, match=r"needs the number of runs behind it, found 0.62 ± 0.01 .* by --n-runs"):
        table_curves(frame, x="n", y="rmse")


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("rmse", "12%", "without a per cent sign"),
        ("n", "12%", "without a per cent sign"),
        ("rmse", "<0.2", "a bound is no error"),
        ("rmse", "0,31", "with a point, as others"),
        ("n", "1 600", "without marks of thousands"),
        ("n", "1,600", "without marks of thousands"),
        ("rmse", "0.31 eV/Å", "without its unit"),
        ("rmse", "0.31 [0.28, 0.34]", "the ends of its interval in columns of their own"),
        ("rmse", "0.31 ± 0.03", "all with a standard deviation, or none"),
        ("rmse", "converged", "correct this row or leave it out"),
    ],
)
def test_other_cells_are_named_with_their_remedy(column: str, cell: str, says: str) -> None:
    assert says in how_to_write(cell)
    table: dict[str, list[Any]] = {"n": [*N], "rmse": [*MEANS]}
    table[column][2] = cell
    with pytest.raises(InputError) as caught:
        table_curves(pd.DataFrame(table), x="n", y="rmse")
    assert f"found {cell} in row 3 below the head: " in str(caught.value)
    assert says in str(caught.value)
