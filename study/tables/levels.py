"""Columns that tables have where a study has several levels below the accurate one, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.counts import LEVEL_COLUMNS, NO_LEVELS
from study.tables.dtypes import with_dtypes

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


def level_columns(frame: pd.DataFrame) -> list[str]:
    """Columns of levels that a table has: all or none."""
    return list(LEVEL_COLUMNS) if set(LEVEL_COLUMNS) & set(frame.columns) else []


def with_levels(columns: Iterable[str], frame: pd.DataFrame) -> list[str]:
    """Columns of a key, and those of levels where a table has them."""
    return [*columns, *level_columns(frame)]


def settled(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with all columns of levels, or without them where no row fills any.

    Raises:
        ValueError: a value does not fit its column.
    """
    present = [name for name in LEVEL_COLUMNS if name in frame.columns]
    if not present:
        return frame
    filled = frame.assign(**{name: NO_LEVELS[name] for name in LEVEL_COLUMNS if name not in present})
    filled = filled.assign(**{name: filled[name].fillna(NO_LEVELS[name]) for name in present})
    typed = with_dtypes(filled, {name: dtype for name, (dtype, _) in LEVEL_COLUMNS.items()})
    filled = filled.assign(**{name: typed[name] for name in LEVEL_COLUMNS})
    if (filled[list(LEVEL_COLUMNS)] == NO_LEVELS).to_numpy(dtype=bool).all():
        return filled.drop(columns=list(LEVEL_COLUMNS))
    return filled
