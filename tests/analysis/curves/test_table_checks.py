"""Numbers that cannot belong to a table are refused, and a run that stands twice counts once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.curves.any_table import table_curves
from asteroid.errors import InputError

RUNS = pd.DataFrame(
    [(n, seed, 3 * n**-0.5 * (1 + 0.05 * seed)) for n in (25, 50, 100, 200) for seed in range(3)],
    columns=["n", "seed", "error"],
)
MEANS = pd.DataFrame(
    {"n": [25, 50, 100, 200], "error": [0.6, 0.42, 0.3, 0.21], "sd": [0.06, 0.03, 0.03, 0.02], "runs": 5}
)
OF_MEANS = {"x": "n", "y": "error", "sd": "sd", "n_runs": "runs"}


def refused(frame: pd.DataFrame, **columns: Any) -> str:
    with pytest.raises(InputError) as caught:
        table_curves(frame, **({"x": "n", "y": "error", "seed": "seed"} | columns))
    return str(caught.value)


@pytest.mark.parametrize("factor", [1 / 20, 1e-3, 1 / 16])
def test_counts_are_whole(factor: float) -> None:
    message = refused(RUNS.assign(n=RUNS["n"] * factor))
    assert "numbers of labels are whole" in message
    assert "in row 1 below the head" in message


@pytest.mark.parametrize("name", ["n_k", "n (thousands)", "n/1000", "fraction", "train %", "PercentOfData"])
def test_names_of_other_numbers_are_understood(name: str) -> None:
    assert "multiply by" in refused(RUNS.rename(columns={"n": name}), x=name)


@pytest.mark.parametrize("factor", [1000.0, 23.06, 100 / 0.3, 1e-3, 1 / 96])
def test_standard_deviations_of_another_unit_are_refused(factor: float) -> None:
    message = refused(MEANS.assign(sd=MEANS["sd"] * factor), **OF_MEANS, seed=None)
    assert "in one unit" in message


def test_small_standard_deviations_are_doubted_and_usual_ones_not() -> None:
    notes: list[str] = []
    table_curves(MEANS.assign(sd=MEANS["sd"] / 23.06), **OF_MEANS, notes=notes)
    assert "less than seeds usually differ" in notes[0]
    notes.clear()
    table_curves(MEANS, **OF_MEANS, notes=notes)
    assert notes == []


def test_runs_that_stand_again_count_once_or_are_refused() -> None:
    notes: list[str] = []
    (once,) = table_curves(pd.concat([RUNS] * 4, ignore_index=True), x="n", y="error", seed="seed", notes=notes)
    assert len(once.budget) == len(RUNS)
    assert notes == ["36 rows repeat a run (same seed and number of labels) and count once"]
    again = pd.concat([RUNS, RUNS[:1].assign(error=0.5)], ignore_index=True)
    message = refused(again)
    assert "a run of one seed and number of labels has one error" in message
    assert "rows 1 and 13 below the head" in message
    notes.clear()
    (without,) = table_curves(pd.concat([RUNS] * 2, ignore_index=True), x="n", y="error", notes=notes)
    assert len(without.budget) == len(RUNS)
    assert "12 rows stand in the table twice" in notes[0]


def test_rounded_errors_of_two_runs_may_agree() -> None:
    rounded = pd.DataFrame({"n": np.repeat([25, 50, 100, 200], 2), "error": [0.6, 0.6, 0.4, 0.42, 0.3, 0.3, 0.2, 0.22]})
    (curve,) = table_curves(rounded, x="n", y="error")
    assert len(curve.budget) == 8


@pytest.mark.parametrize(
    ("column", "values", "mixed"),
    [
        ("hidden_units", [64, 128], False),
        ("community", ["a", "b"], False),
        ("unit", ["eV/A", "kcal/mol/A"], True),
        ("error_unit", ["x", "y"], True),
        ("dft units", ["meV/A", "kcal/mol/A"], True),
    ],
)
def test_units_are_words_of_their_own(column: str, values: list[Any], mixed: bool) -> None:
    frame = RUNS.assign(**{column: [values[i % 2] for i in range(len(RUNS))]})
    if mixed:
        assert "one table has one unit" in refused(frame)
    else:
        table_curves(frame, x="n", y="error", seed="seed")


@pytest.mark.parametrize("factor", [1000.0, 23.06, 1 / 27.2])
def test_a_seed_in_another_unit_is_named(factor: float) -> None:
    of_seed = RUNS["seed"] == 2
    message = refused(RUNS.assign(error=RUNS["error"].where(~of_seed, factor * RUNS["error"])))
    assert "found error of seed 2" in message
    assert "at every number of labels" in message
    failed = RUNS.assign(error=RUNS["error"].where(~(of_seed & (RUNS["n"] == 50)), 40.0))
    table_curves(failed, x="n", y="error", seed="seed")  # one run that failed is no unit


@pytest.mark.parametrize("name", ["R2", "test accuracy", "r²_forces", "score"])
def test_scores_are_no_errors(name: str) -> None:
    assert "which fall towards zero" in refused(RUNS.rename(columns={"error": name}), y=name)
