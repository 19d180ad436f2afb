"""Do nominal 90 % intervals hold? Planted curves, fitted as users' curves are, against rivals.

    python benchmarks/interval_coverage.py [REPETITIONS] [SCENARIO...] [--alone]

Scenarios: slope .5 or 1, floor 0, .25 or 1 times the reducible error at the largest budget, noise between runs .05, .1
or .2 (18 in all); then stress: effects that the seeds of a budget share, effects that the budgets of a seed share
(alike at all budgets, or fading as nested subsets overlap less), heavy tails, failed runs, noise that falls with the
budget, few budgets, few seeds; then misfit: slopes that change gently or at once, bumps, first budgets that are too
good, slopes that change beyond the data. Budgets 25 to 800, three seeds. Asked are err(1600) and N* at which the error
falls to the true err(1200); the truth is the planted curve. A curve is answered where the planner may say something at
1600 labels, and named where its status says that it is no power law. The score of an interval is its width plus 20
times the miss (Gneiting and Raftery, JASA 102 (2007) 359), in logs: smaller is better. --alone leaves out the rivals,
which take most of the time.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent))

from rival_intervals import COVERAGE, FARTHEST, bootstrap, profile_f

from analysis.curves.any_table import table_curves
from analysis.curves.evidence import evidence_of
from analysis.curves.power_law import fit_power_law, labels_for_target, predict

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BUDGETS = (25, 50, 100, 200, 400, 800)
METHODS = ("grid posterior", "profile F", "bootstrap")


def gentle(first: float, last: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of a curve whose slope changes over a decade around 140 labels, x = ln N."""
    turn = (x - np.log(140.0)) / 0.7
    return np.asarray(-first * x - (last - first) * 0.7 * np.logaddexp(0.0, turn))


