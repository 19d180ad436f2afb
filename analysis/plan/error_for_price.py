"""The other way round: the smallest error that a price buys."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.caveats import Caveat, those_that_hold
from analysis.curves.evidence import most_labels, new_run_draws
from analysis.plan.conditions import conditions_of
from analysis.plan.pricing import label_price
from asteroid.errors import InputError
from asteroid.measured_errors import Measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.curves.curve_key import CurveKey
    from analysis.curves.evidence import Evidence
    from analysis.plan.conditions import Conditions
    from analysis.plan.run_evidence import RunEvidence
    from study.prices import PriceList

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class PriceOption:
    """One curve with the most accurate labels that the price pays and the curve may speak about.

    Attributes:
        label: the curve's name for people.
        key: of the curve.
        n_accurate: accurate labels, those owned included.
        cost_cpu_s: price of the labels to buy.
        use_cpu_s: price of the declared MD steps; NaN: not measured.
        error_ev_ang: median, 5 % and 95 % quantile of the force MAE of one new run, eV/Å.
        mean_log_error: what options are ranked by: mean of the log of that error in eV/Å.
        status: caveats.
    """

    label: str
    key: CurveKey
    n_accurate: int
    cost_cpu_s: float
    use_cpu_s: float
    error_ev_ang: tuple[float, float, float]
    mean_log_error: float
    status: tuple[Caveat, ...]


@dataclass(frozen=True)
class PricePlan:
    """What to buy for a price.

    Attributes:
        budget_cpu_s: the price, labels and declared use together.
        prices: the prices used.
        choice: the option with the smallest posterior mean of the log error; None: nothing can be paid.
        alternatives: the best of every other strategy that can be paid, best first.
        run_caveats: of the whole run.
        measured: what the errors are of.
    """

    budget_cpu_s: float
    prices: PriceList
    choice: PriceOption | None
    alternatives: tuple[PriceOption, ...]
    run_caveats: tuple[Caveat, ...] = ()
    measured: Measured = Measured.FORCES

    @property
    def status(self) -> tuple[Caveat, ...]:
        """Caveats of the run and of the choice (`nothing_affordable` where there is none)."""
        return (*self.run_caveats, *(self.choice.status if self.choice else (Caveat.NOTHING_AFFORDABLE,)))

    def to_json(self) -> dict[str, Any]:
        """Plain data, documented in docs/plan.md."""
        return {
            "schema_version": SCHEMA_VERSION,
            "budget_cpu_s": self.budget_cpu_s,
            "choice": _json(self.choice, self.measured) if self.choice else None,
            "status": list(self.status),
            "alternatives": [_json(option, self.measured) for option in self.alternatives],
            "prices": self.prices.to_json(),
        }


def plan_price(
    run: RunEvidence, budget_cpu_s: float, *, already: Mapping[str, int] | None = None, md_steps: float = 0.0
) -> PricePlan:
    """Find the mix of labels with the smallest error for a price: the posterior mean of its log, for one new run.

    Args:
        run: what is known.
        budget_cpu_s: price of all labels and of the declared use.
        already: labels that are owned and cost nothing, by level.
        md_steps: steps of molecular dynamics that the model is for.

    Raises:
        InputError: a price that is not positive and finite, labels of an unknown level, or an unusable table.
    """
    if not (math.isfinite(budget_cpu_s) and budget_cpu_s > 0):
        raise InputError(f"a price must be positive, found {budget_cpu_s:g} s: give the CPU time that may be spent")
    conditions = conditions_of(run, already, md_steps)
    options = [
        option
        for label, evidence in run.competing.items()
        if (option := _afford(evidence, label, conditions, budget_cpu_s, run.seed)) is not None
    ]
    best = {
        way: min((o for o in options if o.key.way == way), key=_rank)
        for way in dict.fromkeys(o.key.way for o in options)
    }
    ranked = sorted(best.values(), key=_rank)
    return PricePlan(
        budget_cpu_s, run.prices, ranked[0] if ranked else None, tuple(ranked[1:]), run.caveats, run.measured
    )


def _afford(
    evidence: Evidence, label: str, conditions: Conditions, budget_cpu_s: float, seed: int
) -> PriceOption | None:
    curve = evidence.curve
    price = label_price(curve, conditions.prices, conditions.already)
    use_cpu_s = conditions.use_cpu_s(curve)
    payable = price.affordable(budget_cpu_s - (0.0 if math.isnan(use_cpu_s) else use_cpu_s))
    # Rounding must not take a label away that the price pays to the second.
    n = most_labels(evidence, payable + 1e-9)
    if n is None:
        return None
    draws = new_run_draws(evidence, n, seed=seed)
    low, median, high = np.exp(np.quantile(draws, [0.05, 0.5, 0.95]))
    own_caveats = {
        Caveat.EXTRAPOLATED: n > int(curve.budget.max()),
        Caveat.TRAINING_LIMIT: n > int(curve.budget.max()) and curve.near_training_error(float(median)),
        Caveat.BEYOND_POOL: conditions.pool is not None and n > conditions.pool,
        Caveat.USE_NOT_MEASURED: math.isnan(use_cpu_s),
    }
    return PriceOption(
        label=label,
        key=curve.key,
        n_accurate=n,
        cost_cpu_s=price.total(n),
        use_cpu_s=use_cpu_s,
        error_ev_ang=(float(median), float(low), float(high)),
        mean_log_error=float(draws.mean()),
        status=(*evidence.status, *those_that_hold(own_caveats)),
    )


def _rank(option: PriceOption) -> tuple[float, float]:
    return option.mean_log_error, option.cost_cpu_s


def _json(option: PriceOption, measured: Measured) -> dict[str, Any]:
    median, low, high = option.error_ev_ang
    return {
        "label": option.label,
        **option.key.to_json(),
        "n_accurate": option.n_accurate,
        "cost_cpu_s": option.cost_cpu_s,
        "use_cpu_s": option.use_cpu_s if math.isfinite(option.use_cpu_s) else None,
        measured.field: {"median": median, "p5": low, "p95": high},
        "status": list(option.status),
    }
