from __future__ import annotations

import pytest

from study.config.search import PruningSection, SearchSection


@pytest.mark.parametrize("wrong", [{"first": 1.0}, {"first": 0.0}, {"factor": 1}, {"method": "median stop"}])
def test_wrong_rules_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PruningSection(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"trials": 10**12}, {"folds": 10**6}, {"trials_per_round": 10**9}])
def test_counts_that_nobody_has_time_for_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SearchSection(**{"budgets": (20,), "trials": 8, "subset_seeds": (1, 2), "space": {"hidden": (8, 16)}} | wrong)  # type: ignore[arg-type]
