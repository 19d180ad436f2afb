"""The cells of a surface: means of runs that share a strategy and numbers of labels, with the noise about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from study.strategies import STRATEGIES, strategy_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analysis.curves.curves import Curve

#: The strategy without cheap frames; those that a surface compares with it train the same network.
SCRATCH = next(entry.slug for entry in STRATEGIES.values() if entry.surface == "scratch")
#: Relative noise is taken as at least this.
MIN_NOISE = 0.005
#: Parameters that all strategies of a surface share.
_N_PARAMETERS = 5


@dataclass(frozen=True, eq=False)
class Cells:
    """Means of runs that share strategy and numbers of labels.

    Attributes:
        strategy: place in `strategies` of each cell; -1: accurate labels only, [m].
        n_accurate: accurate labels, [m].
        n_cheap: cheap frames, [m].
        mean_log: mean of the log errors, [m].
        count: runs, [m].
        strategies: those that use cheap frames (`CurveKey.way`: with their cheap level, where there are several).
        sigma: relative noise between runs of each cell, less what a seed shares; one value for each strategy, [m].
        omega: relative noise that all runs of a seed share.
        seeds: number of seeds.
    """

    strategy: NDArray[np.int64]
    n_accurate: NDArray[np.float64]
    n_cheap: NDArray[np.float64]
    mean_log: NDArray[np.float64]
    count: NDArray[np.float64]
    strategies: tuple[str, ...]
    sigma: NDArray[np.float64]
    omega: float
    seeds: int


def on_surface(curve: Curve) -> bool:
    """Whether errors of a curve lie on the surface of its network."""
    return not curve.horizontal and strategy_of(curve.key.strategy).surface is not None


def surface_cells(curves: Sequence[Curve], *, leave_out: Sequence[tuple[str, int, int]] = ()) -> Cells | None:
    """Collect the cells of a surface.

    Args:
        curves: one for each strategy and number of cheap frames (settings chosen before).
        leave_out: (strategy as in `Cells.strategies`, n_cheap, budget) to leave out.

    Returns:
        None where there is no curve of accurate labels only, none with cheap frames, or fewer cells than parameters.
    """
    used = [c for c in curves if on_surface(c) and (c.key.strategy == SCRATCH or c.key.n_cheap)]
    names = tuple(dict.fromkeys(c.key.way for c in used if c.key.strategy != SCRATCH))
    parts = []
    for curve in used:
        at = names.index(curve.key.way) if curve.key.strategy != SCRATCH else -1
        gone = [n for way, n_cheap, n in leave_out if (way, n_cheap) == (curve.key.way, curve.key.n_cheap)]
        kept = ~np.isin(curve.budget, gone)
        n, same = curve.budget[kept].astype(float), np.ones(kept.sum())
        parts.append(
            np.stack(
                [at * same, n, curve.key.n_cheap * same, curve.seed[kept], np.log(curve.error_ev_ang[kept])], axis=1
            )
        )
    table = np.concatenate([np.empty((0, 5)), *parts])
    keys, group = np.unique(table[:, :3], axis=0, return_inverse=True)
    if not names or not (table[:, 0] == -1).any() or len(keys) < _N_PARAMETERS + 2 * len(names) + 2:
        return None
    count = np.bincount(group).astype(float)
    mean = np.bincount(group, weights=table[:, 4]) / count
    sigma, omega = _noise(table[:, 4] - mean[group], keys[group, 0], table[:, 3], len(count))
    return Cells(
        strategy=keys[:, 0].astype(np.int64),
        n_accurate=keys[:, 1],
        n_cheap=keys[:, 2],
        mean_log=mean,
        count=count,
        strategies=names,
        sigma=np.array([sigma[at] for at in keys[:, 0]]),
        omega=omega,
        seeds=len(np.unique(table[:, 3])),
    )


def _noise(
    rest: NDArray[np.float64], strategy: NDArray[np.float64], seed: NDArray[np.float64], n_cells: int
) -> tuple[dict[float, float], float]:
    """Noise between runs of a cell, for each strategy, and noise that all runs of a seed share; by moments.

    The noise of a strategy is pooled with that of all strategies, which counts as six runs.
    """
    df = len(rest) - n_cells
    if df == 0:
        return dict.fromkeys(strategy.tolist(), 0.1), 0.0  # one run for each cell: as the prior of single curves
    names, at = np.unique(seed, return_inverse=True)
    runs = np.bincount(at).astype(float)
    shift = np.bincount(at, weights=rest) / runs
    within = float(np.sum((rest - shift[at]) ** 2)) / max(df - len(names) + 1, 1)
    between = float(np.sum(runs * shift**2)) / max(len(names) - 1, 1)
    omega = np.sqrt(max((between - within) / runs.mean(), 0.0)) if len(names) > 1 and df > len(names) else 0.0
    left = rest - shift[at] if omega > 0 else rest
    pooled = float(np.sum(left**2)) / max(df - (len(names) - 1 if omega > 0 else 0), 1)
    sigma = {}
    for own in np.unique(strategy):
        share = df * float(np.mean(strategy == own))
        variance = (float(np.sum(left[strategy == own] ** 2)) + 6 * pooled) / (share + 6)
        sigma[float(own)] = max(float(np.sqrt(variance)), MIN_NOISE)
    return sigma, float(omega)
