"""Prices applied: counts of labels and frames in, CPU seconds out, here and nowhere else.

A price is measured in `study.labelling.timing`, for the command `calibrate`. It is decided, in this order, by the
user (`sweeps.quantities`), the sweep file (`study.config.label_files`) and the card beside the labels
(`study.data.card_prices`). `analysis.plan.pricing` says what is left to buy beside owned labels, and asks here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from study.counts import Counts, LowerLevels


@dataclass(frozen=True)
class LevelPrice:
    """Price of one frame at one level of theory, in CPU seconds on one core.

    Attributes:
        label_cpu_s: energy and forces of one frame.
        source: where the label price comes from (a measurement, the sweep file, the user).
        sampling_cpu_s: making the geometry of one kept frame (the MD steps between two of them); 0 where it is given.
    """

    label_cpu_s: float
    source: str
    sampling_cpu_s: float = 0.0


@dataclass(frozen=True)
class PriceList:
    """Prices of the levels of a run.

    Attributes:
        accurate: the accurate level.
        cheap: the cheap level; of several the first, where a row does not name its own.
        levels: price of each level.
    """

    accurate: str
    cheap: str
    levels: Mapping[str, LevelPrice]

    def level_of(self, lower: LowerLevels) -> str:
        """The cheap level of a row."""
        return lower.cheap_level or self.cheap

    def override(self, level: str, label_cpu_s: float, source: str) -> PriceList:
        """The same list with another price for one level.

        Raises:
            InputError: the run has no such level.
        """
        if level not in self.levels:
            raise InputError(f"no labels of level {level!r} in this run: price one of {', '.join(self.levels)}")
        changed = replace(self.levels[level], label_cpu_s=label_cpu_s, source=source)
        return replace(self, levels={**self.levels, level: changed})

    def accurate_cpu_s(self, n_labels: float) -> float:
        """CPU seconds of accurate labels; their geometries are given."""
        return n_labels * self.levels[self.accurate].label_cpu_s

    def cheap_cpu_s(self, n_labels: float, n_sampled: float, level: str = "") -> float:
        """CPU seconds of labels and sampled frames of a cheap level, most of which may be the same frames.

        Args:
            n_labels: labels.
            n_sampled: sampled frames.
            level: the level; empty: the run's only cheap one, or the first of several.
        """
        price = self.levels[level or self.cheap]
        both = min(n_labels, n_sampled)
        rest = (n_labels - both) * price.label_cpu_s + (n_sampled - both) * price.sampling_cpu_s
        return both * (price.label_cpu_s + price.sampling_cpu_s) + rest

    def intermediate_cpu_s(self, counts: Counts) -> float:
        """CPU seconds of the labels of the level between; their geometries are given."""
        level = counts.intermediate_level
        return counts.intermediate_labels * self.levels[level].label_cpu_s if level else 0.0

    def cpu_s(self, counts: Counts) -> tuple[float, float]:
        """CPU seconds of what is bought of the accurate level, and of the levels below it together."""
        below = self.cheap_cpu_s(counts.cheap_labels, counts.cheap_sampled, counts.cheap_level)
        return self.accurate_cpu_s(counts.accurate_labels), below + self.intermediate_cpu_s(counts)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the manifest."""
        return {
            "accurate": self.accurate,
            "cheap": self.cheap,
            "levels": {name: vars(price) for name, price in self.levels.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PriceList:
        """The list written by `to_json`."""
        levels = {name: LevelPrice(**price) for name, price in data["levels"].items()}
        return cls(accurate=data["accurate"], cheap=data["cheap"], levels=levels)
