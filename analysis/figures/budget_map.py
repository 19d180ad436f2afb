"""The budget map: errors over both kinds of labels, where the target is met, what it costs, where nothing was run."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator
from scipy.special import ndtr

from analysis.figures.drawing import price_unit, ticks_apart
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import COLUMN_IN, figure_style, new_figure
from analysis.names import display_level
from analysis.plan.pricing import label_price
from analysis.surface.cells import SCRATCH
from analysis.surface.surface import new_run_spread, surface_draws
from asteroid.errors import InputError
from asteroid.measured_errors import error_unit, heading_in
from asteroid.units import SECONDS
from study.strategies import strategy_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from numpy.typing import NDArray

    from analysis.figures.picture import FigureInput
    from analysis.plan.options import Option
    from analysis.surface.transfer import SurfaceFit
    from study.prices import PriceList

#: Nodes along each axis, and how far the map goes beyond the runs.
_NODES, _BEYOND = 48, 2.0
LEVELS = (0.5, 0.9)


def map_strategies(fitted: SurfaceFit) -> list[str]:
    """Strategies (`CurveKey.way`) that were run with two numbers of cheap frames or more: a map needs both axes."""
    counts: dict[str, set[int]] = {}
    for curve in fitted.curves:
        if curve.key.way != SCRATCH and curve.key.way in fitted.surface.cells.strategies:
            counts.setdefault(curve.key.way, set()).add(curve.key.n_cheap)
    return [strategy for strategy, found in counts.items() if len(found) > 1]


def map_data(
    fitted: SurfaceFit, strategy: str, prices: PriceList, target_ev_ang: float, choice: Option | None = None
) -> pd.DataFrame:
    """Numbers of the map.

    Args:
        fitted: from `transfer.surface_of`.
        strategy: one of `map_strategies`.
        prices: of the accurate level; the cheap side is priced by the table itself.
        target_ev_ang: force MAE to meet, eV/Å.
        choice: the recommended purchase, shown where it is of this strategy.

    Returns:
        Rows of three parts: `node` of a grid, `run`, where there are runs, and `choice`. Columns strategy, n_accurate,
        n_cheap, force_mae_ev_ang (median of a new run), probability (that it meets the target), price_cpu_s (labels),
        extrapolated (outside the range of the runs).

    Raises:
        InputError: the strategy has fewer than two numbers of cheap frames.
    """
    if strategy not in map_strategies(fitted):
        raise InputError(f"a map needs two numbers of cheap frames, found fewer for {strategy!r}: add n_cheap")
    own = [curve for curve in fitted.curves if curve.key.way == strategy]
    runs = sorted({(int(n), curve.key.n_cheap) for curve in own for n in curve.budget})
    accurate, cheap = np.array([n for n, _ in runs]), np.array([c for _, c in runs])
    x = np.geomspace(accurate.min(), accurate.max() * _BEYOND, _NODES)
    y = np.geomspace(cheap.min() / _BEYOND, cheap.max() * _BEYOND, _NODES)
    nodes = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    parts = [("node", nodes), ("run", np.array(runs, dtype=float))]
    if choice is not None and choice.key.way == strategy:
        parts.append(("choice", np.array([[choice.n_accurate, choice.key.n_cheap]], dtype=float)))
    spread = math.hypot(new_run_spread(fitted.surface, strategy), own[0].test_relative_se)
    base = label_price(own[0], prices)
    frames = []
    for part, at in parts:
        draws = surface_draws(fitted.surface, strategy, at[:, 0], at[:, 1])
        price = [base.with_lower(replace(base.lower, n_cheap=round(c))).total(n) for n, c in at]
        outside = (at < [accurate.min(), cheap.min()]) | (at > [accurate.max(), cheap.max()])
        values = {"part": part, "strategy": strategy, "n_accurate": at[:, 0], "n_cheap": at[:, 1]}
        values |= {"force_mae_ev_ang": np.exp(np.median(draws, axis=0)), "price_cpu_s": price}
        values |= {"probability": ndtr((math.log(target_ev_ang) - draws) / spread).mean(axis=0)}
        frames.append(pd.DataFrame(values | {"extrapolated": outside.any(axis=1)}))
    return pd.concat(frames, ignore_index=True)


def plot_map(
    data: pd.DataFrame, ax: Axes, *, target_ev_ang: float, level: str = "CCSD(T)", force_unit: str = "kcal/mol/Å"
) -> Axes:
    """Draw the map: colour for errors, contours for the target, dotted lines of equal price, hatching beyond the runs.

    Args:
        data: from `map_data`.
        ax: where to draw.
        target_ev_ang: that of the data.
        level: name of the accurate level.
        force_unit: of the errors.

    Raises:
        InputError: the unit is not known.
    """
    met_by = f"{target_ev_ang / error_unit(force_unit):.3g} {force_unit} met with"
    nodes, runs = data[data["part"] == "node"], data[data["part"] == "run"]
    with figure_style(), mpl.rc_context({"hatch.linewidth": 0.4}):
        image = _draw_errors(nodes, ax, force_unit)
        handles: list[Line2D | Patch] = [_draw_prices(nodes, ax), *_draw_target(nodes, ax, met_by)]
        handles += _draw_points(data, ax)
        handles.append(Patch(facecolor="0.85", edgecolor="0.3", hatch="////", linewidth=0.4, label="outside the runs"))
        ax.set(xscale="log", yscale="log", xlabel=f"{level} labels", ylabel="Cheap frames")
        for axis, name in ((ax.xaxis, "n_accurate"), (ax.yaxis, "n_cheap")):
            axis.set_major_locator(FixedLocator(ticks_apart(sorted(set(runs[name])), 0.2)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axis.set_minor_locator(NullLocator())
            axis.set_minor_formatter(NullFormatter())
        ax.set(xlim=_ends(nodes["n_accurate"]), ylim=_ends(nodes["n_cheap"]))
        name, _, cheap_level = str(data["strategy"].iloc[0]).partition("|")
        ax.set_title(strategy_of(name).name + (f", {display_level(cheap_level)}" if cheap_level else ""), loc="left")
        figure = ax.get_figure(root=True)
        if figure is not None:
            bar = figure.colorbar(image, ax=ax, label=f"{heading_in(force_unit)} of a new run ({force_unit})")
            bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
            bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            bar.ax.yaxis.set_minor_locator(NullLocator())
            figure.legend(handles=handles, loc="outside lower left", frameon=False, ncols=1)
    return ax


def _grid(nodes: pd.DataFrame, name: str) -> tuple[NDArray[np.float64], ...]:
    """Both axes of the map and a column over them, [nx], [ny] and [ny, nx]."""
    x, y = np.unique(nodes["n_accurate"]), np.unique(nodes["n_cheap"])
    return x, y, nodes[name].to_numpy(dtype=float).reshape(len(y), len(x))


def _ends(values: pd.Series[float]) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _draw_errors(nodes: pd.DataFrame, ax: Axes, force_unit: str) -> QuadMesh:
    """Colour for errors, hatching where nothing was run."""
    x, y, error = _grid(nodes, "force_mae_ev_ang")
    error = error / error_unit(force_unit)
    look: Any = {"cmap": "cividis", "shading": "gouraud", "rasterized": True}
    image = ax.pcolormesh(x, y, error, norm=LogNorm(error.min(), error.max()), **look)
    ax.contourf(*_grid(nodes, "extrapolated"), levels=[0.5, 1.5], colors="none", hatches=["////"])
    return image


def _draw_prices(nodes: pd.DataFrame, ax: Axes) -> Line2D:
    """Lines of equal price."""
    x, y, price = _grid(nodes, "price_cpu_s")
    unit = price_unit(float(price.max()))
    look: Any = {"colors": "white", "linewidths": 0.6, "linestyles": ":"}
    lines = ax.contour(x, y, price / SECONDS[unit], locator=LogLocator(subs=(1.0, 2.0, 5.0)), **look)
    ax.clabel(lines, fmt=lambda value: f"{value:g} {unit}", fontsize=5.5, colors="white")
    return Line2D([], [], color="0.5", linestyle=":", linewidth=0.8, label="equal price of the labels (CPU)")


def _draw_target(nodes: pd.DataFrame, ax: Axes, met_by: str) -> list[Line2D]:
    """Lines along which the target is met with the probabilities of `LEVELS`."""
    x, y, probability = _grid(nodes, "probability")
    styles: tuple[Any, ...] = ("--", "-")
    handles = []
    for level, style in zip(LEVELS, styles, strict=True):
        if probability.min() < level < probability.max():
            ax.contour(x, y, probability, levels=[level], colors=["#e8601c"], linewidths=1.4, linestyles=style)
            label = f"{met_by} {level:.0%}"
            handles.append(Line2D([], [], color="#e8601c", linestyle=style, linewidth=1.4, label=label))
    return handles


def _draw_points(data: pd.DataFrame, ax: Axes) -> list[Line2D]:
    handles = []
    looks: dict[str, tuple[str, Any]] = {
        "run": (
            "runs",
            {"marker": "o", "color": "white", "markersize": 3, "markeredgecolor": "black", "markeredgewidth": 0.4},
        ),
        "choice": ("recommended", {"marker": "*", "color": "#e8601c", "markersize": 10, "markeredgecolor": "white"}),
    }
    for part, (label, look) in looks.items():
        points = data[data["part"] == part]
        if len(points):
            ax.plot(points["n_accurate"], points["n_cheap"], linestyle="none", zorder=5, **look)
            handles.append(Line2D([], [], linestyle="none", label=label, **look))
    return handles


def _picture(given: FigureInput) -> Picture | None:
    fitted, plan = None if given.run is None else given.run.surface, given.plan
    strategies = map_strategies(fitted) if fitted is not None and fitted.usable else []
    if given.run is None or fitted is None or plan is None or not strategies:
        return None
    named = [option.key.way for option in ([plan.choice] if plan.choice else []) + list(plan.alternatives)]
    strategy = next((name for name in named if name in strategies), strategies[0])
    data = map_data(fitted, strategy, given.prices, plan.target_ev_ang, plan.choice)
    figure, ax = new_figure(width_in=COLUMN_IN + 0.3, height_in=4.1)
    plot_map(data, ax, target_ev_ang=plan.target_ev_ang, level=given.level, force_unit=given.force_unit)
    nodes = data[data["part"] == "node"]
    met = nodes[(nodes["probability"] >= plan.confidence) & ~nodes["extrapolated"]].sort_values("price_cpu_s")
    said = f"Within the runs the target is nowhere met with {plan.confidence:.0%}"
    for _, row in met.head(1).iterrows():
        mix = f"{row['n_accurate']:,.0f} accurate labels and {row['n_cheap']:,.0f} cheap frames"
        said = f"Within the runs {mix} are the cheapest mix that meets the target with {plan.confidence:.0%}"
    errors = nodes["force_mae_ev_ang"] / given.scale
    return Picture(
        figure,
        data,
        "Both kinds of labels",
        f"{heading_in(given.force_unit, 'error')} of one strategy over accurate labels and cheap frames: orange lines "
        "where the target is met, dotted lines of equal price, hatched where nothing was run.",
        f"Errors from {errors.min():.2g} to {errors.max():.2g} {given.force_unit}. {said}.",
    )


FIGURE = RunFigure("budget_map", _picture)
