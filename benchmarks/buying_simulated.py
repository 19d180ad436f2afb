"""Does a purchase in rounds keep what it promises? Simulated purchases with known truth, decided by `analysis.buying`.

    python benchmarks/buying_simulated.py [--runs 1000] [--strategies 1] [--world hard] [--confidence .9]
    python benchmarks/buying_simulated.py --all [--runs 300]

A world has curves with slopes LogNormal(log .6, .3) and floors of 0 to .6 of the error, a target that the best of its
strategies meets with the confidence asked for at 15 to 150 labels (the oracle), frames whose relative errors scatter
and persist from look to look, and models with luck. World `hard` takes frames as the first sketch of the rule did
(exponential-like, relative spread 1.05, no cheap labels); `real` as real out-of-fold errors are (`buying_noise.py`:
skewed, .4 to .65, half persistent, correlation .6 with a cheap energy); the others change one thing of `hard`. Told:
purchases that met the target with the model handed out, what their certificates said on average, refusals, labels
bought over the oracle's (median, 90 %), looks, strategies left at the end. Two rules that need no posterior stand
beside it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import gamma

from analysis.buying.controls import mean_error
from analysis.buying.decide import decide_from
from analysis.buying.decision import Costs, Limits, Wish
from analysis.buying.noise_law import NoiseLaw
from analysis.buying.posterior import Looks
from analysis.buying.prior import prior_of
from analysis.curves.curve_key import CurveKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.buying.prior import CurvePrior

START, MOST = 16, 600
_NORMAL = np.linspace(-5.5, 5.5, 2001)
_LOG_SIZES = np.log(np.geomspace(8, MOST, 120))


@dataclass(frozen=True)
class Frames:
    """How errors of frames scatter in a world.

    Attributes:
        spread: range of the relative spread of one frame's error.
        heavy: lognormal in place of gamma.
        kept: share of a frame's luck that all models repeat.
        control: correlation of that luck with a cheap energy; 0: there are no cheap labels.
        luck: range of the spread between models.
        slope: centre and spread of slopes; `bent`: (early, late) slopes that turn over at 50 labels.
        floor: range of the floor's share of the error where the target is met.
    """

    spread: tuple[float, float] = (1.05, 1.05)
    heavy: bool = False
    kept: float = 0.94
    control: float = 0.0
    luck: tuple[float, float] = (0.08, 0.08)
    slope: tuple[float, float] = (0.6, 0.3)
    floor: tuple[float, float] = (0.0, 0.6)
    bent: tuple[float, float] | None = None


HARD = Frames()
WORLDS = {
    "hard": HARD,
    "real": Frames((0.4, 0.65), heavy=True, kept=0.65, control=0.6, luck=(0.05, 0.1)),
    "flat": replace(HARD, slope=(0.35, 0.2)),
    "steep": replace(HARD, slope=(1.0, 0.2)),
    "noisy": replace(HARD, spread=(1.68, 1.68)),
    "heavy": replace(HARD, heavy=True),
    "bent": replace(HARD, bent=(0.9, 0.35)),
    "floor": replace(HARD, floor=(0.7, 0.9)),
}


@dataclass
class World:
    """One molecule: what a purchase may look at, and the truth that judges it."""

    rng: np.random.Generator
    frames: Frames
    n_strategies: int
    confidence: float
    oracle: int = field(init=False)
    log_target: float = field(init=False)

    def __post_init__(self) -> None:
        rng, frames, k = self.rng, self.frames, self.n_strategies
        self._size = round(float(np.exp(rng.uniform(np.log(15), np.log(150)))))
        self._spread, self._luck = rng.uniform(*frames.spread), rng.uniform(*frames.luck)
        self._alpha = frames.slope[0] * np.exp(frames.slope[1] * rng.standard_normal(k))
        self._phi = rng.uniform(*frames.floor, k)
        self._level = 0.35 * np.abs(rng.standard_normal(k)) * (np.arange(k) > 0)
        if frames.heavy:
            variance = np.log1p(self._spread**2)
            self._errors = np.exp(np.sqrt(variance) * _NORMAL - variance / 2)
        else:
            self._errors = gamma.ppf(ndtr(_NORMAL), self._spread**-2) * self._spread**2
        self._common, self._own = rng.standard_normal(MOST), rng.standard_normal((k, MOST))
        self.control = frames.control * self._common + np.sqrt(1 - frames.control**2) * rng.standard_normal(MOST)
        shared = _nested_luck(rng)
        self._u = [np.sqrt(0.3) * shared + np.sqrt(0.7) * _nested_luck(rng) for _ in range(k)]
        curves = (
            np.stack([self.curve(i, np.arange(1.0, MOST + 1)) for i in range(k)]) + ndtri(self.confidence) * self._luck
        )
        self.log_target = float(curves[:, self._size - 1].min())
        self.oracle = int(np.argmax((curves <= self.log_target + 1e-12).any(axis=0))) + 1

    def curve(self, k: int, n: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Log error of strategy k with n labels, luck apart."""
        n = np.asarray(n, dtype=float)
        if self.frames.bent is None:
            decay = (n / self._size) ** -self._alpha[k]
        else:
            early, late = self.frames.bent
            decay = np.where(n < 50, (n / 50) ** -early, (n / 50) ** -late)
        return np.asarray(self._level[k] + np.log((1 - self._phi[k]) * decay + self._phi[k]))

    def luck(self, k: int, n: float) -> float:
        """Luck of the model of n labels."""
        return self._luck * float(np.interp(np.log(n), _LOG_SIZES, self._u[k]))

    def out_of_fold(self, k: int, n: int, n_folds: int) -> NDArray[np.float64]:
        """Errors of all n labels by models without them."""
        rng, kept = self.rng, self.frames.kept
        persistent = np.sqrt(0.5) * (self._common + self._own[k]) if self.n_strategies > 1 else self._common
        normal = np.sqrt(kept) * persistent[:n] + np.sqrt(1 - kept) * rng.standard_normal(n)
        common = 0.7 * self.luck(k, n) + 0.04 * rng.standard_normal()
        if n_folds == 2:
            common += 0.35 * self._spread / np.sqrt(n) * rng.standard_normal()
        level = float(self.curve(k, n * (1 - 1 / n_folds))) + common
        return np.asarray(np.exp(level) * np.interp(normal, _NORMAL, self._errors))


