"""Which runs to make next: those that say most, for their price, about where the target is met.

Where the fits are unsure whether a new run meets the target (probability between .1 and .95) and labels cost no more
than 1.5 times the present choice, a run at N would lower the variance of the log error at d by cov(N, d)^2 / (var(N) +
sigma^2). Runs are chosen one by one, each after the variance that those before it will have taken away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.curves.power_law import log_error_draws
from analysis.plan.pricing import label_price
from analysis.plan.target_plan import plan_target
from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from analysis.curves.curve_key import CurveKey
    from analysis.curves.evidence import Evidence
    from analysis.plan.run_evidence import RunEvidence

#: Probabilities of meeting the target between which a cell is undecided.
UNDECIDED = (0.1, 0.95)
#: Undecided cells that cost more than this times the present choice are left alone.
RELEVANT = 1.5
SCHEMA_VERSION = 1
_GRID = 40


@dataclass(frozen=True)
class NextRun:
    """A run worth making.

    Attributes:
        label: the curve's name for people.
        key: of the curve.
        budget: accurate labels of the run.
        new_labels: of these, how many are not owned.
        cost_cpu_s: price of the labels to buy and of the training.
        variance_saved: share of the variance of the log error that it takes from the undecided cells of its curve.
        probability: that a new run at this budget meets the target.
    """

    label: str
    key: CurveKey
    budget: int
    new_labels: int
    cost_cpu_s: float
    variance_saved: float
    probability: float

    def to_json(self) -> dict[str, Any]:
        """Plain data, documented in docs/plan.md."""
        key = self.key.to_json()
        del key["schedule"]
        own = {name: value for name, value in vars(self).items() if name not in ("label", "key")}
        return {"label": self.label, **key, **own}


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Cells of one curve: covariance of their log errors [m, m], which can be run, which are undecided."""

    evidence: Evidence
    label: str
    budget: NDArray[np.float64]
    covariance: NDArray[np.float64]
    noise: float
    chance: NDArray[np.float64]
    undecided: NDArray[np.bool_]
    cost_cpu_s: NDArray[np.float64]
    start: float


def next_runs(
    run: RunEvidence, target_ev_ang: float, k: int, *, already: Mapping[str, int] | None = None
) -> tuple[NextRun, ...]:
    """Choose the k runs that lower the variance where the target is undecided most, for what they cost.

    Args:
        run: what is known; no run needs more labels than its pool has.
        target_ev_ang: force MAE to meet, eV/Å.
        k: how many.
        already: labels that are owned and cost nothing, by level. Name those of the sweep itself where they are there.

    Returns:
        At most k runs, the first to make first; none where no curve is undecided about the target.

    Raises:
        InputError: k or the target is out of range, labels of an unknown level, or an unusable table.
    """
    if k < 1:
        raise InputError(f"a number of runs is at least 1, found {k}: ask for one or more")
    plan = plan_target(run, target_ev_ang, already=already)
    # What costs much more than the present choice will not be bought, however little is known of it.
    most = RELEVANT * plan.choice.cost_cpu_s if plan.choice is not None else math.inf
    open_curves = []
    for label, evidence in run.competing.items():
        curve = evidence.curve
        if evidence.fit is None:
            continue
        cells = _cells(evidence, label, target_ev_ang, run.pool)
        price = label_price(curve, plan.prices, plan.already)
        train = np.array([np.median(curve.train_core_s[curve.budget == _nearest(curve.budget, n)]) for n in cells[0]])
        labels = np.array([price.total(n) for n in cells[0]])
        undecided = (cells[3] > UNDECIDED[0]) & (cells[3] < UNDECIDED[1]) & (labels <= most)
        cost = np.maximum(labels + np.nan_to_num(train), 1e-3)
        found = _Candidates(evidence, label, *cells, undecided, cost, float("nan"))
        if found.undecided.any():
            open_curves.append(replace(found, start=float(np.diag(found.covariance)[found.undecided].sum())))
    chosen = []
    for _ in range(k):
        best = max(((_gain(c), c) for c in open_curves), key=lambda pair: float(pair[0].max()), default=None)
        if best is None or not best[0].max() > 0:
            break
        gain, own = best
        at = int(np.argmax(gain))
        chosen.append(_next_run(own, at, gain, plan.already.get(plan.prices.accurate, 0)))
        column = own.covariance[:, at]
        updated = own.covariance - np.outer(column, column) / (column[at] + own.noise)
        open_curves[open_curves.index(own)] = replace(own, covariance=updated)
    return tuple(chosen)


def _cells(
    evidence: Evidence, label: str, target_ev_ang: float, pool: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], float, NDArray[np.float64]]:
    fit, curve = evidence.fit, evidence.curve
    assert fit is not None, label
    most = min(2 * fit.largest_budget, evidence.limit, pool or np.inf)
    grid = np.geomspace(fit.smallest_budget, max(most, fit.largest_budget), _GRID)
    budget = np.unique(np.concatenate([np.round(grid), np.unique(curve.budget).astype(float)]))
    draws = log_error_draws(fit, budget)
    new = log_error_draws(fit, budget, kind="new_test_set", test_relative_se=curve.test_relative_se)
    noise = float(np.mean(fit.sigma**2 + fit.tau**2 + fit.omega**2))
    return budget, np.cov(draws.T), noise, np.mean(new <= math.log(target_ev_ang), axis=0)


def _gain(own: _Candidates) -> NDArray[np.float64]:
    """Variance that a run at each cell takes from the undecided cells, per CPU second."""
    variance = np.diag(own.covariance)
    saved = (own.covariance[:, own.undecided] ** 2).sum(axis=1) / (variance + own.noise)
    return np.asarray(saved / own.cost_cpu_s)


def _next_run(own: _Candidates, at: int, gain: NDArray[np.float64], owned: int) -> NextRun:
    n = int(own.budget[at])
    return NextRun(
        label=own.label,
        key=own.evidence.curve.key,
        budget=n,
        new_labels=max(n - owned, 0),
        cost_cpu_s=float(own.cost_cpu_s[at]),
        variance_saved=float(gain[at] * own.cost_cpu_s[at] / own.start),
        probability=float(own.chance[at]),
    )


def _nearest(budgets: NDArray[np.int64], n: float) -> int:
    return int(budgets[np.argmin(np.abs(budgets - n))])
