"""Tables without counts: they follow from the strategy, and where that is not known the table says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from asteroid.errors import InputError
from study.counts import COUNT_COLUMNS
from study.tables.results import COLUMNS, read_results, results_frame, validate_results, write_results
from study.tables.trials import TRIAL_COLUMNS, validate_trials

if TYPE_CHECKING:
    from pathlib import Path

BLANK = {"string": "", "float64": 0.0, "int64": 0, "Int64": None, "bool": False}


def of_schema_2(*strategies: str) -> pd.DataFrame:
    plain = {name: BLANK[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
    return pd.DataFrame([plain | {"strategy": s, "budget": 20, "n_cheap": 40, "status": "ok"} for s in strategies])


def test_a_table_of_schema_2_gets_its_counts(tmp_path: Path) -> None:
    old = of_schema_2("accurate_only", "asteroid", "asteroid_unlabelled", "gdml_delta")
    old.loc[old["strategy"].isin(["accurate_only", "gdml_delta"]), "n_cheap"] = 0
    old.to_parquet(tmp_path / "results.parquet", index=False)
    table = read_results(tmp_path)
    assert list(table.columns) == list(COLUMNS)
    assert table[[*COUNT_COLUMNS]].to_numpy().tolist() == [[20, 0, 0], [20, 40, 40], [20, 0, 40], [20, 20, 0]]
    assert (table["warnings"] == "").all()
    write_results(table, tmp_path)
    pd.testing.assert_frame_equal(read_results(tmp_path), table)


def test_a_strategy_that_is_not_known_says_that_its_counts_are_assumed() -> None:
    table = validate_results(of_schema_2("asteroid", "mine").assign(warnings=["", "odd"]))
    assert table[[*COUNT_COLUMNS]].to_numpy().tolist() == [[20, 40, 40], [20, 40, 40]]
    assert table["warnings"].tolist() == [
        "",
        "odd; numbers of cheap labels and frames are assumed: mine is no strategy of this version",
    ]


def test_counts_are_all_there_or_none() -> None:
    rows = results_frame(of_schema_2("asteroid").to_dict("records"))
    with pytest.raises(InputError, match=r"missing: .'n_cheap_sampled'"):
        validate_results(rows.drop(columns="n_cheap_sampled"))


def test_trials_of_an_earlier_version_get_theirs_once_the_budget_is_suggested() -> None:
    plain = {name: BLANK[dtype] for name, (dtype, _) in TRIAL_COLUMNS.items() if name not in COUNT_COLUMNS}
    plain |= {"study": "pareto residual", "mode": "pareto", "strategy": "residual", "settings": "{}", "n_cheap": 40}
    rows = [plain | {"trial": 0, "state": "FAIL", "budget": 20}, plain | {"trial": 1, "state": "RUNNING"}]
    trials = validate_trials(pd.DataFrame(rows))
    assert trials.loc[0, [*COUNT_COLUMNS]].tolist() == [20, 40, 40]
    assert trials.loc[1, [*COUNT_COLUMNS]].isna().all()
