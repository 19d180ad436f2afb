"""What tells one curve of a results table from another, and its name for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from analysis.names import display_level
from study.counts import LEVEL_COLUMNS, NO_LEVELS, LowerLevels
from study.strategies import rank_of, strategy_of
from study.tables.levels import level_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

#: Columns of the results table that tell curves apart.
CURVE_COLUMNS = ["strategy", "gamma_rel", "schedule", "n_cheap"]
#: Numbers of frames or labels of lower levels, each an axis of its own.
Axis = Literal["n_cheap", "n_intermediate"]
AXES: tuple[Axis, ...] = get_args(Axis)


@dataclass(frozen=True)
class CurveKey:
    """Runs of one key differ in budget and seed only.

    Attributes:
        strategy: a strategy of the results table, or a group of somebody's table.
        gamma_rel: bias-weight temperature over the median bias; inf: no weights; NaN: nothing to weight.
        schedule: name of the fine-tune schedule; empty: none.
        n_cheap: cheap frames bought.
        cheap_level: their level, where the study has several; empty: its only one, or none.
        intermediate_level: the level between the cheap and the accurate one; empty: none.
        n_intermediate: labels of it bought.
    """

    strategy: str
    gamma_rel: float = np.nan
    schedule: str = ""
    n_cheap: int = 0
    cheap_level: str = ""
    intermediate_level: str = ""
    n_intermediate: int = 0

    def __post_init__(self) -> None:
        """One NaN for all keys: a tuple compares its items by identity first, so equal keys are equal."""
        if np.isnan(self.gamma_rel):
            object.__setattr__(self, "gamma_rel", np.nan)

    def __eq__(self, other: object) -> bool:
        """As the tuples of the fields are: from Python 3.13 on, dataclasses compare field by field, NaN with NaN."""
        return isinstance(other, CurveKey) and tuple(vars(self).values()) == tuple(vars(other).values())

    @classmethod
    def of_row(cls, row: pd.Series[Any] | Mapping[str, Any]) -> CurveKey:
        """The key of a row of a results table; keys of one curve are equal, also where nothing is weighted."""
        known = {**NO_LEVELS, **{name: row[name] for name in LEVEL_COLUMNS if name in row}}
        levels = str(known["cheap_level"]), str(known["intermediate_level"]), int(known["n_intermediate"])
        return cls(str(row["strategy"]), float(row["gamma_rel"]), str(row["schedule"]), int(row["n_cheap"]), *levels)

    @property
    def lower(self) -> LowerLevels:
        """What its runs take from the levels below the accurate one."""
        return LowerLevels(self.cheap_level, self.n_cheap, self.intermediate_level, self.n_intermediate)

    def count(self, axis: Axis) -> int:
        """Its number of frames or labels of a lower level."""
        found: int = getattr(self, axis)
        return found

    def with_count(self, axis: Axis, count: int) -> CurveKey:
        """The key with another such number."""
        return replace(self, n_cheap=count) if axis == "n_cheap" else replace(self, n_intermediate=count)

    @property
    def way(self) -> str:
        """Strategy and cheap level: what a plan chooses among. Where a study has one cheap level, the strategy."""
        return f"{self.strategy}|{self.cheap_level}" if self.cheap_level else self.strategy

    @property
    def sorting_gamma(self) -> float:
        """gamma_rel as a number that sorts: no weights and nothing to weight come last."""
        return self.gamma_rel if np.isfinite(self.gamma_rel) else np.inf

    @property
    def order(self) -> tuple[int, str, str, int, int, float, str]:
        """What curves are sorted by: simplest strategy first, then from few to many cheap frames."""
        frames = self.n_cheap, self.n_intermediate
        return rank_of(self.strategy), self.strategy, self.cheap_level, *frames, -self.sorting_gamma, self.schedule

    def label(self, *, with_schedule: bool = False) -> str:
        """Name for people, such as "ASTEROID, γ/median = 0.3, 4,000 cheap"."""
        entry = strategy_of(self.strategy)
        parts = [entry.name]
        if np.isfinite(self.gamma_rel):
            parts.append(f"γ/median = {self.gamma_rel:g}")
        elif entry.weighted and np.isinf(self.gamma_rel):
            parts.append("no weights")
        if self.n_cheap:
            parts.append(f"{self.n_cheap:,} {display_level(self.cheap_level) if self.cheap_level else 'cheap'}")
        elif self.cheap_level:
            parts.append(display_level(self.cheap_level))
        if self.n_intermediate:
            parts.append(f"{self.n_intermediate:,} {display_level(self.intermediate_level)}")
        if with_schedule and self.schedule:
            parts.append(f"{self.schedule} schedule")
        return ", ".join(parts)

    def columns(self) -> dict[str, Any]:
        """The values of `CURVE_COLUMNS`, for a table; those of several lower levels only where there are any."""
        values = asdict(self)
        return values if self.cheap_level else {name: values[name] for name in CURVE_COLUMNS}

    def to_json(self) -> dict[str, Any]:
        """The same as plain data; a temperature is "inf" for no weights and null for nothing to weight."""
        gamma = None if np.isnan(self.gamma_rel) else "inf" if np.isinf(self.gamma_rel) else self.gamma_rel
        return self.columns() | {"gamma_rel": gamma}

    def rows_in(self, table: pd.DataFrame) -> pd.Series[bool]:
        """Which rows of a results table have this key; a temperature that is NaN equals itself."""
        gamma = np.isclose(table["gamma_rel"], self.gamma_rel, rtol=0, atol=0, equal_nan=True)
        same = (table["strategy"] == self.strategy) & (table["n_cheap"] == self.n_cheap) & gamma
        for name in level_columns(table):
            same &= table[name] == getattr(self, name)
        return same & (table["schedule"].fillna("") == self.schedule)


def labels_of(keys: Sequence[CurveKey]) -> list[str]:
    """Names of several curves; the schedule is named where a strategy has more than one."""
    pairs = [strategy for strategy, _ in {(key.strategy, key.schedule) for key in keys}]
    return [key.label(with_schedule=pairs.count(key.strategy) > 1) for key in keys]
