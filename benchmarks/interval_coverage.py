"""Do nominal 90 % intervals hold? Planted power laws, fitted as users' curves are, against rivals.

    python benchmarks/interval_coverage.py [REPETITIONS] [SCENARIO...] [--alone]

Scenarios: slope .5 or 1, floor 0, .25 or 1 times the reducible error at the largest budget, noise between runs .05, .1
or .2 (18 in all); then stress: luck that the seeds of a budget share, luck that the budgets of a seed share (alike at
all budgets, or fading as nested subsets overlap less), heavy tails, noise that falls with the budget, few budgets, few
seeds. Budgets 25 to 800, three seeds. Asked are err(1600) and N* at which the error falls to the true err(1200); the
truth is the planted curve. The score of an interval is its width plus 20 times the miss (Gneiting and Raftery, JASA 102
(2007) 359), in logs: smaller is better. --alone leaves out the rivals, which take most of the time.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from rival_intervals import COVERAGE, FARTHEST, bootstrap, profile_f

from analysis.curves.power_law import fit_power_law, labels_for_target, predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUDGETS = (25, 50, 100, 200, 400, 800)
METHODS = ("grid posterior", "profile F", "bootstrap")


@dataclass(frozen=True)
class Scenario:
    """A planted curve and its noise; relative standard deviations.

    Attributes:
        name: of the row.
        alpha: slope.
        floor: over the reducible error at the largest budget.
        sigma: of single runs.
        tau: of the luck that all seeds of a budget share.
        omega: of the luck that all budgets of a seed share.
        nested: the luck of a seed fades with the overlap of its subsets, correlation sqrt(N1/N2), instead of staying.
        tails: degrees of freedom of Student's t for single runs; infinite: normal.
        falling: single runs scatter by 2 sigma at the smallest budget, falling to sigma/2 at the largest.
        broken: slope .2 below 140 labels and .9 above, instead of the power law.
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
    falling: bool = False
    broken: bool = False
    budgets: tuple[int, ...] = BUDGETS
    seeds: int = 3

    def law(self, n: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """True error."""
        if self.broken:
            return np.where(np.asarray(n) < 140, (np.asarray(n) / 140) ** -0.2, (np.asarray(n) / 140) ** -0.9)
        return np.asarray((np.asarray(n) / max(self.budgets)) ** -self.alpha + self.floor)

    def draw(self, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Budgets, errors and seeds of one sweep."""
        rng = np.random.default_rng(seed)
        n = np.array(self.budgets, dtype=float)
        k = len(n)
        single = rng.normal(size=(k, self.seeds))
        if np.isfinite(self.tails):
            single = rng.standard_t(self.tails, size=(k, self.seeds)) * np.sqrt((self.tails - 2) / self.tails)
        scale = self.sigma * (np.geomspace(2, 0.5, k) if self.falling else np.ones(k))
        luck = rng.normal(size=(1, self.seeds)).repeat(k, axis=0)
        if self.nested:
            overlap = np.sqrt(np.minimum.outer(n, n) / np.maximum.outer(n, n))
            luck = np.linalg.cholesky(overlap) @ rng.normal(size=(k, self.seeds))
        logs = np.log(self.law(n))[:, None] + scale[:, None] * single + self.omega * luck
        logs = logs + self.tau * rng.normal(size=(k, 1))
        return n.repeat(self.seeds), np.exp(logs).ravel(), np.tile(np.arange(self.seeds), k)


REFERENCE = tuple(
    Scenario(f"alpha {alpha:g}, floor {floor:g}, noise {sigma:g}", alpha, floor, sigma)
    for alpha in (0.5, 1.0)
    for floor in (0.0, 0.25, 1.0)
    for sigma in (0.05, 0.1, 0.2)
)
STRESS = (
    Scenario("budget luck .05 beside noise .1", tau=0.05),
    Scenario("budget luck .1 beside noise .05", sigma=0.05, tau=0.1),
    Scenario("seed luck .1 beside noise .1", omega=0.1),
    Scenario("seed luck .1 beside noise .05", sigma=0.05, omega=0.1),
    Scenario("nested seed luck .1 beside noise .05", sigma=0.05, omega=0.1, nested=True),
    Scenario("budget, nested seed luck and noise .07", sigma=0.07, tau=0.07, omega=0.07, nested=True),
    Scenario("heavy tails (t, 3 degrees of freedom)", tails=3.0),
    Scenario("noise falling from .2 to .05", falling=True),
    Scenario("four budgets", budgets=(25, 100, 300, 800)),
    Scenario("two seeds", seeds=2),
    Scenario("one seed", seeds=1),
    Scenario("ten seeds, floor 1", floor=1.0, seeds=10),
)
BROKEN = Scenario("broken: slope .2, then .9", sigma=0.05, broken=True)


def score(low: float, high: float, truth: float) -> float:
    """Interval score in logs."""
    a, b, x = np.log([max(low, 1e-9), high, truth])
    return float(b - a + 2 / (1 - COVERAGE) * (max(a - x, 0) + max(x - b, 0)))


def repetition(scenario: Scenario, seed: int, *, rivals: bool = True) -> dict[str, float]:
    """Hits, widths and scores of one sweep."""
    budget, error, run_seed = scenario.draw(seed)
    largest = budget.max()
    ahead, asked = 2 * largest, float(scenario.law(1.5 * largest))
    fit = fit_power_law(budget, error, run_seed=run_seed, seed=seed)
    quantiles = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
    low, high = predict(fit, ahead, quantiles=quantiles)[:, 0]
    needed = labels_for_target(fit, asked)
    few, many = (min(needed.quantile(q), FARTHEST * largest) for q in quantiles)
    found = {METHODS[0]: ((low, high), (few, many))}
    if rivals:
        found["profile F"] = profile_f(budget, error, ahead, asked)
        if scenario.seeds > 1:
            found["bootstrap"] = bootstrap(budget, error, ahead, asked, seed=seed)
    # A run of tomorrow: its own seed, its own luck at its budget.
    rng = np.random.default_rng([seed, 1])
    smallest_noise = scenario.sigma * (0.5 if scenario.falling else 1.0)
    spread = np.sqrt(smallest_noise**2 + scenario.omega**2 + scenario.tau**2)
    run = float(scenario.law(ahead)) * np.exp(spread * rng.normal())
    run_low, run_high = predict(fit, ahead, kind="new_run", quantiles=quantiles)[:, 0]
    row = {"refused": float(fit.lack_of_fit.rejected), "new run": float(run_low <= run <= run_high)}
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
    answered = [row[f"{METHODS[0]} err hit"] for row in rows if not row["refused"]]
    return means | {"answered hit": float(np.mean(answered)) if answered else np.nan}


def main(repetitions: int, names: list[str], *, alone: bool) -> None:
    started = time.process_time()
    broken = [BROKEN, replace(BROKEN, name="broken, noise .1", sigma=0.1)]
    print("| scenario | method | err(1600): coverage | width | score | N*: coverage | width | score |")
    print("|---|---|---|---|---|---|---|---|")
    tables: dict[str, list[dict[str, float]]] = {"reference": [], "stress": []}
    for kind, scenarios in (("reference", REFERENCE), ("stress", STRESS), ("broken", tuple(broken))):
        for scenario in scenarios:
            if names and not any(name in scenario.name for name in names):
                continue
            found = run(scenario, repetitions, rivals=kind != "broken" and not alone)
            if kind == "broken":
                print(f"| {scenario.name} | refused {found['refused']:.3f} | | | | | | |", flush=True)
                continue
            tables[kind].append(found)
            for method in METHODS:
                if f"{method} err hit" in found:
                    cells = [
                        f"{found[f'{method} {what} {value}']:.{3 if value == 'hit' else 2}f}"
                        for what in ("err", "N*")
                        for value in ("hit", "width", "score")
                    ]
                    extra = ""
                    if method == METHODS[0]:
                        extra = f" (refused {found['refused']:.3f}; new run {found['new run']:.3f})"
                    print(f"| {scenario.name} | {method}{extra} | {' | '.join(cells)} |", flush=True)
    for kind, rows in tables.items():
        for method in METHODS:
            for what in ("err", "N*"):
                own = [row for row in rows if f"{method} {what} hit" in row]
                if own:
                    hits, scores = ([row[f"{method} {what} {v}"] for row in own] for v in ("hit", "score"))
                    widths = np.median([row[f"{method} {what} width"] for row in own])
                    print(
                        f"{kind}, {method}, {what}: coverage {np.mean(hits):.3f} [worst {min(hits):.3f}], "
                        f"median width {widths:.2f}, mean score {np.mean(scores):.3f}"
                    )
        if rows:
            print(f"{kind}: false refusals at most {max(row['refused'] for row in rows):.3f}")
    print(f"{repetitions} repetitions, {time.process_time() - started:.0f} CPU s")


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--alone"]
    main(int(words[0]) if words else 1000, words[1:], alone="--alone" in sys.argv)
