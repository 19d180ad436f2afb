"""What the labels of a curve cost at any budget: read off the table, where every row was priced by what it really used.

Strategies differ in what they pay for on the cheap side: labels and sampling of n_cheap frames, sampling alone
(`asteroid_unlabelled`), or one cheap label for each accurate one (`gdml_delta`). No rule for that stands here; the
column cost_cheap_cpu_s knows, and is linear in the budget.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from analysis.curves.curves import Curve
    from study.prices import PriceList


@dataclass(frozen=True)
class LabelPrice:
    """Price of the labels of one curve, linear in the number of accurate labels, CPU seconds.

    Attributes:
        accurate_cpu_s: each accurate label.
        cheap_fixed_cpu_s: cheap frames bought whatever the budget.
        cheap_each_cpu_s: cheap labels that come with each accurate label.
        owned_accurate: accurate labels that are there already and cost nothing.
        owned_cheap: cheap frames that are there already; not those of the geometries of accurate labels.
        n_cheap: cheap frames that the curve needs.
    """

    accurate_cpu_s: float
    cheap_fixed_cpu_s: float
    cheap_each_cpu_s: float
    owned_accurate: int = 0
    owned_cheap: int = 0
    n_cheap: int = 0

    def accurate(self, n_accurate: float) -> float:
        """CPU seconds of the accurate labels that are not owned."""
        return self.accurate_cpu_s * max(n_accurate - self.owned_accurate, 0.0)

    def cheap(self, n_accurate: float) -> float:
        """CPU seconds on the cheap side at this budget."""
        bought = max(1 - self.owned_cheap / self.n_cheap, 0.0) if self.n_cheap else 1.0
        return self.cheap_fixed_cpu_s * bought + self.cheap_each_cpu_s * n_accurate

    def total(self, n_accurate: float) -> float:
        """CPU seconds of all labels at this budget."""
        return self.accurate(n_accurate) + self.cheap(n_accurate)

    def affordable(self, budget_cpu_s: float) -> float:
        """The most accurate labels for a price; negative where not even the cheap frames can be paid."""
        left = budget_cpu_s - self.cheap(0.0)
        if left < 0:
            return -1.0
        # Labels that are owned still need their cheap label where each accurate label comes with one.
        owned = float(self.owned_accurate)
        if self.cheap_each_cpu_s * owned > left:
            return left / self.cheap_each_cpu_s
        each = self.accurate_cpu_s + self.cheap_each_cpu_s
        return owned + (left - self.cheap_each_cpu_s * owned) / each if each > 0 else np.inf

    def with_cheap_frames(self, run: int, wanted: int) -> LabelPrice:
        """The price of the same strategy with another number of cheap frames than was run."""
        return replace(self, cheap_fixed_cpu_s=self.cheap_fixed_cpu_s * wanted / run, n_cheap=wanted)


def label_price(curve: Curve, prices: PriceList, already: Mapping[str, int] | None = None) -> LabelPrice:
    """Price of a curve's labels.

    Args:
        curve: with `cheap_cpu_s`, what the table says each run paid on the cheap side. Where no run says so, each of
            n_cheap frames is priced with label and sampling.
        prices: of the accurate level, and of the cheap one where the table is silent.
        already: labels that are owned, by level.
    """
    owned = {
        "owned_accurate": (already or {}).get(prices.accurate, 0),
        "owned_cheap": (already or {}).get(prices.cheap, 0),
        "n_cheap": curve.key.n_cheap,
    }
    each = prices.accurate_cpu_s(1)
    known = np.isfinite(curve.cheap_cpu_s)
    if not known.any():
        return LabelPrice(each, prices.cheap_cpu_s(curve.key.n_cheap, curve.key.n_cheap), 0.0, **owned)
    budget, paid = curve.budget[known].astype(float), curve.cheap_cpu_s[known]
    if len(set(budget)) > 1:
        slope, start = np.polyfit(budget, paid, 1)
    elif curve.key.n_cheap or not budget[0]:
        slope, start = 0.0, paid.mean()
    else:
        slope, start = paid.mean() / budget[0], 0.0
    # A straight line through equal numbers leaves rounding behind.
    tiny = 1e-9 * float(np.abs(paid).max())
    if abs(slope) * budget.max() <= tiny:
        slope, start = 0.0, paid.mean()
    return LabelPrice(each, float(start) if abs(start) > tiny else 0.0, float(slope), **owned)


def reprice(table: pd.DataFrame, listed: PriceList, prices: PriceList) -> pd.DataFrame:
    """The same table at other prices.

    The number of cheap labels of a row follows from its cost at the listed prices: what is left after the sampling of
    its n_cheap frames.

    Args:
        table: results table.
        listed: prices that the table was written with.
        prices: those wanted.

    Returns:
        A copy with cost_accurate_cpu_s and cost_cheap_cpu_s changed; costs that were missing stay missing.
    """
    before, after = listed.levels[listed.cheap], prices.levels[prices.cheap]
    paid, frames = table["cost_cheap_cpu_s"].astype(float), table["n_cheap"].astype(float)
    # Labels that cost nothing leave no trace: then every cheap frame counts as labelled.
    labels = (paid - frames * before.sampling_cpu_s) / before.label_cpu_s if before.label_cpu_s > 0 else frames
    cheap = (labels * after.label_cpu_s + frames * after.sampling_cpu_s).where(paid.notna())
    accurate = table["budget"].astype(float) * prices.accurate_cpu_s(1)
    return table.assign(
        cost_cheap_cpu_s=paid if before == after else cheap,
        cost_accurate_cpu_s=accurate.where(table["cost_accurate_cpu_s"].notna()),
    )
