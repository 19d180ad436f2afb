"""The figure of effective labels: how many accurate labels alone would give the error that cheap frames give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from analysis.figures.drawing import ticks_apart
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import figure_style, look_of, told_apart_by, with_looks
from analysis.names import display_level
from analysis.surface.cells import SCRATCH
from analysis.surface.surface import effective_labels, surface_draws
from study.strategies import strategy_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from analysis.figures.picture import FigureInput
    from analysis.surface.transfer import SurfaceFit

#: Panels at most: the smallest, the middle and the largest number of cheap frames.
N_PANELS = 3
#: Effective labels are given up to this multiple of the largest budget: under the floor there is no number of them.
FARTHEST = 20.0
HARM_COLOUR = "#d00000"
_COLUMNS = ["part", "strategy", "n_cheap", "budget", "labels", "lo", "hi"]


def effective_data(fitted: SurfaceFit, *, seed: int = 0) -> pd.DataFrame:
    """Numbers of the figure.

    Args:
        fitted: from `transfer.surface_of`.
        seed: of the noise of the measured means.

    Returns:
        Rows of three parts: `line`, effective labels on the surface; `cell`, those of a measured mean error on the
        surface's own curve of accurate labels alone; `harm`, the same where cheap frames made the error larger. Columns
        strategy, n_cheap, budget, labels (median) with the 90 % interval `lo`, `hi`; capped at FARTHEST times the
        largest budget, where the error lies under what accurate labels alone could reach.
    """
    surface, rng = fitted.surface, np.random.default_rng(seed)
    harm = {(found.strategy, found.n_cheap, found.budget) for found in fitted.harm}
    largest = float(surface.cells.n_accurate.max())
    ladder = np.geomspace(1.0, FARTHEST * largest, 400)
    scratch = surface_draws(surface, SCRATCH, ladder, np.zeros(400))
    rows: list[dict[str, Any]] = []
    for curve in fitted.curves:
        way = curve.key.way
        if way == SCRATCH or way not in surface.cells.strategies:
            continue
        key: dict[str, Any] = {"strategy": curve.key.strategy, "n_cheap": curve.key.n_cheap}
        if curve.key.cheap_level:
            key |= {"cheap_level": curve.key.cheap_level}
        budgets = np.unique(curve.budget)
        line = np.geomspace(budgets[0], budgets[-1], 30)
        found = np.quantile(effective_labels(surface, way, line, float(curve.key.n_cheap)), [0.5, 0.05, 0.95], axis=0)
        rows += [{"part": "line", **key, "budget": n, **_interval(q)} for n, q in zip(line, found.T, strict=True)]
        sigma = surface.cells.sigma[surface.cells.strategy == surface.cells.strategies.index(way)][0]
        for n in budgets:
            logs = np.log(curve.error_ev_ang[curve.budget == n])
            noise = np.hypot(sigma, surface.cells.omega) / np.sqrt(len(logs))
            mean = logs.mean() + noise * rng.normal(size=len(scratch))
            part = "harm" if (way, curve.key.n_cheap, int(n)) in harm else "cell"
            labels = np.quantile(_labels_of(mean, scratch, ladder), [0.5, 0.05, 0.95])
            rows.append({"part": part, **key, "budget": float(n), **_interval(labels)})
    data = pd.DataFrame(rows, columns=[*_COLUMNS, *(["cheap_level"] if rows and "cheap_level" in rows[0] else [])])
    return with_looks(data)


def plot_effective(data: pd.DataFrame, figure: Figure) -> list[Axes]:
    """Draw a panel for each number of cheap frames: lines of the surface, dots of the runs, harm in red.

    Args:
        data: from `effective_data`, not empty.
        figure: is filled; see `effective_size_in`.
    """
    shown = panels_of(data)
    with figure_style():
        panels: list[Axes] = list(figure.subplots(1, len(shown), sharey=True, squeeze=False).ravel())
        low, high = data["budget"].min(), data["budget"].max()
        top = max(float(data["hi"].max()), high) * 1.15
        bottom = min(float(data["lo"].min()), low) / 1.15
        for ax, n_cheap in zip(panels, shown, strict=True):
            ax.plot([low, high], [low, high], color="0.3", linestyle=":", linewidth=0.9, zorder=1)
            own = data[data["n_cheap"] == n_cheap]
            name = told_apart_by(own)
            for at, (look, rows) in enumerate(own.groupby(name, sort=False)):
                _draw_strategy(str(look), rows, ax, shift=1.03 ** (2 * at - own[name].nunique() + 1))
            ax.set(xscale="log", yscale="log", xlim=(low / 1.2, high * 1.2), ylim=(bottom, top))
            ax.xaxis.set_major_locator(FixedLocator(ticks_apart(sorted(own.loc[own["part"] != "line", "budget"]), 0.3)))
            ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if top / bottom < 300 else (1.0,)))
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
                axis.set_minor_locator(NullLocator())
                axis.set_minor_formatter(NullFormatter())
            ax.set_title(f"{n_cheap:,} cheap frames", loc="left")
            ax.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("Effective accurate labels")
        figure.supxlabel("Accurate labels bought", fontsize=8)
        figure.legend(
            handles=_legend(data),
            loc="outside upper left",
            ncols=1 if len(shown) == 1 or "look" in data else 2,
            frameon=False,
            title="Dots: measured, with 90 % intervals; lines and bands: the surface",
            title_fontsize=6.5,
            alignment="left",
        )
    return panels


def panels_of(data: pd.DataFrame) -> list[int]:
    """Numbers of cheap frames that are shown."""
    found = sorted({int(n) for n in data["n_cheap"]})
    return sorted({found[round(place)] for place in np.linspace(0, len(found) - 1, N_PANELS)})


def effective_size_in(data: pd.DataFrame) -> tuple[float, float]:
    """Width and height of the figure, inches."""
    names = data[told_apart_by(data)].nunique()
    more = 0.16 * max(names - 3, 0) if "look" in data else 0.0
    return max(3.4, 0.6 + 2.0 * len(panels_of(data))), 3.4 + more


def _draw_strategy(strategy: str, rows: pd.DataFrame, ax: Axes, *, shift: float) -> None:
    colour, marker = look_of(strategy)
    line, cells = rows[rows["part"] == "line"], rows[rows["part"] != "line"]
    ax.fill_between(line["budget"], line["lo"], line["hi"], color=colour, alpha=0.15, linewidth=0, zorder=2)
    ax.plot(line["budget"], line["labels"], color=colour, zorder=3)
    for part, own in cells.groupby("part"):
        shade = HARM_COLOUR if part == "harm" else colour
        ax.vlines(own["budget"] * shift, own["lo"], own["hi"], color=shade, linewidth=0.8, zorder=3)
        look: Any = {"color": shade, "markeredgecolor": "white", "markeredgewidth": 0.4, "marker": marker}
        ax.plot(own["budget"] * shift, own["labels"], linestyle="none", zorder=4, **look)


def _legend(data: pd.DataFrame) -> list[Line2D]:
    handles = []
    for name, rows in data.groupby(told_apart_by(data), sort=False):
        colour, marker = look_of(str(name))
        look: Any = {"color": colour, "marker": marker, "markeredgecolor": "white", "markeredgewidth": 0.4}
        handles.append(Line2D([], [], label=_name(rows.iloc[0]), **look))
    handles.append(Line2D([], [], color="0.3", linestyle=":", linewidth=0.9, label="no gain from cheap frames"))
    if (data["part"] == "harm").any():
        harm: Any = {"color": HARM_COLOUR, "marker": "o", "linestyle": "none", "markeredgecolor": "white"}
        handles.append(Line2D([], [], label="cheap frames hurt", **harm))
    return handles


def _name(row: pd.Series[Any]) -> str:
    name = strategy_of(str(row["strategy"])).name
    return f"{name}, {display_level(row['cheap_level'])}" if "cheap_level" in row else name


def _labels_of(
    log_error: NDArray[np.float64], scratch: NDArray[np.float64], ladder: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Labels at which each draw [S] of the curve of accurate labels alone [S, m] falls to this error [S]."""
    logs = np.log(ladder)
    found = [np.interp(-error, -curve, logs) for error, curve in zip(log_error, scratch, strict=True)]
    return np.asarray(np.exp(found))


def _interval(quantiles: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(("labels", "lo", "hi"), map(float, quantiles), strict=True))


def _picture(given: FigureInput) -> Picture | None:
    fitted = None if given.run is None else given.run.surface
    if fitted is None or not fitted.usable:
        return None
    data = effective_data(fitted)
    figure = Figure(figsize=effective_size_in(data), layout="constrained")
    plot_effective(data, figure)
    cells = data[data["part"] != "line"]
    said = "; ".join(
        f"{_name(row)} with {row['n_cheap']:,} cheap frames: {row['labels']:,.0f} at {row['budget']:,.0f}"
        for _, row in cells.drop_duplicates([told_apart_by(cells), "n_cheap"]).iterrows()
    )
    return Picture(
        figure,
        data,
        "What cheap frames are worth",
        "Accurate labels that would give the same error without cheap frames, against those bought: dots from measured "
        "errors, lines from the surface, both with 90 % intervals, red where cheap frames hurt.",
        f"Effective accurate labels. {said}.",
    )


FIGURE = RunFigure("effective_labels", _picture)
