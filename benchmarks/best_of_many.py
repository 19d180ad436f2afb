"""Is a plan kept that chose the best of K curves on their test errors? Simulated strategies that are nearly alike.

    python benchmarks/best_of_many.py [WORLDS] [FIRST_SEED]

A world has 15 strategies at 25 to 800 labels with three seeds; the logs of their true errors differ by a standard
deviation of 0, .05 or .3 (by turns), the rest is as in `plan_quality`. Every K of them choose the one that meets the
target with the fewest labels, each curve by itself and all seen together (`analysis.curves.shrinkage`). Said are the
probability that one new run meets the target, and the labels over those of an oracle.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from analysis.curves.curve_key import CurveKey
from analysis.curves.curves import Curve, with_shared_noise
from analysis.curves.evidence import Evidence, evidence_of, labels_needed, seen_together
from study.counts import CheapPurchase

BUDGETS, SEEDS, CURVES = (25, 50, 100, 200, 400, 800), 3, 15
MANY, CONFIDENCES, SPREADS = (1, 3, 7, 15), (0.5, 0.7, 0.8, 0.9, 0.95), (0.0, 0.05, 0.3)


@dataclass(frozen=True, eq=False)
class World:
    """True curves and their noise.

    Attributes:
        apart: standard deviation of the logs of the curves' errors.
        level: log of each curve's error over the common one, [K].
        floor: of the common curve.
        alpha: its slope.
        spread: standard deviation of the log error of a new run.
        target: to be met.
    """

    apart: float
    level: np.ndarray
    floor: float
    alpha: float
    spread: float
    target: float

    def log_error(self, n: np.ndarray | float) -> np.ndarray:
        """Log of the common curve."""
        return np.log(self.floor + 0.05 * (np.asarray(n, dtype=float) / 100) ** -self.alpha)

    def kept(self, curve: int, n: float) -> float:
        """Probability that a new run of a curve with n labels meets the target."""
        return float(ndtr((np.log(self.target) - self.log_error(n) - self.level[curve]) / self.spread))

    def oracle(self, curves: list[int], confidence: float) -> float:
        """Labels with which the best of some curves meets the target; infinite where there are none."""
        n = np.geomspace(BUDGETS[0], 16 * BUDGETS[-1], 800)
        needed = np.log(self.target) - self.spread * ndtri(confidence) - self.level[curves].min()
        met = self.log_error(n) <= needed
        return float(n[np.argmax(met)]) if met.any() else np.inf


def draw(seed: int) -> tuple[World, tuple[Curve, ...]]:
    """A random world and the runs of one sweep in it."""
    rng = np.random.default_rng([77, seed])
    floor = 0.0 if rng.random() < 0.4 else 0.05 * 8.0**-0.7 * rng.uniform(0.05, 0.8)
    sigma = float(np.exp(rng.uniform(np.log(0.03), np.log(0.12))))
    omega, tau = sigma * float(rng.uniform(0, 1)), sigma * float(rng.choice([0.0, 0.0, 0.3]))
    apart, alpha = SPREADS[seed % len(SPREADS)], float(rng.uniform(0.4, 1.0))
    spread = float(np.sqrt(sigma**2 + omega**2 + tau**2))
    world = World(apart, apart * rng.normal(size=CURVES), floor, alpha, spread, 1.0)
    at = float(np.exp(rng.uniform(np.log(BUDGETS[0]), np.log(4 * BUDGETS[-1]))))
    world = World(**(vars(world) | {"target": float(np.exp(world.log_error(at) + 1.2816 * spread))}))
    n = np.repeat(BUDGETS, SEEDS)
    shared, blank = omega * rng.normal(size=SEEDS), np.full(len(n), np.nan)
    curves = []
    for level in world.level:
        noise = sigma * rng.normal(size=(len(BUDGETS), SEEDS)) + shared + tau * rng.normal(size=(len(BUDGETS), 1))
        errors = np.exp(world.log_error(n) + level + noise.ravel())
        seeds = np.tile(np.arange(SEEDS), len(BUDGETS))
        curves.append(Curve(CurveKey("accurate_only"), n, seeds, errors, blank, blank, CheapPurchase()))
    return world, with_shared_noise(curves)


def judge(seed: int) -> list[dict[str, Any]]:
    """Choices of every K curves of one world at every confidence, by both rules."""
    world, curves = draw(seed)
    alone = [evidence_of(curve) for curve in curves]
    rows = []
    for many in MANY:
        for first in range(0, CURVES - many + 1, many):
            own = list(range(first, first + many))
            rules = {"alone": [alone[k] for k in own], "together": seen_together([alone[k] for k in own])}
            for rule, known in rules.items():
                rows += _choices(world, own, known, {"rule": rule, "K": many, "apart": world.apart})
    return rows


def _choices(world: World, own: list[int], known: list[Evidence], what: dict[str, Any]) -> list[dict[str, Any]]:
    needed = [labels_needed(evidence, world.target) for evidence in known]
    rows = []
    for confidence in CONFIDENCES:
        labels = [
            max(n, BUDGETS[0]) if (n := posterior.quantile(confidence)) <= evidence.limit else np.inf
            for posterior, evidence in zip(needed, known, strict=True)
        ]
        best = int(np.argmin(labels))
        if np.isfinite(labels[best]):
            over = np.ceil(labels[best]) / world.oracle(own, confidence)
            rows.append(what | {"p": confidence, "kept": world.kept(own[best], np.ceil(labels[best])), "over": over})
    return rows


def main(worlds: int, first: int) -> None:
    started = time.process_time()
    rows = [row for seed in range(first, first + worlds) for row in judge(seed)]
    print("| apart | K | rule | " + " | ".join(f"kept at {p} (labels)" for p in CONFIDENCES) + " |")
    print("|---|---|---|" + "---|" * len(CONFIDENCES))
    for apart in SPREADS:
        for many in MANY:
            for rule in ("alone", "together") if many > 1 else ("alone",):
                cells = []
                for p in CONFIDENCES:
                    found = [r for r in rows if (r["apart"], r["K"], r["rule"], r["p"]) == (apart, many, rule, p)]
                    kept, over = (np.array([r[name] for r in found]) for name in ("kept", "over"))
                    cells.append(f"{kept.mean():.3f} ({np.median(over):.2f})" if len(found) else "")
                print(f"| {apart:g} | {many} | {rule} | {' | '.join(cells)} |", flush=True)
    print(f"{worlds} worlds, {time.process_time() - started:.0f} CPU s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 150, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
