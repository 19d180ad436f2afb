from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from asteroid.errors import InputError
from study.counts import COUNT_COLUMNS
from study.tables.manifest import read_manifest
from study.tables.results import (
    ADDED_COLUMNS,
    COLUMNS,
    KEY_COLUMNS,
    read_results,
    results_frame,
    validate_results,
    write_results,
)

if TYPE_CHECKING:
    from pathlib import Path


def row(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, (dtype, _) in COLUMNS.items():
        plain[name] = {"string": "", "float64": math.nan, "int64": 0, "Int64": None}[dtype]
    return plain | {"strategy": "asteroid", "gamma_rel": 1.0, "budget": 20, "status": "ok"} | changes


def refusal(call: object, *args: Any) -> str:
    assert callable(call)
    with pytest.raises(InputError) as caught:
        call(*args)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_column_has_a_meaning_and_its_unit_in_its_name() -> None:
    for name, (dtype, meaning) in COLUMNS.items():
        assert meaning
        measured = any(word in name for word in ("mae", "rmse", "bias", "cost", "core"))
        assert not measured or name.endswith(("_ev", "_ev_ang", "_s")), name
        assert dtype in ("string", "float64", "int64", "Int64")
    assert set(KEY_COLUMNS) < set(COLUMNS)


def test_rows_become_a_sorted_table_with_the_dtypes_of_the_schema() -> None:
    rows = [row(seed=1), row(seed=0), row(strategy="accurate_only", gamma_rel=math.nan), row(gamma_rel=math.inf)]
    table = results_frame(rows)
    assert list(table.columns) == list(COLUMNS)
    assert {name: str(table[name].dtype) for name in COLUMNS} == {name: dtype for name, (dtype, _) in COLUMNS.items()}
    assert table["strategy"].tolist() == ["accurate_only", "asteroid", "asteroid", "asteroid"]
    assert table["seed"].tolist() == [0, 0, 1, 0]
    pd.testing.assert_frame_equal(table, results_frame(rows[::-1]))


def test_no_rows_yet_is_a_table_too(tmp_path: Path) -> None:
    table = results_frame([])
    assert list(table.columns) == list(COLUMNS)
    write_results(table, tmp_path)
    assert len(read_results(tmp_path)) == 0


def test_missing_and_unknown_columns_are_named() -> None:
    table = results_frame([row()])
    message = refusal(validate_results, table.drop(columns="seed").rename(columns={"status": "state"}))
    assert "missing: ['seed', 'status']" in message
    assert "unknown: ['state']" in message
    assert "asteroid-study run" in message


def test_tables_of_earlier_releases_are_read_with_empty_new_columns() -> None:
    table = results_frame([row(train_force_mae_ev_ang=0.1)])
    older = validate_results(table.drop(columns=list(ADDED_COLUMNS)))
    assert list(older.columns) == list(COLUMNS)
    assert older[list(ADDED_COLUMNS)].isna().all(axis=None)
    assert table["train_force_mae_ev_ang"].tolist() == [0.1]


@pytest.mark.parametrize("change", [{"budget": "many"}, {"budget": math.nan}, {"gamma_rel": "high"}])
def test_a_value_that_does_not_fit_its_column(change: dict[str, Any]) -> None:
    table = results_frame([row()]).astype(dict.fromkeys(change, object)).assign(**change)
    assert "does not fit its column" in refusal(validate_results, table)


@pytest.mark.parametrize("gamma_rel", [1.0, math.inf, math.nan])
def test_two_rows_with_one_key_are_refused(gamma_rel: float) -> None:
    rows = [row(gamma_rel=gamma_rel, seed=seed, n_val=place) for place, seed in enumerate((4, 5, 4))]
    message = refusal(results_frame, rows)
    assert "found twice" in message
    assert "'seed': 4" in message


@pytest.mark.parametrize("key", KEY_COLUMNS)
def test_each_key_column_tells_rows_apart(key: str) -> None:
    other = {"strategy": "cheap_only", "schedule": "long"}.get(key, 7)
    assert len(results_frame([row(), row(**{key: other})])) == 2


def test_parquet_and_csv_hold_the_same_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        row(seed=seed, gamma_rel=gamma, tuned_with_n=tuned, test_force_mae_ev_ang=rng.random(), budget=2**40 + seed)
        for seed, gamma, tuned in ((0, 1.0, None), (1, math.inf, 50), (2, 0.1 + 0.2, None))
    ]
    table = results_frame(rows)
    write_results(table, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["digests.json", "results.csv", "results.parquet"]
    pd.testing.assert_frame_equal(read_results(tmp_path), table)
    text = [name for name, (dtype, _) in COLUMNS.items() if dtype == "string"]
    from_csv = pd.read_csv(tmp_path / "results.csv", dtype=dict.fromkeys(text, "string"))
    from_csv[text] = from_csv[text].fillna("")  # CSV knows no empty text
    pd.testing.assert_frame_equal(validate_results(from_csv), table, check_exact=True)


def test_a_bad_table_does_not_replace_a_good_one(tmp_path: Path) -> None:
    write_results(results_frame([row()]), tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    refusal(write_results, results_frame([row()]).drop(columns="seed"), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_folders_without_results_or_manifest(tmp_path: Path) -> None:
    for read, name in ((read_results, "results.parquet"), (read_manifest, "manifest.json")):
        message = refusal(read, tmp_path)
        assert name in message
        assert str(tmp_path) in message
        assert "asteroid-study run" in message


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [("n_test", -3, "n_test .* below zero, found -3 in row 1"), ("recipe_core_s", np.inf, "finite"),
     ("test_force_mae_ev_ang", -0.1, "below zero"), ("budget", np.inf, "does not fit its column")],
)  # fmt: skip
def test_numbers_that_nobody_measures_are_refused(column: str, value: float, says: str) -> None:
    table = results_frame([row(budget=20), row(budget=40)]).astype({column: "float64"})
    table.loc[1, column] = value
    with pytest.raises(InputError, match=says):
        validate_results(table)


def test_a_row_without_a_strategy_is_refused() -> None:
    table = results_frame([row(budget=20), row(budget=40)]).drop(columns=list(COUNT_COLUMNS))
    table.loc[1, "strategy"] = None
    with pytest.raises(InputError, match="found none in row 1"):
        validate_results(table)
