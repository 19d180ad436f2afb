"""Does a surface hold for these runs? Negative transfer budget by budget, and a check on held-out budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtr

from analysis.caveats import Caveat, those_that_hold
from analysis.curves.curves import competing_curves, curves_of
from analysis.surface.cells import SCRATCH, on_surface, surface_cells
from analysis.surface.surface import Surface, fit_surface, new_run_spread, surface_draws

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.curves.curves import Curve

#: One-sided level of the test for harm: a surface has dozens of cells, of which few may be flagged by chance.
HARM_LEVEL = 0.01
#: Share of held-out cells that their 90 % bands must hold.
MIN_HELD = 0.75


@dataclass(frozen=True)
class Harm:
    """Cheap frames that made the error larger than accurate labels alone.

    Attributes:
        label: the curve's name for people.
        strategy: of the curve, as in `Cells.strategies`.
        n_cheap: of the curve.
        budget: accurate labels.
        ratio: error over that of `accurate_only` at the same budget, geometric mean over seeds.
        p: probability of so large a ratio without harm.
    """

    label: str
    strategy: str
    n_cheap: int
    budget: int
    ratio: float
    p: float


@dataclass(frozen=True)
class HeldOut:
    """A fit without the largest budgets, asked for them.

    Attributes:
        budgets: left out.
        cells: how many means were predicted.
        covered: of these, how many lay in the 90 % band.
        log_rmse: root mean square of the log of measured over predicted error.
    """

    budgets: tuple[int, ...]
    cells: int
    covered: int
    log_rmse: float


@dataclass(frozen=True, eq=False)
class SurfaceFit:
    """A surface with what speaks against it.

    Attributes:
        surface: the fit to all cells without harm.
        curves: the curves that it was fitted to.
        held_out: the check on the largest budgets; None where too little is left without them.
        harm: cells that were left out because cheap frames hurt there.
        status: caveats: of the surface, `negative_transfer`, `held_out_missed`, `not_checked`.
    """

    surface: Surface
    curves: tuple[Curve, ...]
    held_out: HeldOut | None
    harm: tuple[Harm, ...]
    status: tuple[Caveat, ...]

    @property
    def usable(self) -> bool:
        """Whether a plan may rest on it."""
        return self.held_out is not None and not {Caveat.SURFACE_LACK_OF_FIT, Caveat.HELD_OUT_MISSED} & set(self.status)


def surface_of(table: pd.DataFrame, *, seed: int = 0) -> SurfaceFit | None:
    """Fit the surface of a sweep, check it on its largest budgets, and leave out where cheap frames hurt.

    Args:
        table: results table.
        seed: of the posterior draws.

    Returns:
        None where the sweep has too few cells: no accurate labels alone, no strategy with cheap frames, or too few
        budgets.

    Raises:
        InputError: the table has no usable curve.
    """
    return surface_of_curves(competing_curves(curves_of(table)), seed=seed)


def surface_of_curves(competing: Sequence[Curve], *, seed: int = 0) -> SurfaceFit | None:
    """The same of the curves that compete for a purchase."""
    curves = surface_curves(competing)
    harm = negative_transfer(curves)
    hurt = [(found.strategy, found.n_cheap, found.budget) for found in harm]
    cells = surface_cells(curves, leave_out=hurt)
    if cells is None:
        return None
    surface = fit_surface(cells, seed=seed)
    held_out = check_held_out(curves, hurt, seed=seed)
    conditions = {
        Caveat.NEGATIVE_TRANSFER: bool(harm),
        Caveat.NOT_CHECKED: held_out is None,
        Caveat.HELD_OUT_MISSED: held_out is not None and held_out.covered < MIN_HELD * held_out.cells,
    }
    status = (*surface.status, *those_that_hold(conditions))
    return SurfaceFit(surface, curves, held_out, harm, status)


def surface_curves(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """One curve for each strategy of a surface and number of cheap frames: of several schedules the one run most."""
    chosen: dict[tuple[str, int], Curve] = {}
    for curve in curves:
        if not on_surface(curve):
            continue
        key = curve.key.way, curve.key.n_cheap
        if key not in chosen or len(curve.budget) > len(chosen[key].budget):
            chosen[key] = curve
    return tuple(chosen.values())


def negative_transfer(curves: Sequence[Curve]) -> tuple[Harm, ...]:
    """Test at every budget whether cheap frames hurt: paired by seed against accurate labels only, one-sided t.

    The noise of the differences is pooled over the budgets of a curve; single seeds cannot be tested.

    Args:
        curves: from `surface_curves`.
    """
    scratch = next((curve for curve in curves if curve.key.strategy == SCRATCH), None)
    found = []
    for curve in curves if scratch is not None else ():
        if curve.key.strategy == SCRATCH or scratch is None:
            continue
        base = dict(zip(zip(scratch.budget, scratch.seed, strict=True), np.log(scratch.error_ev_ang), strict=True))
        differences: dict[int, list[float]] = {}
        for n, s, value in zip(curve.budget, curve.seed, np.log(curve.error_ev_ang), strict=True):
            if (n, s) in base:
                differences.setdefault(int(n), []).append(value - base[n, s])
        groups = {n: np.array(differences[n]) for n in sorted(differences)}
        df = sum(len(own) - 1 for own in groups.values())
        if not df:
            continue
        sd = np.sqrt(sum(float(np.sum((own - own.mean()) ** 2)) for own in groups.values()) / df)
        for n, own in groups.items():
            mean = float(own.mean())
            p = float(1 - stdtr(df, mean / max(sd / np.sqrt(len(own)), 1e-9)))
            if p < HARM_LEVEL:
                key = curve.key
                found.append(Harm(key.label(), key.way, key.n_cheap, n, float(np.exp(mean)), p))
    return tuple(found)


def check_held_out(
    curves: Sequence[Curve], hurt: Sequence[tuple[str, int, int]] = (), *, seed: int = 0
) -> HeldOut | None:
    """Fit without the largest budgets (a quarter of them, at least one) and predict their means.

    Args:
        curves: from `surface_curves`.
        hurt: (strategy, n_cheap, budget) that the surface cannot express.
        seed: of the posterior draws.

    Returns:
        None where too little is left to fit.
    """
    budgets = sorted({int(n) for curve in curves for n in curve.budget})
    left_out = budgets[-max(len(budgets) // 4, 1) :]
    gone = [(curve.key.way, curve.key.n_cheap, n) for curve in curves for n in left_out]
    whole, part = surface_cells(curves, leave_out=hurt), surface_cells(curves, leave_out=[*gone, *hurt])
    if whole is None or part is None or len(set(part.n_accurate.tolist())) < 3:
        return None
    surface = fit_surface(part, seed=seed)
    rng = np.random.default_rng(seed)
    misses, covered = [], 0
    for at in np.flatnonzero(np.isin(whole.n_accurate, left_out)):
        strategy = SCRATCH if whole.strategy[at] < 0 else whole.strategies[whole.strategy[at]]
        if strategy != SCRATCH and strategy not in part.strategies:
            continue
        draws = surface_draws(surface, strategy, whole.n_accurate[at : at + 1], whole.n_cheap[at : at + 1])[:, 0]
        spread = np.sqrt(surface.tau**2 + (new_run_spread(surface, strategy) ** 2 - surface.tau**2) / whole.count[at])
        ahead = draws.repeat(20) + spread * rng.normal(size=20 * len(draws))
        low, median, high = np.quantile(ahead, [0.05, 0.5, 0.95])
        misses.append(whole.mean_log[at] - median)
        covered += bool(low <= whole.mean_log[at] <= high)
    if not misses:
        return None
    return HeldOut(tuple(left_out), len(misses), covered, float(np.sqrt(np.mean(np.square(misses)))))
