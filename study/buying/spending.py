"""What a purchase has spent so far, and how many more labels its limits allow."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from study.buying.candidates import Candidates
    from study.buying.contenders import Contender
    from study.buying.labels import LabelBook
    from study.buying.state import PurchaseState


@dataclass(frozen=True, eq=False)
class Spending:
    """The money of a purchase before its next look; all prices in CPU seconds.

    Attributes:
        candidates: what is chosen from, with the price of each level.
        contenders: all of the study.
        state: rounds so far and what was asked for.
        book: accurate labels owned.
        intermediate: labels owned of the level between; None without a ladder.
        n_intermediate: how many of these the next look needs.
    """

    candidates: Candidates
    contenders: tuple[Contender, ...]
    state: PurchaseState
    book: LabelBook
    intermediate: LabelBook | None
    n_intermediate: int

    @property
    def accurate_cpu_s(self) -> float:
        """Price of the accurate labels, and what geometries that gave none took."""
        return self.candidates.prices.accurate_cpu_s(self.book.n_bought) + self.book.failed_cpu_s

    @property
    def intermediate_cpu_s(self) -> float:
        """Price of the labels of the level between for the next look, and what geometries that gave none took."""
        if self.intermediate is None:
            return 0.0
        level = self.candidates.prices.levels[self.candidates.intermediate_level]
        n_labels = max(len(self.intermediate.rows), self.n_intermediate)
        return level.label_cpu_s * n_labels + self.intermediate.failed_cpu_s

    def below_cpu_s(self, n_labels: int) -> dict[str, float]:
        """Price of what contenders that have competed take of each level below, the largest of each.

        Labels of the level between are left out: they are paid for when they are bought.
        """
        between, prices = self.candidates.intermediate_level, self.candidates.prices
        found: dict[str, float] = {}
        for contender in self.contenders:
            if contender.lower.labels_of(between) > self.n_intermediate:
                continue
            lower = replace(contender.lower, intermediate_level="", n_intermediate=0)
            level = lower.cheap_level or prices.cheap
            if level == between:
                continue
            counts = STRATEGIES[contender.strategy].counts(n_labels, lower)
            found[level] = max(found.get(level, 0.0), prices.cpu_s(counts)[1])
        return found

    @property
    def left_cpu_s(self) -> float:
        """What may still be spent on labels; infinite without a limit."""
        most = self.state.request.most_cpu_s
        if most is None:
            return math.inf
        return max(0.0, most - self._beside_accurate_cpu_s - self.candidates.prices.accurate_cpu_s(self.book.n_bought))

    @property
    def most_labels(self) -> int:
        """The most accurate labels that can be owned: the limits, and the geometries that there are."""
        request = self.state.request
        most = len(self.candidates.frames) - len(self.book.failures)
        if request.most_labels is not None:
            most = min(most, request.most_labels)
        if request.most_cpu_s is not None:
            each_s = self.candidates.prices.accurate_cpu_s(1) + self._below_cpu_s(1) - self._below_cpu_s(0)
            left_s = request.most_cpu_s - self._beside_accurate_cpu_s
            most = min(most, len(self.candidates.owned) + max(0, math.floor(left_s / max(each_s, 1e-9))))
        return most

    @property
    def _beside_accurate_cpu_s(self) -> float:
        """Spent on all but the accurate labels and the cheap ones at their geometries."""
        trained_s = sum(own.core_s for own in self.state.rounds)
        return trained_s + self._below_cpu_s(0) + self.book.failed_cpu_s + self.intermediate_cpu_s

    def _below_cpu_s(self, n_labels: int) -> float:
        return sum(self.below_cpu_s(n_labels).values())
