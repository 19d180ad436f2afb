"""What the labels of a curve cost at any budget, beside labels that are owned: prices applied to the curve's counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.curves.curves import Curve
    from study.counts import CheapPurchase, Counts, LowerLevels
    from study.prices import PriceList


@dataclass(frozen=True)
class LabelPrice:
    """Price of the labels of one curve, linear in the number of accurate labels.

    Attributes:
        prices: of all levels.
        purchase: what the curve buys of the cheap level.
        lower: what the curve needs of the levels below the accurate one.
        owned_accurate: accurate labels that are there already and cost nothing.
        owned_cheap: cheap frames that are there already; not those of the geometries of accurate labels.
        owned_intermediate: labels of the intermediate level that are there already.
    """

    prices: PriceList
    purchase: CheapPurchase
    lower: LowerLevels
    owned_accurate: int = 0
    owned_cheap: int = 0
    owned_intermediate: int = 0

    def to_buy(self, n_accurate: float) -> Counts:
        """What is missing at n_accurate accurate labels; those that are owned still need their cheap label."""
        needed = self.purchase.counts(
            n_accurate, replace(self.lower, n_cheap=max(self.lower.n_cheap - self.owned_cheap, 0))
        )
        return replace(
            needed,
            accurate_labels=max(n_accurate - self.owned_accurate, 0.0),
            intermediate_labels=max(needed.intermediate_labels - self.owned_intermediate, 0.0),
        )

    def accurate(self, n_accurate: float) -> float:
        """CPU seconds of the accurate labels that are not owned."""
        return self.prices.cpu_s(self.to_buy(n_accurate))[0]

    def cheap(self, n_accurate: float) -> float:
        """CPU seconds on the cheap side at this budget, those of an intermediate level included."""
        return self.prices.cpu_s(self.to_buy(n_accurate))[1]

    def intermediate(self) -> float:
        """CPU seconds of the labels of the intermediate level that are not owned: the same at every budget."""
        return self.prices.intermediate_cpu_s(self.to_buy(0))

    def total(self, n_accurate: float) -> float:
        """CPU seconds of all labels at this budget."""
        return sum(self.prices.cpu_s(self.to_buy(n_accurate)))

    def affordable(self, budget_cpu_s: float) -> float:
        """The most accurate labels for a price; negative where not even the cheap frames can be paid."""
        left = budget_cpu_s - self.cheap(0.0)
        if left < 0:
            return -1.0
        owned, each = float(self.owned_accurate), self.prices.accurate_cpu_s(1)
        with_each = self.prices.cheap_cpu_s(float(self.purchase.labels_at_accurate), 0.0, self.lower.cheap_level)
        if with_each * owned > left:
            return left / with_each
        return owned + (left - with_each * owned) / (each + with_each) if each + with_each > 0 else np.inf

    def with_lower(self, lower: LowerLevels) -> LabelPrice:
        """The price of the same strategy with other numbers of frames and labels of the lower levels."""
        return replace(self, lower=lower)


def label_price(curve: Curve, prices: PriceList, already: Mapping[str, int] | None = None) -> LabelPrice:
    """Price of a curve's labels.

    Args:
        curve: whose purchase is priced.
        prices: of the levels.
        already: labels that are owned, by level.
    """
    owned = already or {}
    lower = curve.key.lower
    levels = prices.accurate, lower.cheap_level or prices.cheap, lower.intermediate_level
    return LabelPrice(prices, curve.purchase, lower, *(owned.get(level, 0) for level in levels))
