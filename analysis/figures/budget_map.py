"""The budget map: errors over both kinds of labels, where the target is met, what it costs, where nothing was run."""

from __future__ import annotations

import math
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
from analysis.figures.style import figure_style
from analysis.plan.pricing import label_price
from analysis.surface.cells import SCRATCH
from analysis.surface.surface import new_run_spread, surface_draws
from asteroid.errors import InputError
from asteroid.units import SECONDS, force_unit_in_ev_ang
from study.strategies import strategy_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.plan.options import Option
    from analysis.surface.transfer import SurfaceFit
    from study.prices import PriceList

#: Nodes along each axis, and how far the map goes beyond the runs.
_NODES, _BEYOND = 48, 2.0
LEVELS = (0.5, 0.9)


def map_strategies(fitted: SurfaceFit) -> list[str]:
    """Strategies that were run with at least two numbers of cheap frames: a map needs both axes."""
    counts: dict[str, set[int]] = {}
    for curve in fitted.curves:
        if curve.key.strategy != SCRATCH and curve.key.strategy in fitted.surface.cells.strategies:
            counts.setdefault(curve.key.strategy, set()).add(curve.key.n_cheap)
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
    own = [curve for curve in fitted.curves if curve.key.strategy == strategy]
    runs = sorted({(int(n), curve.key.n_cheap) for curve in own for n in curve.budget})
    accurate, cheap = np.array([n for n, _ in runs]), np.array([c for _, c in runs])
    x = np.geomspace(accurate.min(), accurate.max() * _BEYOND, _NODES)
    y = np.geomspace(cheap.min() / _BEYOND, cheap.max() * _BEYOND, _NODES)
    nodes = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    parts = [("node", nodes), ("run", np.array(runs, dtype=float))]
    if choice is not None and choice.key.strategy == strategy:
        parts.append(("choice", np.array([[choice.n_accurate, choice.key.n_cheap]], dtype=float)))
    spread = math.hypot(new_run_spread(fitted.surface, strategy), own[0].test_relative_se)
    base = label_price(own[0], prices)
    frames = []
    for part, at in parts:
        draws = surface_draws(fitted.surface, strategy, at[:, 0], at[:, 1])
        price = [base.with_cheap_frames(round(c)).total(n) for n, c in at]
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
    scale = force_unit_in_ev_ang(force_unit)
    nodes = data[data["part"] == "node"]
    x, y = (np.unique(nodes[name]) for name in ("n_accurate", "n_cheap"))
    grids = {
        n: nodes[n].to_numpy(dtype=float).reshape(len(y), len(x))
        for n in ("force_mae_ev_ang", "probability", "price_cpu_s")
    }
    with figure_style(), mpl.rc_context({"hatch.linewidth": 0.4}):
        error = grids["force_mae_ev_ang"] / scale
        image = ax.pcolormesh(
            x, y, error, norm=LogNorm(error.min(), error.max()), cmap="cividis", shading="gouraud", rasterized=True
        )
        outside = nodes["extrapolated"].to_numpy(dtype=float).reshape(len(y), len(x))
        ax.contourf(x, y, outside, levels=[0.5, 1.5], colors="none", hatches=["////"])
        unit = price_unit(float(grids["price_cpu_s"].max()))
        priced = ax.contour(
            x,
            y,
            grids["price_cpu_s"] / SECONDS[unit],
            locator=LogLocator(subs=(1.0, 2.0, 5.0)),
            colors="white",
            linewidths=0.6,
            linestyles=":",
        )
        ax.clabel(priced, fmt=lambda value: f"{value:g} {unit}", fontsize=5.5, colors="white")
        handles: list[Line2D | Patch] = [
            Line2D([], [], color="0.5", linestyle=":", linewidth=0.8, label="equal price of the labels (CPU)")
        ]
        styles: tuple[Any, ...] = ("--", "-")
        for chance, style in zip(LEVELS, styles, strict=True):
            if grids["probability"].min() < chance < grids["probability"].max():
                ax.contour(
                    x, y, grids["probability"], levels=[chance], colors=["#e8601c"], linewidths=1.4, linestyles=style
                )
                text = f"{target_ev_ang / scale:.3g} {force_unit} met with {chance:.0%}"
                handles.append(Line2D([], [], color="#e8601c", linestyle=style, linewidth=1.4, label=text))
        handles += _draw_points(data, ax)
        handles.append(Patch(facecolor="0.85", edgecolor="0.3", hatch="////", linewidth=0.4, label="outside the runs"))
        runs = data[data["part"] == "run"]
        ax.set(
            xscale="log",
            yscale="log",
            xlabel=f"{level} labels",
            ylabel="Cheap frames",
            xlim=(x[0], x[-1]),
            ylim=(y[0], y[-1]),
        )
        ax.xaxis.set_major_locator(FixedLocator(ticks_apart(sorted(set(runs["n_accurate"])), 0.2)))
        ax.yaxis.set_major_locator(FixedLocator(ticks_apart(sorted(set(runs["n_cheap"])), 0.2)))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axis.set_minor_locator(NullLocator())
            axis.set_minor_formatter(NullFormatter())
        ax.set_title(strategy_of(str(data["strategy"].iloc[0])).name, loc="left")
        figure = ax.get_figure(root=True)
        if figure is not None:
            bar = figure.colorbar(image, ax=ax, label=f"Force MAE of a new run ({force_unit})")
            bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
            bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            bar.ax.yaxis.set_minor_locator(NullLocator())
            figure.legend(handles=handles, loc="outside lower left", frameon=False, ncols=1)
    return ax


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
