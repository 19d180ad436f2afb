"""Whether more labels of the level between pay, before they are bought: what strategies would do with them, priced.

A strategy of a ladder with m labels of the level between is known by its looks. With m' > m its errors are taken to be

    err(n, m') = err(n, m) (m' / m)^-beta,    beta ~ Normal(mean, sd),

with the mean and spread of what ladders of methanol and formaldehyde showed (networks 0 to .15, kernels .4 to .5), and
of what its own looks with two numbers of these labels tell, where there are two. The decision is then asked again as if
these looks were there, for three slopes that stand for the normal (Gauss-Hermite). With p the price of a label, c of a
look, V the expected cost from here to the end without and q the chance that the target is met with the most labels that
are considered, V_i and q_i with them,

    cost(m') = (m' - m) p + c + sum_i w_i V_i,    chance(m') = sum_i w_i q_i,

where V and q stand for a slope with which nothing has been gained: nobody must go on with what has not helped. What
counts is the cost of a success, cost / chance (a purchase that may buy little ends cheaply, without what was wanted).
The number for which it is smallest is bought, if that is under V / q.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import pandas as pd

from analysis.curves.curve_key import CURVE_COLUMNS, CurveKey
from study.tables.levels import with_levels

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from analysis.buying.decision import Decision
    from study.prices import PriceList

#: Slope of the error in labels of the level between, before it is seen.
_SLOPE, _SLOPE_SD = 0.2, 0.2
#: Chance below which nothing is bought, as for accurate labels.
_LEAST_CHANCE = 0.1
#: Slopes that stand for a normal distribution, in standard deviations from its mean, and their weights.
_NODES = ((-math.sqrt(3), 1 / 6), (0.0, 2 / 3), (math.sqrt(3), 1 / 6))


class DecideOn(Protocol):
    """Decides on out-of-fold errors, with the looks that a strategy would have as if it had had them."""

    def __call__(self, table: pd.DataFrame, like: Mapping[CurveKey, CurveKey], spent_cpu_s: float) -> Decision:
        """What would be decided.

        Args:
            table: out-of-fold errors.
            like: strategies that were never trained -> those whose looks cost as much.
            spent_cpu_s: CPU seconds that would have been spent before.
        """
        ...


@dataclass(frozen=True)
class Joining:
    """Labels of the level between that pay.

    Attributes:
        keys: strategies that are trained with them.
        n_labels: how many are owned then.
        n_more: of these, those that are bought now.
        expected_cpu_s: expected cost from now to the end, these labels included.
        chance: that the target is met then, with the most accurate labels that are considered.
    """

    keys: tuple[CurveKey, ...]
    n_labels: int
    n_more: int
    expected_cpu_s: float
    chance: float

    @property
    def cost_of_success(self) -> float:
        """Expected cost over the chance."""
        return self.expected_cpu_s / self.chance


@dataclass(frozen=True)
class Between:
    """What is known of the level between.

    Attributes:
        level: its name.
        n_owned: labels owned of it.
        waiting: strategies that need more of them.
        left_cpu_s: CPU seconds that may still be spent on labels.
    """

    level: str
    n_owned: int
    waiting: Collection[CurveKey]
    left_cpu_s: float = math.inf


def worth_joining(
    table: pd.DataFrame,
    prices: PriceList,
    now: Decision,
    between: Between,
    decide_on: DecideOn,
    look_core_s: Mapping[CurveKey, float],
) -> Joining | None:
    """The number of labels of the level between that makes the expected cost smallest; None: those owned.

    Args:
        table: out-of-fold errors of all looks so far.
        prices: of the levels.
        now: what is decided with the labels that are owned of the level between.
        between: what waits for more of them.
        decide_on: decides.
        look_core_s: core seconds of a look at each strategy that races.
    """
    if now.action == "stop":
        return None
    label_cpu_s = prices.levels[between.level].label_cpu_s
    without = _prospect(now)
    best: Joining | None = None
    for n_labels in sorted({key.lower.labels_of(between.level) for key in between.waiting}):
        n_more = n_labels - between.n_owned
        price = n_more * label_cpu_s
        known = _siblings(now, between, n_labels)
        if not known or price > between.left_cpu_s:
            continue
        look = sum(look_core_s.get(own[-1], 0.0) for own in known.values())
        like = {key: own[-1] for key, own in known.items()}
        slopes = {key: _slope(table, own, between.level) for key, own in known.items()}
        expected, chance = price + look, 0.0
        for place, weight in _NODES:
            grown = {key: max(mean + place * sd, 0.0) for key, (mean, sd) in slopes.items()}
            then = _prospect(decide_on(_as_if(table, like, grown, between.level), like, price + look))
            cost, met = min(then, without, key=_cost_of_success)
            expected, chance = expected + weight * cost, chance + weight * met
        if chance < _LEAST_CHANCE:
            continue
        found = Joining(tuple(known), n_labels, n_more, expected, chance)
        if found.cost_of_success < (_cost_of_success(without) if best is None else best.cost_of_success):
            best = found
    return best


class _Prospect(NamedTuple):
    """Expected cost from now to the end, CPU seconds, and the chance that the target is met; 0 and 0: given up."""

    cost: float
    chance: float


def _prospect(decision: Decision) -> _Prospect:
    if decision.action == "stop":
        return _Prospect(0.0, 1.0)
    if decision.action == "cannot":
        return _Prospect(0.0, 0.0)
    return _Prospect(decision.expected_cpu_s, decision.farthest.probability)


def _cost_of_success(prospect: _Prospect) -> float:
    return prospect.cost / prospect.chance if prospect.chance else math.inf


def _with_labels(key: CurveKey, level: str, n: int) -> CurveKey:
    return key.with_count("n_intermediate" if key.intermediate_level == level else "n_cheap", n)


def _siblings(now: Decision, between: Between, n_labels: int) -> dict[CurveKey, list[CurveKey]]:
    """Strategies that wait for so many labels, and the same ones with fewer that race, by number of these labels."""
    racing, found = set(now.racing), {}
    for key in sorted(between.waiting, key=lambda own: own.order):
        if key.lower.labels_of(between.level) != n_labels:
            continue
        numbers = sorted(own.lower.labels_of(between.level) for own in racing)
        fewer = [_with_labels(key, between.level, n) for n in dict.fromkeys(numbers) if 0 < n < n_labels]
        fewer = [own for own in fewer if own in racing]
        if fewer:
            found[key] = fewer
    return found


def _slope(table: pd.DataFrame, known: Sequence[CurveKey], level: str) -> tuple[float, float]:
    """Mean and standard deviation of the slope in labels of the level between."""
    if len(known) < 2:
        return _SLOPE, _SLOPE_SD
    errors = [_newest(table, key) for key in known[-2:]]
    span = math.log(known[-1].lower.labels_of(level) / known[-2].lower.labels_of(level))
    means = [float(own.mean()) for own in errors]
    # Paired by label: most of what makes a frame hard is the same for both.
    off = errors[1] / means[1] - errors[0] / means[0]
    seen, seen_sd = -math.log(means[1] / means[0]) / span, float(off.std(ddof=1)) / math.sqrt(len(off)) / span
    weight, prior = 1 / max(seen_sd, 1e-6) ** 2, 1 / _SLOPE_SD**2
    return (weight * seen + prior * _SLOPE) / (weight + prior), (weight + prior) ** -0.5


def _newest(table: pd.DataFrame, key: CurveKey) -> NDArray[np.float64]:
    """Errors of the labels at the newest look in the most folds, in the order of purchase."""
    own = table[key.rows_in(table) & (table["n_labels"] == table["n_labels"].max())]
    own = own[own["n_folds"] == own["n_folds"].max()]
    return np.asarray(own.groupby("label")["force_mae_ev_ang"].mean(), dtype=float)


def _as_if(
    table: pd.DataFrame, like: Mapping[CurveKey, CurveKey], slopes: Mapping[CurveKey, float], level: str
) -> pd.DataFrame:
    """The table with the looks that strategies would have had with more labels of the level between."""
    parts = [table]
    for key, known in like.items():
        rows = table[known.rows_in(table)]
        factor = (key.lower.labels_of(level) / known.lower.labels_of(level)) ** -slopes[key]
        columns = {name: getattr(key, name) for name in with_levels(CURVE_COLUMNS, table)}
        parts.append(rows.assign(**columns, force_mae_ev_ang=rows["force_mae_ev_ang"] * factor))
    return pd.concat(parts, ignore_index=True)