def _nested_luck(rng: np.random.Generator) -> NDArray[np.float64]:
    """Standard normal luck at `_LOG_SIZES`, correlated as nested draws of labels are: sqrt(n / n')."""
    noise = rng.standard_normal(len(_LOG_SIZES))
    kept = np.exp(-0.5 * (_LOG_SIZES[1] - _LOG_SIZES[0]))
    for i in range(1, len(noise)):
        noise[i] = kept * noise[i - 1] + np.sqrt(1 - kept**2) * noise[i]
    return noise


def purchase(world: World, prior: CurvePrior, law: NoiseLaw) -> dict[str, float]:
    """Buy until the decision says stop or cannot."""
    keys = [CurveKey(f"strategy {k}") for k in range(world.n_strategies)]
    seen: dict[CurveKey, list[tuple[float, float, float]]] = {key: [] for key in keys}
    wish, n, looks = Wish(float(np.exp(world.log_target)), world.confidence), START, 0
    racing = keys
    while True:
        looks += 1
        shown = {}
        for key in racing:
            k, variance = keys.index(key), 1.0
            for n_folds in (2, 10):
                control = (world.control[:n, None], np.zeros(1)) if world.frames.control else ()
                found = mean_error(world.out_of_fold(k, n, n_folds), *control)
                seen[key].append((n, n * (1 - 1 / n_folds), found.log_mean))
                variance = found.relative_variance
            labels, trained, error = np.array(seen[key]).T
            shown[key] = Looks(labels, trained, error, variance)
        decision = decide_from(shown, wish, Limits(most_labels=MOST), Costs(), prior, law)
        if decision.action != "buy":
            best = keys.index(decision.best.key)
            met = float(world.curve(best, n)) + world.luck(best, n) <= world.log_target
            return {
                "met": met,
                "said": decision.best.probability,
                "refused": decision.action == "cannot",
                "ratio": n / world.oracle,
                "looks": looks,
                "left": len(racing),
            }
        n, racing = decision.n_next, list(decision.racing)


def simple_rule(world: World, errors_above: float) -> dict[str, float]:
    """Stop at the first label at which the cross-validated error plus some standard errors meets the target."""
    for n in range(START, MOST + 1):
        errors = world.out_of_fold(0, n, 10)
        relative = errors.std(ddof=1) / errors.mean() / np.sqrt(n)
        if np.log(errors.mean()) + errors_above * relative <= world.log_target:
            break
    met = float(world.curve(0, n)) + world.luck(0, n) <= world.log_target
    return {"met": met, "said": np.nan, "refused": 0, "ratio": n / world.oracle, "looks": n - START + 1, "left": 1}


def judge(options: argparse.Namespace, rule: float | None = None) -> None:
    """Run purchases and print a line of the table."""
    prior, law, began = prior_of(options.prior), NoiseLaw(), time.process_time()
    runs = []
    for run in range(options.runs):
        rng = np.random.default_rng([options.seed, run])
        world = World(rng, WORLDS[options.world], options.strategies, options.confidence)
        runs.append(purchase(world, prior, law) if rule is None else simple_rule(world, rule))
    table = {name: np.array([float(run[name]) for run in runs]) for name in runs[0]}
    told = table["refused"] == 0
    name = f"K = {options.strategies}, {options.prior}" if rule is None else f"error + {rule:g} se, every label"
    print(
        f"| {options.world} | {name} | {options.confidence:g} | {table['met'][told].mean():.3f} | "
        f"{table['said'][told].mean():.3f} | {table['refused'].mean():.3f} | {np.median(table['ratio'][told]):.2f} | "
        f"{np.quantile(table['ratio'][told], 0.9):.2f} | {table['looks'].mean():.1f} | {table['left'].mean():.1f} | "
        f"{time.process_time() - began:.0f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--strategies", type=int, default=1)
    parser.add_argument("--world", choices=WORLDS, default="hard")
    parser.add_argument("--confidence", type=float, default=0.9)
    parser.add_argument("--prior", choices=("learnt", "vague"), default="learnt")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="all worlds, 1 and 4 strategies, four confidences")
    options = parser.parse_args()
    print("| world | rule | confidence | met | said | refused | labels over oracle's | 90 % | looks | left | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    if not options.all:
        judge(options)
        return
    for rule in (0.0, 1.28):
        judge(options, rule)
    for world in ("hard", "real"):
        for strategies in (1, 4):
            for confidence in (0.7, 0.8, 0.9, 0.95):
                options.world, options.strategies, options.confidence = world, strategies, confidence
                judge(options)
    options.strategies, options.confidence, options.prior = 1, 0.9, "vague"
    for world in ("hard", "real"):
        options.world = world
        judge(options)
    options.prior = "learnt"
    for world in list(WORLDS)[2:]:
        options.world = world
        judge(options)


if __name__ == "__main__":
    main()
