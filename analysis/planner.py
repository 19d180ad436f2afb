"""The planner: the cheapest strategy and numbers of labels that meet a target error with a given probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.curves import competing_curves, curves_of, labels_of
from analysis.pricing import label_price
from analysis.promise import Evidence, evidence_of, labels_needed
from analysis.strategies import strategy_of
from asteroid.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from study.costs import PriceList

SCHEMA_VERSION = 1
#: The interval of numbers of labels and of prices.
INTERVAL = (0.05, 0.95)
MIN_CONFIDENCE, MAX_CONFIDENCE = 0.5, 0.99


@dataclass(frozen=True)
class Option:
    """One curve, priced at the smallest number of accurate labels that meets the target.

    Attributes:
        label: the curve's name for people.
        strategy: the curve's strategy,
        gamma_rel: its relative bias-weight temperature (NaN: none),
        schedule: its fine-tune schedule, and
        n_cheap: its number of cheap frames.
        n_accurate: accurate labels to buy, training and validation together. Where the option cannot be promised: the
            largest number that this curve may speak about.
        probability: that one new run with n_accurate labels meets the target.
        promised: whether that reaches the confidence asked for.
        p_never: probability that no number of labels is enough (a floor, or an unfitted curve's budgets).
        accurate_cpu_s: price of the accurate labels.
        cheap_cpu_s: price of the cheap labels and frames that go with them.
        use_cpu_s_per_frame: CPU seconds to predict one frame, the cheap method's included where that must run; NaN:
            not measured; no part of the price.
        training_core_s: core seconds to train one such chain, measured at `training_at_budget` labels; no part of it.
        training_at_budget: the budget of the sweep that is nearest to n_accurate.
        interval_n: numbers of labels with which a new run meets the target with 5 % and 95 % probability; None beyond
            what the curve may speak about.
        interval_cpu_s: the price of these.
        largest_budget: largest budget that was run.
        status: doubts: those of the curve and its fit, and `extrapolated` (beyond the largest budget),
            `smallest_budget` (fewer labels than any that were run might do), `beyond_pool` (more labels than the set
            has), `overlapping_subsets` (the largest budget is over half of the pool), `cannot_be_promised`.
    """

    label: str
    strategy: str
    gamma_rel: float
    schedule: str
    n_cheap: int
    n_accurate: int
    probability: float
    promised: bool
    p_never: float
    accurate_cpu_s: float
    cheap_cpu_s: float
    training_core_s: float
    training_at_budget: int
    use_cpu_s_per_frame: float
    interval_n: tuple[int | None, int | None]
    interval_cpu_s: tuple[float | None, float | None]
    largest_budget: int
    status: tuple[str, ...]

    @property
    def cost_cpu_s(self) -> float:
        """Price of all labels."""
        return self.accurate_cpu_s + self.cheap_cpu_s


@dataclass(frozen=True)
class Plan:
    """A recommendation.

    Attributes:
        target_ev_ang: force MAE to meet, eV/Å.
        confidence: with at least this probability.
        prices: the prices used.
        choice: the cheapest option that can be promised; None: no curve of this sweep can promise the target.
        alternatives: the best option of every other strategy, promised ones first, by price; then by probability.
        n_test: accurate test labels that the errors were measured with, outside the price.
        status: doubts about the choice (`cannot_be_promised` where there is none); empty: no doubts.
    """

    target_ev_ang: float
    confidence: float
    prices: PriceList
    choice: Option | None
    alternatives: tuple[Option, ...]
    n_test: int
    status: tuple[str, ...]

    @property
    def runner_up(self) -> Option | None:
        """The best promised option of another strategy."""
        return next((option for option in self.alternatives if option.promised), None)

    @property
    def saving(self) -> tuple[float | None, float] | None:
        """Price of `accurate_only` over (None: the choice costs nothing) and minus that of the choice, in CPU seconds.

        None where there is no choice or `accurate_only` cannot be promised.
        """
        options = [self.choice, *self.alternatives]
        base = next((o for o in options if o is not None and o.promised and o.strategy == "accurate_only"), None)
        if base is None or self.choice is None:
            return None
        cost = self.choice.cost_cpu_s
        return base.cost_cpu_s / cost if cost > 0 else None, base.cost_cpu_s - cost

    def to_json(self) -> dict[str, Any]:
        """Plain data; the choice's fields are null where nothing can be promised, gamma_rel "inf" means no weights."""
        nothing = dict.fromkeys(_option_json(self.alternatives[0])) | {"promised": False} if not self.choice else {}
        return {
            "schema_version": SCHEMA_VERSION,
            **(_option_json(self.choice) if self.choice else nothing),
            "status": list(self.status),
            "target": {"force_mae_ev_ang": self.target_ev_ang},
            "confidence": self.confidence,
            "saving_against_accurate_only": (
                {"factor": self.saving[0], "cpu_s": self.saving[1]} if self.saving else None
            ),
            "evaluation": {"n_test": self.n_test, "cpu_s": self.prices.accurate_cpu_s(self.n_test)},
            "prices": self.prices.to_json(),
            "alternatives": [_option_json(option) for option in self.alternatives],
        }


def plan_target(
    table: pd.DataFrame,
    prices: PriceList,
    target_ev_ang: float,
    confidence: float = 0.9,
    *,
    pool: int | None = None,
    rows_expected: int | None = None,
    seed: int = 0,
) -> Plan:
    """Find the cheapest mix of labels with P(force MAE of one new run <= target) >= confidence.

    The curves of the table compete (`curves.competing_curves`), each at the smallest number of accurate labels
    (training and validation together) that meets the target. Choosing by the median would miss the target in about
    half of the cases. Never less than the smallest budget that was run, and never more than four times the largest.

    Args:
        table: results table.
        prices: of the accurate level; the cheap side is priced by the table itself (`pricing.reprice` gives it others).
        target_ev_ang: force MAE to meet, eV/Å.
        confidence: between .5 and .99.
        pool: accurate labels that the sweep's set has for buying, where known.
        rows_expected: rows of the finished sweep, where known: fewer rows are a doubt about the whole answer.
        seed: of the posterior draws.

    Raises:
        InputError: a target that is not positive and finite, a confidence out of range, or an unusable table.
    """
    if not (math.isfinite(target_ev_ang) and target_ev_ang > 0):
        raise InputError(f"a target error must be positive, found {target_ev_ang:g}: give the error that is acceptable")
    if not MIN_CONFIDENCE <= confidence <= MAX_CONFIDENCE:
        raise InputError(f"a confidence lies between {MIN_CONFIDENCE} and {MAX_CONFIDENCE}, found {confidence:g}")
    curves = competing_curves(curves_of(table))
    options = [
        _option(evidence_of(curve, seed=seed), label, prices, target_ev_ang, confidence, pool, seed)
        for curve, label in zip(curves, labels_of(curves), strict=True)
    ]
    best = {
        strategy: min((o for o in options if o.strategy == strategy), key=_rank)
        for strategy in dict.fromkeys(o.strategy for o in options)
    }
    ranked = sorted(best.values(), key=_rank)  # keeps the order of curves, simplest strategy first, among equals
    choice = ranked[0] if ranked[0].promised else None
    doubts = ("unfinished_run",) if rows_expected is not None and len(table) < rows_expected else ()
    return Plan(
        target_ev_ang=target_ev_ang,
        confidence=confidence,
        prices=prices,
        choice=choice,
        alternatives=tuple(option for option in ranked if option is not choice),
        n_test=int(table["n_test"].max()),
        status=doubts + (choice.status if choice else ("cannot_be_promised",)),
    )


def _rank(option: Option) -> tuple[float, ...]:
    """Among equal prices fewer accurate labels, then the surer option; last, the order of curves: simplest first."""
    if option.promised:
        return 0, option.cost_cpu_s, option.n_accurate, -option.probability
    return 1, -option.probability, option.cost_cpu_s


def _option(
    evidence: Evidence,
    label: str,
    prices: PriceList,
    target_ev_ang: float,
    confidence: float,
    pool: int | None,
    seed: int,
) -> Option:
    curve = evidence.curve
    needed = labels_needed(evidence, target_ev_ang, seed=seed)
    smallest, largest = int(curve.budget.min()), int(curve.budget.max())

    def whole(probability: float) -> int | None:
        """Smallest whole number of labels within the curve's range, None beyond it."""
        n = needed.quantile(probability)
        return max(math.ceil(n), smallest) if n <= evidence.limit else None

    found = whole(confidence)
    n_accurate = math.floor(evidence.limit) if found is None else found
    interval = (whole(INTERVAL[0]), whole(INTERVAL[1]))
    nearest = int(curve.budget[np.argmin(np.abs(curve.budget - n_accurate))])
    doubts = {
        "extrapolated": n_accurate > largest,
        "smallest_budget": found is not None and n_accurate == smallest > 0,
        "beyond_pool": pool is not None and n_accurate > pool,
        "overlapping_subsets": pool is not None and largest > pool / 2,
        "cannot_be_promised": found is None,
    }
    price = label_price(curve, prices)
    low, high = (None if n is None else price.total(n) for n in interval)
    return Option(
        label=label,
        strategy=curve.strategy,
        gamma_rel=curve.gamma_rel,
        schedule=curve.schedule,
        n_cheap=curve.n_cheap,
        n_accurate=n_accurate,
        probability=needed.probability(n_accurate),
        promised=found is not None,
        p_never=needed.p_never,
        accurate_cpu_s=prices.accurate_cpu_s(n_accurate),
        cheap_cpu_s=price.cheap(n_accurate),
        training_core_s=float(np.median(curve.train_core_s[curve.budget == nearest])),
        training_at_budget=nearest,
        use_cpu_s_per_frame=curve.use_cpu_s_per_frame,
        interval_n=interval,
        interval_cpu_s=(low, high),
        largest_budget=largest,
        status=(*evidence.status, *(name for name, doubtful in doubts.items() if doubtful)),
    )


def _option_json(option: Option) -> dict[str, Any]:
    gamma = option.gamma_rel
    return {
        "label": option.label,
        "strategy": option.strategy,
        "gamma_rel": None if math.isnan(gamma) else ("inf" if math.isinf(gamma) else gamma),
        "schedule": option.schedule,
        "n_accurate": option.n_accurate,
        "n_cheap": option.n_cheap,
        "cost": {
            "total_cpu_s": option.cost_cpu_s,
            "accurate_cpu_s": option.accurate_cpu_s,
            "cheap_cpu_s": option.cheap_cpu_s,
            "training_core_s": option.training_core_s if math.isfinite(option.training_core_s) else None,
        },
        "use": {
            "cpu_s_per_frame": option.use_cpu_s_per_frame if math.isfinite(option.use_cpu_s_per_frame) else None,
            "runs_cheap_method": strategy_of(option.strategy).runs_cheap_method,
        },
        "interval": {
            "probability": list(INTERVAL),
            "n_accurate": list(option.interval_n),
            "cost_cpu_s": list(option.interval_cpu_s),
        },
        "probability": option.probability,
        "p_never": option.p_never,
        "promised": option.promised,
        "status": list(option.status),
    }