def kinked(first: float, last: float, at: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of a curve whose slope changes at once."""
    return np.asarray(-first * x - (last - first) * np.maximum(x - np.log(at), 0.0))


#: Logs of curves that are no power laws, as functions of ln N.
MISFITS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "slope .3, then .7": lambda x: gentle(0.3, 0.7, x),
    "slope .7, then .3": lambda x: gentle(0.7, 0.3, x),
    "bump of 20 % at 140 labels": lambda x: -0.6 * x + 0.2 * np.exp(-(((x - np.log(140.0)) / 0.7) ** 2) / 2),
    "first budgets 30 % too good": lambda x: -0.6 * x - 0.3 * np.exp(-(x - np.log(25.0)) / 0.7),
    "slope .2, at once .9": lambda x: kinked(0.2, 0.9, 140.0, x),
    "beyond the data: slope .7, then .55": lambda x: kinked(0.7, 0.55, 1000.0, x),
    "beyond the data: slope .5, then .65": lambda x: kinked(0.5, 0.65, 1000.0, x),
    "beyond the data: slope .7, then .4": lambda x: kinked(0.7, 0.4, 1000.0, x),
}


@dataclass(frozen=True)
class Scenario:
    """A planted curve and its noise; relative standard deviations.

    Attributes:
        name: of the row.
        alpha: slope.
        floor: over the reducible error at the largest budget.
        sigma: of single runs.
        tau: of the effect that all seeds of a budget share.
        omega: of the effect that all budgets of a seed share.
        nested: the effect of a seed fades with the overlap of its subsets, correlation sqrt(N1/N2), instead of staying.
        tails: degrees of freedom of Student's t for single runs; infinite: normal.
        falling: all noise is wider by this factor at the smallest budget, and narrower by it at the largest.
        failing: share of runs that fail, with errors 1.5 to 3 times as large.
        misfit: name of one of `MISFITS`, instead of the power law.
        budgets: accurate labels.
        seeds: at each budget.
    """

    name: str
    alpha: float = 0.7
    floor: float = 0.25
    sigma: float = 0.1
    tau: float = 0.0
    omega: float = 0.0
    nested: bool = False
    tails: float = np.inf
    falling: float = 1.0
    failing: float = 0.0
    misfit: str = ""
    budgets: tuple[int, ...] = BUDGETS
    seeds: int = 3

    def law(self, n: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """True error."""
        labels = np.asarray(n, dtype=float)
        if self.misfit:
            return np.asarray(np.exp(MISFITS[self.misfit](np.log(labels))))
        return np.asarray((labels / max(self.budgets)) ** -self.alpha + self.floor)

    def draw(self, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Budgets, errors and seeds of one sweep."""
        rng = np.random.default_rng(seed)
        n = np.array(self.budgets, dtype=float)
        k = len(n)
        single = rng.normal(size=(k, self.seeds))
        if np.isfinite(self.tails):
            single = rng.standard_t(self.tails, size=(k, self.seeds)) * np.sqrt((self.tails - 2) / self.tails)
        scale = np.geomspace(self.falling, 1 / self.falling, k)[:, None]
        shared = rng.normal(size=(1, self.seeds)).repeat(k, axis=0)
        if self.nested:
            overlap = np.sqrt(np.minimum.outer(n, n) / np.maximum.outer(n, n))
            shared = np.linalg.cholesky(overlap) @ rng.normal(size=(k, self.seeds))
        noise = self.sigma * single + self.omega * shared + self.tau * rng.normal(size=(k, 1))
        failure = rng.uniform(np.log(1.5), np.log(3.0), (k, self.seeds)) * (rng.random((k, self.seeds)) < self.failing)
        logs = np.log(self.law(n))[:, None] + scale * noise + failure
        return n.repeat(self.seeds), np.exp(logs).ravel(), np.tile(np.arange(self.seeds), k)


REFERENCE = tuple(
    Scenario(f"alpha {alpha:g}, floor {floor:g}, noise {sigma:g}", alpha, floor, sigma)
    for alpha in (0.5, 1.0)
    for floor in (0.0, 0.25, 1.0)
    for sigma in (0.05, 0.1, 0.2)
)
STRESS = (
    Scenario("budget effect .05 beside noise .1", tau=0.05),
    Scenario("budget effect .1 beside noise .05", sigma=0.05, tau=0.1),
    Scenario("seed effect .1 beside noise .1", omega=0.1),
    Scenario("seed effect .1 beside noise .05", sigma=0.05, omega=0.1),
    Scenario("nested seed effect .1 beside noise .05", sigma=0.05, omega=0.1, nested=True),
    Scenario("budget, nested seed effect and noise .07", sigma=0.07, tau=0.07, omega=0.07, nested=True),
    Scenario("heavy tails (t, 3 degrees of freedom)", tails=3.0),
    Scenario("failures, one run in twenty, noise .05", sigma=0.05, failing=0.05),
    Scenario("failures, one run in twenty", failing=0.05),
    Scenario("noise falling from .2 to .05", falling=2.0),
    Scenario("noise falling from .1 to .01", sigma=0.0316, falling=3.16),
    Scenario("four budgets", budgets=(25, 100, 300, 800)),
    Scenario("two seeds", seeds=2),
    Scenario("one seed", seeds=1),
    Scenario("ten seeds, floor 1", floor=1.0, seeds=10),
)
MISFIT = tuple(
    Scenario(f"{name}, noise {sigma:g}", sigma=sigma, misfit=name) for name in MISFITS for sigma in (0.05, 0.1)
)
KINDS = {"reference": REFERENCE, "stress": STRESS, "misfit": MISFIT}


def score(low: float, high: float, truth: float) -> float:
    """Interval score in logs."""
    a, b, x = np.log([max(low, 1e-9), high, truth])
    return float(b - a + 2 / (1 - COVERAGE) * (max(a - x, 0) + max(x - b, 0)))


def repetition(scenario: Scenario, seed: int, *, rivals: bool = True) -> dict[str, float]:
    """Hits, widths and scores of one sweep."""
    budget, error, run_seed = scenario.draw(seed)
    largest = budget.max()
    ahead, asked = 2 * largest, float(scenario.law(1.5 * largest))
    table = pd.DataFrame({"n": budget, "error": error, "seed": run_seed})
    evidence = evidence_of(table_curves(table, x="n", y="error", seed="seed")[0], seed=seed)
    fit = evidence.fit or fit_power_law(budget, error, run_seed=run_seed, seed=seed)
    quantiles = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
    low, high = predict(fit, ahead, quantiles=quantiles)[:, 0]
    needed = labels_for_target(fit, asked)
    few, many = (min(needed.quantile(q), FARTHEST * largest) for q in quantiles)
    found = {METHODS[0]: ((low, high), (few, many))}
    if rivals:
        found["profile F"] = profile_f(budget, error, ahead, asked)
        if scenario.seeds > 1:
            found["bootstrap"] = bootstrap(budget, error, ahead, asked, seed=seed)
    # A run of tomorrow: its own seed, its own effect of its budget.
    rng = np.random.default_rng([seed, 1])
    spread = np.sqrt(scenario.sigma**2 + scenario.omega**2 + scenario.tau**2) / scenario.falling
    run = float(scenario.law(ahead)) * np.exp(spread * rng.normal())
    run_low, run_high = predict(fit, ahead, kind="new_run", quantiles=quantiles)[:, 0]
    row = {
        "refused": float(evidence.fit is None or evidence.limit < ahead),
        "named": float(bool({"lack_of_fit", "bent_curve"} & set(fit.status))),
        "new run": float(run_low <= run <= run_high),
        "new run width": float(np.log(run_high / run_low)),
    }
    for method, (error_ends, label_ends) in found.items():
        for what, (a, b), truth in (("err", error_ends, float(scenario.law(ahead))), ("N*", label_ends, 1.5 * largest)):
            row |= {
                f"{method} {what} hit": float(a <= truth <= b),
                f"{method} {what} width": float(np.log(b / max(a, 1e-9))),
            }
            row[f"{method} {what} score"] = score(a, b, truth)
    return row


def run(scenario: Scenario, repetitions: int, *, rivals: bool = True) -> dict[str, float]:
    """Means over repetitions (widths: medians)."""
    # Every scenario has random numbers of its own.
    start = sum(ord(letter) * 131**place for place, letter in enumerate(scenario.name)) % 10**6 * 10_000
    rows = [repetition(scenario, start + at, rivals=rivals) for at in range(repetitions)]
    means = {
        name: float((np.median if name.endswith("width") else np.mean)([row[name] for row in rows])) for name in rows[0]
    }
    answered = [row for row in rows if not row["refused"]]
    for name in (f"{METHODS[0]} err hit", f"{METHODS[0]} N* hit"):
        means[f"answered {name}"] = float(np.mean([row[name] for row in answered])) if answered else np.nan
    means["covered or named"] = float(np.mean([max(row[f"{METHODS[0]} err hit"], row["named"]) for row in rows]))
    return means


def main(repetitions: int, names: list[str], *, alone: bool) -> None:
    started = time.process_time()
    print(
        "| scenario | method | err(1600): coverage | width | score | N*: coverage | width | score | new run | width |",
        end="",
    )
    print(" refused | named | err(1600) of those answered |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    tables: dict[str, list[dict[str, float]]] = {}
    for kind, scenarios in KINDS.items():
        for scenario in scenarios:
            if names and not any(name in scenario.name for name in names):
                continue
            found = run(scenario, repetitions, rivals=not alone)
            tables.setdefault(kind, []).append(found)
            for method in METHODS:
                if f"{method} err hit" in found:
                    cells = [
                        f"{found[f'{method} {what} {value}']:.{3 if value == 'hit' else 2}f}"
                        for what in ("err", "N*")
                        for value in ("hit", "width", "score")
                    ]
                    if method == METHODS[0]:
                        single = ("new run", "new run width", "refused", "named", f"answered {method} err hit")
                        cells += [f"{found[name]:.2f}" for name in single]
                    else:
                        cells += [""] * 5
                    print(f"| {scenario.name} | {method} | {' | '.join(cells)} |", flush=True)
    for kind, rows in tables.items():
        for method in METHODS:
            for what in ("err", "N*"):
                own = [row for row in rows if f"{method} {what} hit" in row]
                if own:
                    hits, scores = ([row[f"{method} {what} {v}"] for row in own] for v in ("hit", "score"))
                    widths = np.median([row[f"{method} {what} width"] for row in own])
                    print(
                        f"{kind}, {method}, {what}: coverage {np.mean(hits):.3f} [{min(hits):.3f}, {max(hits):.3f}], "
                        f"median width {widths:.2f}, mean score {np.mean(scores):.3f}"
                    )
        refused, named = (max(row[name] for row in rows) for name in ("refused", "named"))
        print(f"{kind}: refused at most {refused:.3f}, named at most {named:.3f}")
        print(f"{kind}: covered or named in at least {min(row['covered or named'] for row in rows):.3f}")
    print(f"{repetitions} repetitions, {time.process_time() - started:.0f} CPU s")


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--alone"]
    main(int(words[0]) if words else 1000, words[1:], alone="--alone" in sys.argv)
