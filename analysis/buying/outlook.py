"""What other targets and prices would take, from the out-of-fold errors of a purchase.

The posterior of each strategy's error at more labels than are owned, freed of the bias of choosing the best, as in the
decisions of the purchase; no further than they look ahead.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.buying.decide import farthest_labels, label_cpu_s
from analysis.buying.decision import Wish
from analysis.buying.looks import looks_of
from analysis.buying.noise_law import NoiseLaw
from analysis.buying.posterior import error_posterior
from analysis.buying.prior import learnt_prior
from analysis.buying.race import without_selection_bias
from analysis.names import at_least_percent, display_level, duration
from asteroid.errors import InputError
from asteroid.measured_errors import a_mae_in, error_unit

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.buying.posterior import ErrorPosterior
    from analysis.buying.prior import CurvePrior
    from analysis.curves.curve_key import CurveKey
    from study.prices import PriceList


@dataclass(frozen=True)
class Way:
    """A strategy with a number of labels. Errors in eV/Å.

    Attributes:
        key: strategy and settings.
        n_labels: accurate labels in all.
        n_more: of these, labels that are not owned yet.
        cost_cpu_s: price of these, with the cheap labels that go with them.
        error_ev_ang: force MAE of the model of all labels, median.
        low_ev_ang: 5 % quantile.
        high_ev_ang: 95 % quantile.
        probability: that it meets the target; NaN where none was given.
        promised: whether that is enough; without a target, always.
    """

    key: CurveKey
    n_labels: int
    n_more: int
    cost_cpu_s: float
    error_ev_ang: float
    low_ev_ang: float
    high_ev_ang: float
    probability: float
    promised: bool

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        chance = None if math.isnan(self.probability) else self.probability
        return asdict(self) | {"key": self.key.to_json(), "probability": chance}


@dataclass(frozen=True, eq=False)
class Ahead:
    """Posteriors of all strategies of the newest look at numbers of labels, those owned first.

    Attributes:
        owned: accurate labels owned.
        n: numbers of labels, rising, [T].
        posteriors: of the error at these, the bias of choosing the best taken out.
        prices: of the levels.
    """

    owned: int
    n: NDArray[np.float64]
    posteriors: dict[CurveKey, ErrorPosterior]
    prices: PriceList

    def way(self, key: CurveKey, at: int, probability: float = math.nan, promised: bool = True) -> Way:
        """A strategy at the place `at` of n."""
        low, middle, high = self.posteriors[key].interval_ev_ang(at)
        more = int(self.n[at]) - self.owned
        cost = more * label_cpu_s(key, self.owned, self.prices)
        return Way(key, int(self.n[at]), more, cost, middle, low, high, probability, promised)


def ways_to_target(
    table: pd.DataFrame,
    prices: PriceList,
    target_ev_ang: float,
    confidence: float = 0.9,
    prior: CurvePrior | None = None,
) -> list[Way]:
    """The fewest labels with which each strategy meets a target, the cheapest way first.

    A strategy that cannot promise it stands with the most labels that are considered.

    Args:
        table: out-of-fold errors of all looks of a purchase (`study.tables.out_of_fold`).
        prices: of the levels.
        target_ev_ang: force MAE to meet, eV/Å.
        confidence: probability with which it must be met.
        prior: of the curves; by default the learnt one.

    Raises:
        InputError: the target is not positive, the confidence not between .5 and .99, or there is nothing to go by.
    """
    wish = Wish(target_ev_ang, confidence)
    ahead = ahead_of(table, prices, prior)
    ways = []
    for key, posterior in ahead.posteriors.items():
        chances = posterior.probability(math.log(wish.target_ev_ang))
        enough = np.flatnonzero(chances >= wish.confidence)
        at = int(enough[0]) if len(enough) else len(ahead.n) - 1
        ways.append(ahead.way(key, at, float(chances[at]), promised=bool(len(enough))))
    return sorted(ways, key=lambda way: (not way.promised, way.cost_cpu_s if way.promised else -way.probability))


def ways_for_price(
    table: pd.DataFrame, prices: PriceList, budget_cpu_s: float, prior: CurvePrior | None = None
) -> list[Way]:
    """The error that each strategy would have if a price were spent on more labels, the smallest first.

    Args:
        table: as for `ways_to_target`.
        prices: of the levels.
        budget_cpu_s: CPU seconds.
        prior: as for `ways_to_target`.

    Raises:
        InputError: the price is not positive, or there is nothing to go by.
    """
    if not budget_cpu_s > 0:
        raise InputError(f"a price to spend must be positive, found {budget_cpu_s:g} s: give for instance 2h")
    ahead = ahead_of(table, prices, prior)
    ways = []
    for key in ahead.posteriors:
        more = budget_cpu_s / max(label_cpu_s(key, ahead.owned, prices), 1e-9)
        ways.append(ahead.way(key, int(np.searchsorted(ahead.n, ahead.owned + more, side="right")) - 1))
    return sorted(ways, key=lambda way: way.error_ev_ang)


def ahead_of(table: pd.DataFrame, prices: PriceList, prior: CurvePrior | None = None) -> Ahead:
    """What is known of every number of labels from those owned on.

    Raises:
        InputError: there is nothing to go by.
    """
    looks = looks_of(table)
    owned = next(iter(looks.values())).newest
    n = np.arange(owned, farthest_labels(owned) + 1, dtype=float)
    known = [error_posterior(own, n, prior or learnt_prior(), NoiseLaw()) for own in looks.values()]
    return Ahead(owned, n, dict(zip(looks, without_selection_bias(known), strict=True)), prices)


def chance_at_looks(
    table: pd.DataFrame, log_targets: NDArray[np.float64], prior: CurvePrior | None = None
) -> list[tuple[int, NDArray[np.float64]]]:
    """What was known at every look of the labels owned then: P(the best strategy meets each target), which stops.

    Args:
        table: as for `ways_to_target`.
        log_targets: logs of targets in eV/Å, [t].
        prior: as for `ways_to_target`.

    Returns:
        Labels owned and probabilities [t] of each look, in order.
    """
    found = []
    for owned in sorted(table.loc[table["n_folds"] > 1, "n_labels"].unique().tolist()):
        looks = looks_of(table[table["n_labels"] <= owned])
        now = np.array([float(owned)])
        known = [error_posterior(own, now, prior or learnt_prior(), NoiseLaw()) for own in looks.values()]
        met = [[own.probability(float(log))[0] for log in log_targets] for own in without_selection_bias(known)]
        found.append((int(owned), np.array(met).max(axis=0)))
    return found


def explain_target(ways: list[Way], level: str, target_ev_ang: float, confidence: float, force_unit: str) -> list[str]:
    """What a target takes, in words.

    Raises:
        InputError: the unit is not known.
    """
    target = f"{target_ev_ang / error_unit(force_unit):.3g} {force_unit}"
    if not ways[0].promised:
        lines = [f"Cannot be promised from this purchase: {target} with a probability of at least {confidence:.0%}."]
    else:
        lines = [f"Cheapest way to {a_mae_in(force_unit)} of {target} with a probability of at least {confidence:.0%}:"]
    for way in ways:
        chance = f"probability {at_least_percent(way.probability)}%"
        if way.promised:
            lines.append(f"  {_sentence(way, level, force_unit)}; {chance}.")
        else:
            lines.append(f"  {way.key.label()}: not with {way.n_labels:,} labels, {chance}.")
    return [*lines, _MEASURED]


def explain_price(ways: list[Way], level: str, budget_cpu_s: float, force_unit: str) -> list[str]:
    """What a price buys, in words.

    Raises:
        InputError: the unit is not known.
    """
    lines = [f"For {duration(budget_cpu_s)} of CPU:"]
    return [*lines, *(f"  {_sentence(way, level, force_unit)}." for way in ways), _MEASURED]


_MEASURED = "Errors are cross-validated inside the labels owned; beyond them they rest on the learning curve going on."


def _sentence(way: Way, level: str, force_unit: str) -> str:
    unit = error_unit(force_unit)
    low, middle, high = (v / unit for v in (way.low_ev_ang, way.error_ev_ang, way.high_ev_ang))
    if way.n_more:
        labels = f"{way.n_labels:,} labels of {display_level(level)}, {way.n_more:,} more than are owned"
        labels += f" ({duration(way.cost_cpu_s)})"
    else:
        labels = f"the {way.n_labels:,} labels owned"
    return f"{way.key.label()}: {labels}; error {middle:.3g} [{low:.3g}, {high:.3g}] {force_unit}"
