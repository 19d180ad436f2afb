"""What is bought, in numbers: labels and sampled frames. Prices are applied to them in `study.prices`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

#: Columns of counts in tables -> their meaning; a further level of theory would add its own two.
COUNT_COLUMNS = {
    "n_accurate_labels": "accurate labels bought, training and validation together; their geometries are given",
    "n_cheap_labels": "labels of the cheap level bought, wherever their geometries come from",
    "n_cheap_sampled": "geometries sampled at the cheap level",
}


@dataclass(frozen=True)
class Counts:
    """What one run buys.

    Attributes:
        accurate_labels: accurate labels, training and validation together; their geometries are given.
        cheap_labels: labels of the cheap level, wherever their geometries come from.
        cheap_sampled: geometries sampled at the cheap level.
    """

    accurate_labels: float
    cheap_labels: float
    cheap_sampled: float

    def columns(self) -> dict[str, int]:
        """The counts as columns of a row."""
        return dict(
            zip(COUNT_COLUMNS, map(int, (self.accurate_labels, self.cheap_labels, self.cheap_sampled)), strict=True)
        )

    @classmethod
    def of_row(cls, row: Mapping[Hashable, float]) -> Counts:
        """The counts of a row."""
        return cls(*(row[name] for name in COUNT_COLUMNS))


@dataclass(frozen=True)
class CheapPurchase:
    """What a strategy buys of the cheap level.

    Attributes:
        frames: sampled frames, as many as n_cheap says.
        labels: a label for each of these frames.
        labels_at_accurate: a label at the geometry of each accurate label.
    """

    frames: bool = False
    labels: bool = False
    labels_at_accurate: bool = False

    def counts(self, n_accurate: float, n_cheap: float) -> Counts:
        """What n_accurate accurate labels and n_cheap cheap frames come to.

        cheap_labels = labels · n_cheap + labels_at_accurate · n_accurate, cheap_sampled = frames · n_cheap.
        """
        cheap_labels = self.labels * n_cheap + self.labels_at_accurate * n_accurate
        return Counts(n_accurate, cheap_labels, self.frames * n_cheap)
