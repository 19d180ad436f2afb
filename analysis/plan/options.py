"""Options of a plan: a curve, or a point between curves (`plan.between`), priced where it meets the target."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from analysis.caveats import Caveat, those_that_hold
from analysis.curves.evidence import labels_needed_for_each
from analysis.plan.pricing import label_price
from study.strategies import strategy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from analysis.curves.curve_key import CurveKey
    from analysis.curves.curves import Curve
    from analysis.plan.conditions import Conditions, Target
    from analysis.plan.pricing import LabelPrice
    from analysis.plan.run_evidence import RunEvidence

#: The interval of numbers of labels and of prices.
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True)
class Option:
    """One curve, priced at the smallest number of accurate labels that meets the target.

    Attributes:
        label: the curve's name for people.
        key: of the curve.
        n_accurate: accurate labels to buy, training and validation together. Where the option cannot be promised: the
            largest number that this curve may speak about.
        probability: that one new run with n_accurate labels meets the target.
        promised: whether that reaches the confidence asked for.
        p_never: probability that no number of labels is enough (a floor, or an unfitted curve's budgets).
        accurate_cpu_s: price of the accurate labels.
        cheap_cpu_s: price of all that goes with them of the levels below.
        intermediate_cpu_s: of it, the labels of an intermediate level.
        use_cpu_s_per_frame: CPU seconds to predict one frame, the cheap method's included where that must run; NaN:
            not measured.
        use_cpu_s: the same for all MD steps that were declared; no part of the price of the labels, but of the choice.
        training_core_s: core seconds to train one such chain, measured at `training_at_budget` labels; no part of it.
        training_at_budget: the budget of the sweep that is nearest to n_accurate.
        interval_n: numbers of labels with which a new run meets the target with 5 % and 95 % probability; None beyond
            what the curve may speak about.
        interval_cpu_s: the price of these.
        largest_budget: largest budget that was run.
        status: caveats: those of the curve and its fit, and `extrapolated` (beyond the largest budget),
            `training_limit` (and the target is near what is left of the training labels), `smallest_budget` (fewer
            labels than any that were run might do), `beyond_pool` (more labels than the set has), `overlapping_subsets`
            (the largest budget is over half of the pool), `use_not_measured` (though MD steps were declared),
            `interpolated_cheap` (n_cheap was not run: the answer rests on the surface), `interpolated_count` (it rests
            on the curves of the numbers on either side), `cannot_be_promised`.
    """

    label: str
    key: CurveKey
    n_accurate: int
    probability: float
    promised: bool
    p_never: float
    accurate_cpu_s: float
    cheap_cpu_s: float
    intermediate_cpu_s: float
    training_core_s: float
    training_at_budget: int
    use_cpu_s_per_frame: float
    use_cpu_s: float
    interval_n: tuple[int | None, int | None]
    interval_cpu_s: tuple[float | None, float | None]
    largest_budget: int
    status: tuple[Caveat, ...]

    @property
    def cost_cpu_s(self) -> float:
        """Price of all labels."""
        return self.accurate_cpu_s + self.cheap_cpu_s

    @property
    def total_cpu_s(self) -> float:
        """Price of all labels and of the declared use: what options compete on; infinite where the use is not known."""
        return self.cost_cpu_s + (math.inf if math.isnan(self.use_cpu_s) else self.use_cpu_s)


class Needed(Protocol):
    """The posterior of the number of labels with which a new run meets the target (`power_law.LabelsNeeded`)."""

    @property
    def p_never(self) -> float:
        """Probability that no number of labels is enough."""

    def quantiles(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Smallest number of labels that meets the target with each probability, [m]; may be infinite."""

    def probabilities(self, n: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability that each number of labels meets the target, [m]."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """What an option is made of, whatever the target.

    Attributes:
        label: its name for people.
        key: of the option; its numbers of lower labels may differ from those of the curve.
        curve: whose runs stand for it.
        price: of its labels.
        needed: posteriors of the number of labels that meets each of several targets, eV/Å.
        limit: largest number of accurate labels that may be considered.
        status: caveats.
    """

    label: str
    key: CurveKey
    curve: Curve
    price: LabelPrice
    needed: Callable[[Iterable[float]], Iterator[Needed]]
    limit: float
    status: tuple[Caveat, ...]

    def labels(self, needed: Needed, probability: Sequence[float]) -> NDArray[np.int64]:
        """Smallest whole number of labels for a target with each probability, [m]; -1 beyond the curve's range."""
        exact = needed.quantiles(np.array(probability))
        within = exact <= self.limit
        whole = np.maximum(np.ceil(np.where(within, exact, 0.0)), self.curve.budget.min())
        return np.where(within, whole, -1).astype(np.int64)


def curve_candidates(run: RunEvidence, conditions: Conditions) -> list[Candidate]:
    """The competing curves."""
    candidates = []
    for label, evidence in run.competing.items():
        curve = evidence.curve
        needed = functools.partial(labels_needed_for_each, evidence, seed=run.seed)
        price = label_price(curve, conditions.prices, conditions.already)
        candidates.append(Candidate(label, curve.key, curve, price, needed, evidence.limit, evidence.status))
    return candidates


def option_of(candidate: Candidate, target: Target, conditions: Conditions) -> Option:
    """Price a candidate at the smallest number of accurate labels with which a new run meets the target."""
    curve, price = candidate.curve, candidate.price
    needed = next(candidate.needed([target.error_ev_ang]))
    smallest, largest = int(curve.budget.min()), int(curve.budget.max())

    found, early, late = (None if n < 0 else int(n) for n in candidate.labels(needed, (target.confidence, *INTERVAL)))
    n_accurate = math.floor(candidate.limit) if found is None else found
    interval = early, late
    nearest = int(curve.budget[np.argmin(np.abs(curve.budget - n_accurate))])
    use_cpu_s = conditions.use_cpu_s(curve)
    pool = math.inf if conditions.pool is None else conditions.pool
    own_caveats = {
        Caveat.EXTRAPOLATED: n_accurate > largest,
        Caveat.TRAINING_LIMIT: n_accurate > largest and curve.near_training_error(target.error_ev_ang),
        Caveat.SMALLEST_BUDGET: found is not None and n_accurate == smallest > 0,
        Caveat.BEYOND_POOL: n_accurate > pool,
        Caveat.OVERLAPPING_SUBSETS: largest > pool / 2,
        Caveat.USE_NOT_MEASURED: math.isnan(use_cpu_s),
        Caveat.CANNOT_BE_PROMISED: found is None,
    }
    low, high = (None if n is None else price.total(n) for n in interval)
    return Option(
        label=candidate.label,
        key=candidate.key,
        n_accurate=n_accurate,
        probability=float(needed.probabilities(np.array([float(n_accurate)]))[0]),
        promised=found is not None,
        p_never=needed.p_never,
        accurate_cpu_s=price.accurate(n_accurate),
        cheap_cpu_s=price.cheap(n_accurate),
        intermediate_cpu_s=price.intermediate(),
        training_core_s=float(np.median(curve.train_core_s[curve.budget == nearest])),
        training_at_budget=nearest,
        use_cpu_s_per_frame=curve.use_cpu_s_per_frame,
        use_cpu_s=use_cpu_s,
        interval_n=interval,
        interval_cpu_s=(low, high),
        largest_budget=largest,
        status=(*candidate.status, *those_that_hold(own_caveats)),
    )


def option_json(option: Option) -> dict[str, Any]:
    """An option as plain data."""
    return {
        "label": option.label,
        **option.key.to_json(),
        "n_accurate": option.n_accurate,
        "cost": {
            "total_cpu_s": option.cost_cpu_s,
            "accurate_cpu_s": option.accurate_cpu_s,
            "cheap_cpu_s": option.cheap_cpu_s,
            "training_core_s": option.training_core_s if math.isfinite(option.training_core_s) else None,
        },
        "use": {
            "cpu_s_per_frame": option.use_cpu_s_per_frame if math.isfinite(option.use_cpu_s_per_frame) else None,
            "total_cpu_s": option.use_cpu_s if math.isfinite(option.use_cpu_s) else None,
            "runs_cheap_method": strategy_of(option.key.strategy).runs_cheap_method,
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
