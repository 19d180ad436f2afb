"""Searches without rounds, end to end on a tiny sweep."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from pruned_search import HALVING, MEDIAN, search, table_of, trials_of, workload_of

if TYPE_CHECKING:
    from pathlib import Path

ASYNC = "  schedule: async\n"


@pytest.mark.parametrize("rule", ["", MEDIAN, HALVING], ids=["all", "median", "halving"])
def test_without_rounds_every_trial_is_told_and_every_row_there(tmp_path: Path, rule: str) -> None:
    executor = search(tmp_path / "run", ASYNC, rule)
    trials = trials_of(tmp_path / "run")
    assert len(trials) == 2 * 9
    assert set(trials["state"]) == ({"COMPLETE", "PRUNED"} if rule else {"COMPLETE"})
    # Two strategies with tuned settings at the two budgets, beside the rows of the sweep itself.
    assert len(table_of(tmp_path / "run")) == len(workload_of(ASYNC, rule).recipes) + 2 * 2
    trained = Counter(spec.key for pack in executor.seen if pack.until is None for spec in set(pack.specs))
    assert max(trained.values()) == 1, "no stage is finished twice"
    before = trials_of(tmp_path / "run")
    again = search(tmp_path / "run", ASYNC, rule)
    assert again.seen == []
    pd.testing.assert_frame_equal(trials_of(tmp_path / "run"), before, check_exact=True)


def test_without_rounds_a_stopped_search_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "run", ASYNC, MEDIAN, stop_before=9)
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "run" / "store").glob("*/stage.json")}
    assert kept
    search(tmp_path / "run", ASYNC, MEDIAN)
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert len(trials_of(tmp_path / "run")) == 2 * 9
    assert not trials_of(tmp_path / "run")["state"].isin(["RUNNING", "FAIL"]).any()
