"""What is bought, in numbers: labels and sampled frames. Prices are applied to them in `study.prices`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

#: Columns of counts in tables -> their meaning.
COUNT_COLUMNS = {
    "n_accurate_labels": "accurate labels bought, training and validation together; their geometries are given",
    "n_cheap_labels": "labels of the cheap level bought, wherever their geometries come from",
    "n_cheap_sampled": "geometries sampled at the cheap level",
}


@dataclass(frozen=True)
class LowerLevels:
    """What a row takes from the levels below the accurate one.

    Attributes:
        cheap_level: its cheap level, where the study has several; empty: the study's only one, or none.
        n_cheap: cheap frames bought, held-out ones included.
        intermediate_level: the level between the two, where its chain trains on one; empty: none.
        n_intermediate: labels of that level, held-out ones included; their geometries are given.
    """

    cheap_level: str = ""
    n_cheap: int = 0
    intermediate_level: str = ""
    n_intermediate: int = 0

    def labels_of(self, level: str) -> int:
        """Labels or frames that it takes of a level of that name, the level between among them."""
        if not level:
            return 0
        if level == self.intermediate_level:
            return self.n_intermediate
        return self.n_cheap if level == self.cheap_level else 0


#: Columns of tables that only rows of several levels below the accurate one fill -> (dtype, meaning).
LEVEL_COLUMNS = {
    "cheap_level": ("string", "its cheap level, where the study has several; empty: the study's only one, or none"),
    "intermediate_level": ("string", "the level between the cheap and the accurate one; empty: none"),
    "n_intermediate": ("int64", "labels of the intermediate level bought, held-out ones included; 0: none"),
}
#: What these columns hold where a table lacks them.
NO_LEVELS: dict[str, str | int] = {"cheap_level": "", "intermediate_level": "", "n_intermediate": 0}


@dataclass(frozen=True)
class Counts:
    """What one run buys.

    Attributes:
        accurate_labels: accurate labels, training and validation together; their geometries are given.
        cheap_labels: labels of the cheap level, wherever their geometries come from.
        cheap_sampled: geometries sampled at the cheap level.
        cheap_level: that level, where the study has several; empty: its only one.
        intermediate_labels: labels of the level between; their geometries are given.
        intermediate_level: that level; empty: none.
    """

    accurate_labels: float
    cheap_labels: float
    cheap_sampled: float
    cheap_level: str = ""
    intermediate_labels: float = 0
    intermediate_level: str = ""

    def columns(self) -> dict[str, int]:
        """The counts as columns of a row."""
        return dict(
            zip(COUNT_COLUMNS, map(int, (self.accurate_labels, self.cheap_labels, self.cheap_sampled)), strict=True)
        )

    @classmethod
    def of_row(cls, row: Mapping[Hashable, float | str]) -> Counts:
        """The counts of a row, which need not have the columns of several levels."""
        accurate, labels, sampled = (float(row[name]) for name in COUNT_COLUMNS)
        if "cheap_level" not in row:
            return cls(accurate, labels, sampled)
        intermediate = float(row["n_intermediate"]), str(row["intermediate_level"])
        return cls(accurate, labels, sampled, str(row["cheap_level"]), *intermediate)


@dataclass(frozen=True)
class CheapPurchase:
    """What a strategy buys below the accurate level.

    Attributes:
        frames: sampled frames of the cheap level, as many as n_cheap says.
        labels: a label for each of these frames.
        labels_at_accurate: a cheap label at the geometry of each label of the levels above.
    """

    frames: bool = False
    labels: bool = False
    labels_at_accurate: bool = False

    def counts(self, n_accurate: float, lower: LowerLevels) -> Counts:
        """What n_accurate accurate labels and those of the lower levels come to.

        cheap_labels = labels · n_cheap + labels_at_accurate · (n_accurate + n_intermediate),
        cheap_sampled = frames · n_cheap.
        """
        above = n_accurate + lower.n_intermediate
        return Counts(
            n_accurate,
            self.labels * lower.n_cheap + self.labels_at_accurate * above,
            self.frames * lower.n_cheap,
            lower.cheap_level,
            lower.n_intermediate,
            lower.intermediate_level,
        )
