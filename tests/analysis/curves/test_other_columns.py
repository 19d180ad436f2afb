"""Columns that nobody named: runs that failed, and rows of two kinds in one curve."""

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


def curves(frame: pd.DataFrame, **columns: Any) -> int:
    return len(table_curves(frame, **({"x": "n", "y": "error"} | columns)))


def refused(frame: pd.DataFrame, **columns: Any) -> str:
    with pytest.raises(InputError) as caught:
        curves(frame, **columns)
    return str(caught.value)


@pytest.mark.parametrize(("name", "bad", "good"), [("State", "crashed", "finished"), ("converged", "False", "True")])
def test_runs_that_say_they_failed_are_named(name: str, bad: str, good: str) -> None:
    said = [bad if row == 3 else good for row in range(len(RUNS))]
    assert f"found {name} = {bad} in row 4 below the head (1 such rows)" in refused(RUNS.assign(**{name: said}))
    assert curves(RUNS.assign(**{name: good})) == 1
    assert curves(RUNS.assign(statement=said)) == 1


@pytest.mark.parametrize("kinds", [("train", "test"), (1, 100), ("b", "a", "c")])
def test_rows_that_a_column_tells_apart_are_refused_without_a_group(kinds: tuple[Any, ...]) -> None:
    parts = [RUNS.assign(kind=kind, error=RUNS["error"] * 1.5**at) for at, kind in enumerate(kinds)]
    both = pd.concat(parts, ignore_index=True)
    message = refused(both)
    assert f"kind = {kinds[1]} 1.5 times that of {kinds[0]} at every number of labels: name the column as" in message
    assert curves(both, group=["kind"]) == len(kinds)
    assert curves(both.rename(columns={"kind": "fold"})) == 1


def test_columns_that_differ_by_chance_are_let_be() -> None:
    rng = np.random.default_rng(0)
    many = pd.concat([RUNS.assign(error=RUNS["error"] * np.exp(0.2 * rng.normal(size=12))) for _ in range(4)])
    for _ in range(40):
        assert curves(many.assign(machine=rng.choice(["a", "b"], size=len(many)))) == 1
    assert curves(RUNS.assign(price=RUNS["n"] * 2, comment="none")) == 1
