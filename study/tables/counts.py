"""Count columns of tables that were written before there were any (results tables of schema 2)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from study.counts import COUNT_COLUMNS, LowerLevels
from study.strategies import STRATEGIES, strategy_of

#: Warning of a row whose strategy this version does not know.
ASSUMED = "numbers of cheap labels and frames are assumed: {strategy} is no strategy of this version"


def lacks_counts(frame: pd.DataFrame) -> bool:
    """Whether a table has none of the count columns."""
    return not set(COUNT_COLUMNS) & set(frame.columns)


def add_counts(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with count columns, which follow from strategy, budget and n_cheap; missing where these are.

    A row of a strategy that is not listed counts each of its n_cheap frames as sampled and labelled.
    """
    known: dict[tuple[Any, Any, Any], dict[str, Any]] = {}  # a few hundred kinds of rows, however many there are
    columns: dict[str, list[Any]] = {name: [] for name in COUNT_COLUMNS}
    for row in zip(*(frame[name].tolist() for name in ("strategy", "budget", "n_cheap")), strict=True):
        if row not in known:
            strategy, budget, n_cheap = row
            unknown = pd.isna(strategy) or pd.isna(budget) or pd.isna(n_cheap)
            known[row] = {} if unknown else _counts(str(strategy), int(budget), int(n_cheap))
        for name, values in columns.items():
            values.append(known[row].get(name))
    return frame.assign(**columns)


def _counts(strategy: str, budget: int, n_cheap: int) -> dict[str, int]:
    return strategy_of(strategy).counts(budget, LowerLevels(n_cheap=n_cheap)).columns()


def unknown_strategies(frame: pd.DataFrame) -> pd.Series[bool]:
    """Rows whose strategy is not listed."""
    return ~frame["strategy"].isin(list(STRATEGIES))
