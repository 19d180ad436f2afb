"""Are plans kept, and what do they cost? A simulator of sweeps whose true best purchase is known.

    python benchmarks/plan_quality.py [SWEEPS] [FIRST_SEED]

A sweep has accurate labels only, and two pretraining strategies with 500, 2,000 and 8,000 cheap frames, at 25 to 800
accurate labels with three seeds. The true errors lie on a surface with random slope, floor, gain and saturation; noise
between runs, luck of seeds and luck of budgets are random too, and so is the price of a cheap frame. The target is the
error that the best strategy reaches somewhere between the smallest and four times the largest budget. A plan is kept
where one new run with its purchase meets the target: the probability of that is known. The oracle knows the surface and
buys the cheapest mix that meets the target with the same probability as was asked for.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from analysis.plan.labels_for_target import plan_target
from analysis.plan.run_evidence import RunEvidence
from analysis.surface.transfer import surface_of
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame

if TYPE_CHECKING:
    import pandas as pd

BUDGETS, CHEAP, SEEDS, CONFIDENCE = (25, 50, 100, 200, 400, 800), (500, 2000, 8000), 3, 0.9
ASSISTED = ("pretrain_finetune", "asteroid")


@dataclass(frozen=True)
class World:
    """A true surface with its noise and prices.

    Attributes:
        floor: error that no labels take away, eV/Å.
        alpha: slope.
        gain: accurate labels that unlimited cheap frames replace at 100 accurate ones, by strategy.
        half: cheap frames that give half of that, by strategy.
        power: how the gain grows with the accurate labels.
        sigma: noise of single runs,
        omega: luck of seeds, and
        tau: luck of budgets; relative standard deviations.
        cheap_s: price of a cheap frame; an accurate label costs 28 s.
        target: eV/Å.
    """

    floor: float
    alpha: float
    gain: dict[str, float]
    half: dict[str, float]
    power: float
    sigma: float
    omega: float
    tau: float
    cheap_s: float
    target: float

    def error(self, strategy: str, n: np.ndarray | float, n_cheap: float) -> np.ndarray:
        """True error of the mean run, eV/Å."""
        labels = np.asarray(n, dtype=float)
        if n_cheap:
            grown = self.gain[strategy] * (labels / 100) ** self.power
            labels = labels + grown * n_cheap / (n_cheap + self.half[strategy])
        return self.floor + 0.05 * (labels / 100) ** -self.alpha

    @property
    def spread(self) -> float:
        """Standard deviation of the log error of a new run."""
        return float(np.sqrt(self.sigma**2 + self.omega**2 + self.tau**2))

    def kept(self, strategy: str, n: float, n_cheap: float) -> float:
        """Probability that a new run with this purchase meets the target."""
        return float(ndtr(np.log(self.target / self.error(strategy, n, n_cheap)) / self.spread))

    def price(self, n: float, n_cheap: float) -> float:
        """CPU seconds of a purchase."""
        return 28.0 * n + self.cheap_s * n_cheap

    def oracle(self) -> tuple[float, float]:
        """Price and accurate labels of the best purchase; infinite where there is none."""
        best = (np.inf, np.inf)
        needed = self.target * np.exp(-self.spread * ndtri(CONFIDENCE))
        n = np.geomspace(BUDGETS[0], 64 * BUDGETS[-1], 600)
        mixes = [("accurate_only", 0.0), *((s, c) for s in ASSISTED for c in np.geomspace(CHEAP[0], CHEAP[-1], 25))]
        for strategy, n_cheap in mixes:
            met = np.flatnonzero(self.error(strategy, n, n_cheap) <= needed)
            if len(met):
                best = min(best, (self.price(n[met[0]], n_cheap), float(n[met[0]])))
        return best


def draw_world(rng: np.random.Generator) -> World:
    """A random world, with a target that the best strategy reaches between 25 and 3,200 labels."""
    floor = 0.0 if rng.random() < 0.4 else 0.05 * 8.0**-0.7 * rng.uniform(0.05, 0.8)
    gain = {strategy: float(np.exp(rng.uniform(np.log(20), np.log(600)))) for strategy in ASSISTED[:1]}
    gain["asteroid"] = gain["pretrain_finetune"] * float(rng.uniform(0.7, 1.6))
    half = {strategy: float(np.exp(rng.uniform(np.log(300), np.log(6000)))) for strategy in ASSISTED}
    sigma = float(np.exp(rng.uniform(np.log(0.03), np.log(0.12))))
    world = World(
        floor=floor,
        alpha=float(rng.uniform(0.4, 1.0)),
        gain=gain,
        half=half,
        power=float(rng.uniform(0.2, 0.7)),
        sigma=sigma,
        omega=sigma * float(rng.uniform(0, 1)),
        tau=sigma * float(rng.choice([0.0, 0.0, 0.3])),
        cheap_s=28.0 * float(np.exp(rng.uniform(np.log(1e-4), np.log(3e-2)))),
        target=1.0,
    )
    at = float(np.exp(rng.uniform(np.log(BUDGETS[0]), np.log(4 * BUDGETS[-1]))))
    reached = min(float(world.error(strategy, at, CHEAP[-1])) for strategy in ASSISTED)
    return World(**(vars(world) | {"target": reached * float(np.exp(1.2816 * world.spread))}))


def sweep(world: World, rng: np.random.Generator) -> tuple[pd.DataFrame, PriceList]:
    """The results table of one sweep, and its prices."""
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    luck = world.omega * rng.normal(size=SEEDS)
    rows = []
    for strategy, n_cheap in [("accurate_only", 0), *((s, c) for s in ASSISTED for c in CHEAP)]:
        for budget in BUDGETS:
            shared = world.tau * rng.normal()
            for seed in range(SEEDS):
                noise = world.sigma * rng.normal() + luck[seed] + shared
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "n_cheap": n_cheap, "budget": budget, "seed": seed, "status": "ok"}
                values |= {"test_force_mae_ev_ang": float(world.error(strategy, budget, n_cheap)) * np.exp(noise)}
                values |= {"gamma_rel": {"pretrain_finetune": np.inf, "asteroid": 1.0}.get(strategy, np.nan)}
                values |= {"cost_accurate_cpu_s": 28.0 * budget, "cost_cheap_cpu_s": world.cheap_s * n_cheap}
                rows.append(values | {"n_test": 300})
    levels = {"accurate": LevelPrice(28.0, "simulated"), "cheap": LevelPrice(world.cheap_s, "simulated")}
    return results_frame(rows), PriceList("accurate", "cheap", levels)


def judge(seed: int) -> list[dict[str, Any]]:
    """Plans of one world by three rules: with surface, curves alone, and the median instead of the probability."""
    rng = np.random.default_rng(seed)
    world = draw_world(rng)
    table, prices = sweep(world, rng)
    price, labels = world.oracle()
    surface = surface_of(table)
    rules = {
        "P >= .9, curves and surface": (CONFIDENCE, surface),
        "P >= .9, curves": (CONFIDENCE, None),
        "P >= .5, curves": (0.5, None),
        "P >= .9, accurate labels only": (CONFIDENCE, None),
    }
    rows = []
    for rule, (confidence, used) in rules.items():
        own = table[table["strategy"] == "accurate_only"] if "only" in rule else table
        choice = plan_target(RunEvidence(own, prices, surface=used), world.target, confidence).choice
        found: dict[str, Any] = {"rule": rule, "promised": float(choice is not None)}
        found["reachable"] = float(labels <= 2 * BUDGETS[-1])
        if choice is not None:
            found["kept"] = world.kept(choice.key.strategy, choice.n_accurate, choice.key.n_cheap)
            found["ratio"] = choice.cost_cpu_s / price
            found["between"] = float("interpolated_cheap" in choice.status)
        rows.append(found | {"surface_used": float(surface is not None and surface.usable)})
    return rows


def main(sweeps: int, first: int) -> None:
    started = time.process_time()
    rows = [row for seed in range(first, first + sweeps) for row in judge(seed)]
    print("| rule | promised | kept | cost over the oracle's: median [10 %, 90 %] | refused although within reach |")
    print("|---|---|---|---|---|")
    for rule in dict.fromkeys(row["rule"] for row in rows):
        own = [row for row in rows if row["rule"] == rule]
        told = [row for row in own if row["promised"]]
        near = [row for row in own if row["reachable"]]
        low, median, high = np.quantile([row["ratio"] for row in told], [0.1, 0.5, 0.9])
        kept, refused = np.mean([row["kept"] for row in told]), 1 - np.mean([row["promised"] for row in near])
        cost = f"{median:.2f} [{low:.2f}, {high:.2f}]"
        print(f"| {rule} | {len(told)} of {len(own)} | {kept:.1%} | {cost} | {refused:.1%} |")
    with_surface = [row for row in rows if "surface" in row["rule"]]
    between = np.mean([row.get("between", 0.0) for row in with_surface])
    usable = np.mean([row["surface_used"] for row in with_surface])
    print(f"surface usable in {usable:.0%} of sweeps; {between:.0%} of plans lie between runs")
    print(f"{sweeps} sweeps, {time.process_time() - started:.0f} CPU s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
