"""The figure of the bias-weight temperature: errors with weights over those without, paired by seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from scipy.special import stdtrit

from analysis.curves.curves import curves_of, representative_curves
from analysis.figures.drawing import ticks_apart
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import figure_style, look_of
from asteroid.measured_errors import heading_in
from study.strategies import STRATEGIES, baseline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from analysis.curves.curves import Curve
    from analysis.figures.picture import FigureInput
    from study.counts import LowerLevels
    from study.strategies import Strategy

#: Budgets shown unless chosen, and the probability that the interval of a mean holds.
N_BUDGETS, COVERAGE = 3, 0.9
_COLUMNS = ["part", "schedule", "n_cheap", "budget", "gamma_rel", "seed", "ratio", "lo", "hi", "n_seeds"]
#: The scratch line is drawn while it lies within this factor of the ratios with weights; else its value is written.
_NEAR = 1.15
#: gamma = inf stands this factor to the right of the largest finite gamma.
_INF_STEP = 10**0.5


def gamma_data(table: pd.DataFrame, *, budgets: Sequence[int] | None = None) -> pd.DataFrame:
    """Numbers of the gamma figure: ratios to the run without weights of the same seed, budget, n_cheap and schedule.

    Shown are the schedule and n_cheap that the learning curve of `asteroid` has (`curves.representative_curves`); where
    that has no partner without weights, those of the pair with the most cheap frames.

    Args:
        table: results table.
        budgets: to show; by default the smallest, the middle and the largest budget with pairs.

    Returns:
        Rows of three parts: `seed`, the ratio of one seed at one gamma (exactly 1 at gamma = inf); `mean`, the
        geometric mean over seeds with the 90 % Student interval of its logarithm (`lo`, `hi`; NaN for one seed); and
        `scratch`, the same for `accurate_only` (gamma_rel NaN). Empty where no run with weights has a partner without.

    Raises:
        InputError: the table has no usable curve.
    """
    curves = curves_of(table)
    entry = _weighted()
    # The run without weights is stored under the unweighted twin; a table may carry it under the strategy itself.
    plain = {
        _recipe(curve): curve
        for curve in curves
        if curve.key.strategy in (entry.slug, entry.unweighted_twin) and np.isinf(curve.key.gamma_rel)
    }
    arms = [curve for curve in curves if curve.key.strategy == entry.slug and np.isfinite(curve.key.gamma_rel)]
    paired = [curve for curve in arms if _recipe(curve) in plain]
    if not paired:
        return pd.DataFrame(columns=_COLUMNS)
    # A search may have settled on no weights: its curve has no arm with weights to show.
    best = next((curve for curve in representative_curves(curves) if curve in paired), None)
    shown = best or max(paired, key=lambda curve: curve.key.n_cheap)
    base = plain[_recipe(shown)]
    arms = [curve for curve in paired if _recipe(curve) == _recipe(shown)]
    seeds = pd.concat([_ratios(curve, base) for curve in [*arms, base]], ignore_index=True).assign(part="seed")
    with_weights = sorted(set(seeds.loc[np.isfinite(seeds["gamma_rel"]), "budget"]))
    wanted = _spread_out(with_weights) if budgets is None else [b for b in budgets if b in with_weights]
    from_scratch = [curve for curve in curves if curve.key.strategy == baseline().slug]
    alike = [curve for curve in from_scratch if curve.key.schedule == base.key.schedule]  # both tuned, or both not
    scratch = [_ratios(curve, base) for curve in alike or from_scratch[:1]]
    parts = [seeds, _means(seeds).assign(part="mean"), *(_means(ratios).assign(part="scratch") for ratios in scratch)]
    data = pd.concat(parts, ignore_index=True).assign(schedule=base.key.schedule, n_cheap=base.key.n_cheap)
    data = data[data["budget"].isin(wanted)].reset_index(drop=True)
    return data.astype({"seed": "Int64", "n_seeds": "Int64"})[_COLUMNS]


def plot_gamma(data: pd.DataFrame, figure: Figure, *, force_unit: str = "kcal/mol/Å") -> list[Axes]:
    """Draw a panel for each budget: thin lines for seeds, their mean, no weights at the right edge, and a line at 1.

    Args:
        data: from `gamma_data`, not empty.
        figure: is filled; about 2.2 inches of width for each budget.
        force_unit: tells what the errors are of.
    """
    colour, marker = look_of(_weighted().slug)
    mean_look: Any = {"color": colour, "marker": marker, "markeredgecolor": "white", "markeredgewidth": 0.4}
    seed_look: Any = {"color": colour, "linewidth": 0.6, "alpha": 0.6}
    scratch_look: Any = {"color": look_of(baseline().slug).colour, "linestyle": (0, (3, 1.5))}
    one_look: Any = {"color": "0.3", "linestyle": ":", "linewidth": 0.9}
    handles = [
        Line2D([], [], label="one seed", **seed_look),
        Line2D([], [], label="geometric mean, 90 % interval", **mean_look),
        Line2D([], [], label="without weights", **one_look),
    ]
    with figure_style():
        budgets = sorted(set(data["budget"]))
        panels: list[Axes] = list(figure.subplots(1, len(budgets), sharey=True, squeeze=False).ravel())
        low, high = _ratio_range(data)
        finite = sorted({gamma for gamma in data["gamma_rel"] if np.isfinite(gamma)})
        edge = finite[-1] * _INF_STEP
        for ax, budget in zip(panels, budgets, strict=True):
            own = data[data["budget"] == budget].assign(at=lambda rows: rows["gamma_rel"].replace(np.inf, edge))
            ax.axhline(1, zorder=1, **one_look)
            for _, rows in own[own["part"] == "seed"].sort_values("at").groupby("seed"):
                ax.plot(rows["at"], rows["ratio"], zorder=2, **seed_look)
            mean = own[own["part"] == "mean"].sort_values("at")
            ax.plot(mean["at"], mean["ratio"], zorder=4, **mean_look)
            ax.vlines(mean["at"], mean["lo"], mean["hi"], color=colour, linewidth=1.3, zorder=3)
            ax.set(xscale="log", yscale="log", xlim=(finite[0] / 1.6, edge * 1.6), ylim=(low, high))
            for ratio in own.loc[own["part"] == "scratch", "ratio"]:
                _draw_scratch(float(ratio), ax, scratch_look)
            _name_ticks(ax, finite, edge)
            ax.set_title(f"{budget:,} accurate labels", loc="left")
            ax.spines[["top", "right"]].set_visible(False)
        if any(line.get_gid() == "scratch" for ax in panels for line in ax.lines):
            handles.append(Line2D([], [], label=baseline().name_inside, **scratch_look))
        n_cheap = int(data["n_cheap"].iloc[0])
        narrow = len(panels) == 1
        place = "\n" if narrow else " "
        figure.supxlabel(f"γ / median estimated bias (∞: no weights),{place}{n_cheap:,} cheap frames", fontsize=8)
        panels[0].set_ylabel(f"{heading_in(force_unit)} over that without weights")
        figure.legend(handles=handles, loc="outside upper center", ncols=2 if narrow else len(handles), frameon=False)
    return panels


def _weighted() -> Strategy:
    """The strategy whose weights the figure is about."""
    return next(entry for entry in STRATEGIES.values() if entry.weighted)


def _recipe(curve: Curve) -> tuple[str, LowerLevels]:
    """What runs with weights and those without must share."""
    return curve.key.schedule, curve.key.lower


def _ratios(curve: Curve, base: Curve) -> pd.DataFrame:
    """Error ratios of runs that share budget and seed."""
    sides = [
        pd.DataFrame({"budget": side.budget, "seed": side.seed, "error": side.error_ev_ang}) for side in (curve, base)
    ]
    both = sides[0].merge(sides[1], on=["budget", "seed"], suffixes=("", "_base"))
    ratio = both["error"] / both["error_base"]
    return both[["budget", "seed"]].assign(ratio=ratio, gamma_rel=curve.key.gamma_rel)


def _means(ratios: pd.DataFrame) -> pd.DataFrame:
    """Geometric means over seeds with their intervals."""
    rows = []
    for (budget, gamma_rel), group in ratios.groupby(["budget", "gamma_rel"], dropna=False):
        logs = np.log(group["ratio"].to_numpy(dtype=float))
        n, mean = len(logs), float(np.mean(logs))
        half = float(stdtrit(n - 1, (1 + COVERAGE) / 2) * np.std(logs, ddof=1) / np.sqrt(n)) if n > 1 else np.nan
        low, middle, high = np.exp([mean - half, mean, mean + half])
        values = {"budget": budget, "gamma_rel": gamma_rel, "ratio": middle, "lo": low, "hi": high, "n_seeds": n}
        rows.append(values)
    return pd.DataFrame(rows, columns=["budget", "gamma_rel", "ratio", "lo", "hi", "n_seeds"])


def _spread_out(budgets: list[int]) -> list[int]:
    return sorted({budgets[round(place)] for place in np.linspace(0, len(budgets) - 1, N_BUDGETS)})


def _ratio_range(data: pd.DataFrame) -> tuple[float, float]:
    """Limits around all ratios with weights, and around the scratch ratios that are near."""
    ratios = data.loc[data["part"] != "scratch", ["ratio", "lo", "hi"]].to_numpy(dtype=float)
    low, high = min(float(np.nanmin(ratios)), 0.95), max(float(np.nanmax(ratios)), 1.05)
    scratch = data.loc[data["part"] == "scratch", "ratio"].to_numpy(dtype=float)
    near = scratch[(scratch >= low / _NEAR) & (scratch <= high * _NEAR)]
    # Room above for the value of a scratch ratio that is far away.
    return min(low, *near, np.inf) / 1.03, max(high, *near, 0.0) * 1.1


def _draw_scratch(ratio: float, ax: Axes, look: dict[str, Any]) -> None:
    low, high = ax.get_ylim()
    if low <= ratio <= high:
        ax.axhline(ratio, zorder=1, gid="scratch", **look)
        return
    above = ratio > high
    ax.annotate(
        f"{'↑' if above else '↓'} {baseline().name_inside}: {ratio:.2g}",
        (0.02, 0.99 if above else 0.01),
        xycoords="axes fraction",
        va="top" if above else "bottom",
        fontsize=6.5,
        color=look["color"],
    )


def _name_ticks(ax: Axes, finite: list[float], edge: float) -> None:
    low, high = ax.get_ylim()
    ax.xaxis.set_major_locator(
        FixedLocator([*ticks_apart(finite, decades=max(0.25, np.log10(edge / finite[0]) / 7)), edge])
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: "∞" if np.isclose(value, edge) else f"{value:g}"))
    # Less than a factor of four: equal steps, of which 1 is one; more: 1, 2 and 5.
    steps = MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(low, high)
    ax.yaxis.set_major_locator(FixedLocator(steps) if high / low < 4 else LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())


def _picture(given: FigureInput) -> Picture | None:
    data = pd.DataFrame() if given.run is None else gamma_data(given.run.table)
    if not len(data):
        return None
    figure = Figure(figsize=(max(3.4, 0.5 + 2.1 * data["budget"].nunique()), 2.9), layout="constrained")
    plot_gamma(data, figure, force_unit=given.force_unit)
    means = data[(data["part"] == "mean") & (data["gamma_rel"] < float("inf"))]
    said = (
        f"{row['ratio']:.2f} at γ/median {row['gamma_rel']:g} with {row['budget']:,} labels"
        for _, row in means.iterrows()
    )
    return Picture(
        figure,
        data,
        "Do the bias weights help?",
        f"{heading_in(given.force_unit, 'error')} with bias weights over that without, paired by seed: below 1 the "
        "weights help.",
        f"Mean ratios of errors with and without weights: {'; '.join(said)}.",
    )


FIGURE = RunFigure("gamma", _picture)
