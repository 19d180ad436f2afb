"""Which runs to make next: those that say most, for their price, about where the target is met.

Where the fits are unsure whether a new run meets the target (probability between .1 and .95) and labels cost no more
than 1.5 times the present choice, a run at N would lower the variance of the log error at d by cov(N, d)^2 / (var(N) +
sigma^2). Runs are chosen one by one, each after the variance that those before it will have taken away, and none that
would itself hardly meet the target. The standard error of the test set shifts all curves alike, and no run lowers it:
where as many test labels again would take more, for their price, than the best run does, they are offered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.curves.evidence import fitted_draws, most_labels, new_run_draws
from analysis.plan.labels_for_target import plan_target
from analysis.plan.pricing import label_price
from asteroid.errors import InputError
from asteroid.measured_errors import Measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from analysis.caveats import Caveat
    from analysis.curves.curve_key import CurveKey
    from analysis.curves.evidence import Evidence
    from analysis.plan.labels_for_target import TargetPlan
    from analysis.plan.run_evidence import RunEvidence

#: Probabilities of meeting the target between which a cell is undecided.
UNDECIDED = (0.1, 0.95)
#: Undecided cells that cost more than this times the present choice are left alone.
RELEVANT = 1.5
#: A run that meets the target less probably than this is not worth its labels.
LEAST_CHANCE = 0.05
SCHEMA_VERSION = 2
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
        variance_saved: share of the variance of the log error that it takes from the undecided cells of its curve; the
            test set's own is no part of it.
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


@dataclass(frozen=True)
class MoreTestLabels:
    """As many test labels again as there are.

    Attributes:
        n_test: how many.
        cost_cpu_s: their price.
        relative_se: standard error of the test errors from the choice of test frames, relative, as it is.
    """

    n_test: int
    cost_cpu_s: float
    relative_se: float


@dataclass(frozen=True)
class OwnedNow:
    """What the labels that are owned give.

    Attributes:
        label: name of the curve that gives the smallest error with them.
        n_accurate: how many of them it uses.
        error_ev_ang: median, 5 % and 95 % quantile of the force MAE of one new run, eV/Å; of energies, eV.
        measured: what the error is of.
    """

    label: str
    n_accurate: int
    error_ev_ang: tuple[float, float, float]
    measured: Measured = Measured.FORCES

    def to_json(self) -> dict[str, Any]:
        """Plain data, documented in docs/plan.md."""
        median, low, high = self.error_ev_ang
        error = {"median": median, "p5": low, "p95": high}
        return {"label": self.label, "n_accurate": self.n_accurate, self.measured.field: error}


@dataclass(frozen=True)
class NextRuns:
    """What to do next.

    Attributes:
        runs: the first to make first; none where no curve is undecided about the target.
        test_labels: more test labels, where they tell more for their price than any run; None elsewhere.
        now: what the labels owned give; None where no curve speaks about so few.
        owned: labels that are owned, by level.
        run_caveats: of the whole run.
    """

    runs: tuple[NextRun, ...]
    test_labels: MoreTestLabels | None
    now: OwnedNow | None
    owned: Mapping[str, int]
    run_caveats: tuple[Caveat, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data, documented in docs/plan.md."""
        return {
            "schema_version": SCHEMA_VERSION,
            "already": dict(self.owned),
            "now": self.now.to_json() if self.now else None,
            "runs": [run.to_json() for run in self.runs],
            "test_labels": vars(self.test_labels) if self.test_labels else None,
            "status": list(self.run_caveats),
        }


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Cells of one curve: covariance of their log errors [m, m], which can be run, which are undecided."""

    evidence: Evidence
    label: str
    budget: NDArray[np.float64]
    covariance: NDArray[np.float64]
    noise: NDArray[np.float64]
    chance: NDArray[np.float64]
    undecided: NDArray[np.bool_]
    open: NDArray[np.bool_]
    cost_cpu_s: NDArray[np.float64]
    start: float


def next_runs(run: RunEvidence, target_ev_ang: float, k: int, *, already: Mapping[str, int] | None = None) -> NextRuns:
    """Choose the k runs that lower the variance where the target is undecided most, for what they cost.

    Args:
        run: what is known.
        target_ev_ang: force MAE to meet, eV/Å.
        k: how many.
        already: labels that are owned and cost nothing, by level; None: the accurate labels of the run's pool.

    Returns:
        At most k runs, each once, up to the largest number of labels that their curves speak about.

    Raises:
        InputError: k or the target is out of range, labels of an unknown level, or an unusable table.
    """
    if k < 1:
        raise InputError(f"a number of runs is at least 1, found {k}: ask for one or more")
    owned = {run.prices.accurate: run.pool} if already is None and run.pool else already or {}
    plan = plan_target(run, target_ev_ang, already=owned)
    # What costs much more than the present choice will not be bought, however little is known of it; where the labels
    # owned are enough, nothing else is bought.
    most = RELEVANT * plan.choice.cost_cpu_s if plan.choice is not None else math.inf
    open_curves = []
    for label, evidence in run.competing.items():
        found = None if evidence.fit is None else _candidates(evidence, label, target_ev_ang, plan, most)
        if found is not None:
            open_curves.append(found)
    test_labels = _test_labels(open_curves, plan)
    chosen = []
    for _ in range(k):
        best = max(((_gain(c), c) for c in open_curves), key=lambda pair: float(pair[0].max()), default=None)
        if best is None or not best[0].max() > 0:
            break
        gain, own = best
        at = int(np.argmax(gain))
        chosen.append(_next_run(own, at, gain, owned.get(run.prices.accurate, 0)))
        column = own.covariance[:, at]
        updated = own.covariance - np.outer(column, column) / (column[at] + own.noise[at])
        left = own.open & (np.arange(len(own.open)) != at)
        open_curves[open_curves.index(own)] = replace(own, covariance=updated, open=left)
    now = _owned_now(run, owned.get(run.prices.accurate, 0))
    return NextRuns(tuple(chosen), test_labels, now, owned, run.caveats)


def _candidates(
    evidence: Evidence, label: str, target_ev_ang: float, plan: TargetPlan, most_cpu_s: float
) -> _Candidates | None:
    """Cells of a curve with a fit; None where none is undecided."""
    fit, curve = evidence.fit, evidence.curve
    assert fit is not None, label
    grid = np.geomspace(fit.smallest_budget, max(evidence.limit, fit.largest_budget), _GRID)
    budget = np.unique(np.concatenate([np.round(grid), np.unique(curve.budget).astype(float)]))
    draws = fitted_draws(evidence, budget)
    new = fitted_draws(evidence, budget, kind="new_test_set")
    noise = np.var(fitted_draws(evidence, budget, kind="new_run") - draws, axis=0)
    chance = np.mean(new <= math.log(target_ev_ang), axis=0)
    price = label_price(curve, plan.prices, plan.already)
    train = np.array([np.median(curve.train_core_s[curve.budget == _nearest(curve.budget, n)]) for n in budget])
    labels = np.array([price.total(n) for n in budget])
    undecided = (chance > UNDECIDED[0]) & (chance < UNDECIDED[1]) & (labels <= most_cpu_s)
    if not undecided.any():
        return None
    covariance = np.cov(draws.T)
    cost = np.maximum(labels + np.nan_to_num(train), 1e-3)
    start = float(np.diag(covariance)[undecided].sum())
    hopeful = (chance >= LEAST_CHANCE) & (labels <= most_cpu_s)
    return _Candidates(evidence, label, budget, covariance, noise, chance, undecided, hopeful, cost, start)


def _gain(own: _Candidates) -> NDArray[np.float64]:
    """Variance that a run at each cell takes from the undecided cells, per CPU second; 0 where none is to be made."""
    variance = np.diag(own.covariance)
    saved = (own.covariance[:, own.undecided] ** 2).sum(axis=1) / (variance + own.noise)
    return np.asarray(np.where(own.open, saved / own.cost_cpu_s, 0.0))


def _test_labels(open_curves: Sequence[_Candidates], plan: TargetPlan) -> MoreTestLabels | None:
    """As many test labels again, where they take more variance for their price than the best run."""
    if not open_curves or not plan.n_test:
        return None
    error = max(own.evidence.curve.test_relative_se for own in open_curves)
    cost = max(plan.prices.accurate_cpu_s(plan.n_test), 1e-3)
    taken = sum(own.evidence.curve.test_relative_se**2 / 2 * int(own.undecided.sum()) for own in open_curves)
    if taken / cost <= max(float(_gain(own).max()) for own in open_curves):
        return None
    return MoreTestLabels(plan.n_test, cost, error)


def _owned_now(run: RunEvidence, owned: int) -> OwnedNow | None:
    """The smallest error that labels owned give: the curve with the smallest mean of its log."""
    found = {
        label: (n, new_run_draws(evidence, n, seed=run.seed))
        for label, evidence in run.competing.items()
        if (n := most_labels(evidence, owned))
    }
    if not found:
        return None
    label = min(found, key=lambda name: float(found[name][1].mean()))
    low, median, high = np.exp(np.quantile(found[label][1], [0.05, 0.5, 0.95]))
    return OwnedNow(label, found[label][0], (float(median), float(low), float(high)), run.measured)


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
