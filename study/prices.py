"""The price of labels: what one label of each level costs, and what a set of them costs together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from study.strategies import CheapPurchase


@dataclass(frozen=True)
class LevelPrice:
    """Price of one frame at one level of theory, in CPU seconds on one core.

    Attributes:
        label_cpu_s: energy and forces of one frame.
        source: where the label price comes from (a measurement, the sweep file, the command line).
        sampling_cpu_s: making the geometry of one kept frame (the MD steps between two of them); 0 where it is given.
    """

    label_cpu_s: float
    source: str
    sampling_cpu_s: float = 0.0


@dataclass(frozen=True)
class PriceList:
    """Prices of the accurate and the cheap level of a run."""

    accurate: str
    cheap: str
    levels: Mapping[str, LevelPrice]

    def override(self, level: str, label_cpu_s: float, source: str) -> PriceList:
        """The same list with another price for one level.

        Raises:
            InputError: the run has no such level.
        """
        if level not in self.levels:
            raise InputError(f"no labels of level {level!r} in this run: price one of {', '.join(self.levels)}")
        changed = replace(self.levels[level], label_cpu_s=label_cpu_s, source=source)
        return replace(self, levels={**self.levels, level: changed})

    def accurate_cpu_s(self, n: float) -> float:
        """CPU seconds for n accurate labels (training and validation; their geometries are given)."""
        return n * self.levels[self.accurate].label_cpu_s

    def cheap_cpu_s(self, n: float) -> float:
        """CPU seconds for n cheap frames, label and sampling."""
        price = self.levels[self.cheap]
        return n * (price.label_cpu_s + price.sampling_cpu_s)

    def strategy_cheap_cpu_s(self, purchase: CheapPurchase, n_cheap: float, budget: float) -> float:
        """CPU seconds for what a strategy buys of the cheap level.

        Args:
            purchase: labelled frames, bare frames (sampling alone), or a label at every accurate geometry (the geometry
                is given, so the label alone).
            n_cheap: cheap frames.
            budget: accurate labels.
        """
        price = self.levels[self.cheap]
        match purchase:
            case "nothing":
                return 0.0
            case "labels":
                return self.cheap_cpu_s(n_cheap)
            case "frames":
                return n_cheap * price.sampling_cpu_s
            case "labels_at_accurate":
                return budget * price.label_cpu_s

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
