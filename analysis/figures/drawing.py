"""The parts that figures of curves share: a curve with its dots and band, log axes, a slope to compare with, names."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation
from scipy.spatial import cKDTree

from analysis.caveats import Caveat
from analysis.figures.style import look_of, told_apart_by
from asteroid.measured_errors import error_unit, heading_in
from asteroid.units import SECONDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from numpy.typing import NDArray

#: Dots of neighbouring curves stand this far apart, less where there are so many that they would reach too far.
_DOT_STEP_PT, _DOT_REACH_PT = 3.4, 11.0
#: Letters of a name that a line of a legend holds.
NAME_WIDTH = 50
#: Letters of the name of an axis in a figure of one column; a blank at which no line is broken.
_AXIS_NAME_WIDTH, _KEPT_BLANK = 48, "\u00a0"
#: More decades than this leave no room for numbers at 2 and 5.
_DENSE_DECADES = 2.7
_BAND_NAMES = {
    "curve": "mean curves",
    "new_data_draw": "new data draws",
    "new_run": "new runs",
    "new_test_set": "new runs on new test sets",
}


def draw_curve(rows: pd.DataFrame, ax: Axes, x: str, *, shift_pt: float = 0.0) -> Line2D:
    """Draw one curve, its dots shifted sideways by some points on paper; returns its entry in the legend."""
    colour, marker = look_of(str(rows[told_apart_by(rows)].iloc[0]))
    dots, line = rows[(rows["part"] == "run") & (rows[x] > 0)], rows[rows["part"] == "line"]
    inside = line[~line["extrapolated"]]
    beyond = pd.concat([inside.tail(1), line[line["extrapolated"]]])
    horizontal = bool((rows.loc[rows["part"] == "run", "budget"] == 0).all())
    style: Any = "-." if horizontal else "-"
    ax.fill_between(line[x], line["lo_ev_ang"], line["hi_ev_ang"], color=colour, alpha=0.13, linewidth=0, zorder=2)
    ax.fill_between(line[x], line["lo50_ev_ang"], line["hi50_ev_ang"], color=colour, alpha=0.17, linewidth=0, zorder=2)
    ax.plot(inside[x], inside["force_mae_ev_ang"], color=colour, linestyle=style, zorder=3)
    if len(beyond) > 1:
        ax.plot(beyond[x], beyond["force_mae_ev_ang"], color=colour, linestyle=(0, (3, 1.5)), zorder=3)
    look: dict[str, Any] = {"color": colour, "marker": marker, "markeredgecolor": "white", "markeredgewidth": 0.4}
    aside = ax.transData + ScaledTranslation(shift_pt / 72, 0, ax.figure.dpi_scale_trans)
    ax.plot(dots[x], dots["force_mae_ev_ang"], linestyle="none", zorder=4, transform=aside, **look)
    name = legend_name(str(rows["curve"].iloc[0]))
    label = name if horizontal else f"{name}\n{fit_text(rows)}"
    return Line2D(
        [], [], linestyle=style if len(line) else "none", label=label, **(look if len(dots) else {"color": colour})
    )


def legend_name(curve: str) -> str:
    """The name of a curve in lines that a column of a legend holds: one, but where it names several levels."""
    return "\n".join(lines_of_name(curve, NAME_WIDTH))


def lines_of_name(name: str, width: int) -> list[str]:
    """A name, or a part of it, in lines of so many letters; a number stands beside its level."""
    kept = ", ".join(part.replace(" ", _KEPT_BLANK) for part in name.split(", "))
    lines = textwrap.wrap(kept, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_KEPT_BLANK, " ") for line in lines]


def labels_name(level: str) -> str:
    """Name of an axis of accurate labels, no longer than a column of a page is wide."""
    name = f"{level} labels (training + validation)"
    return name if len(name) <= _AXIS_NAME_WIDTH else f"{level} labels"


def dot_shifts_pt(data: pd.DataFrame) -> dict[str, float]:
    """How far to shift the dots of each curve, so that those of one budget stand side by side; 0 for a single curve."""
    names = list(dict.fromkeys(data.loc[(data["part"] == "run") & (data["budget"] > 0), "curve"]))
    step = min(_DOT_STEP_PT, _DOT_REACH_PT / max(len(names), 1))
    return {name: step * (place - (len(names) - 1) / 2) for place, name in enumerate(names)}


def price_unit(largest_cpu_s: float) -> str:
    """The unit of time in which prices up to this one read well."""
    return next((name for name in ("d", "h", "min") if SECONDS[name] * 5 <= largest_cpu_s), "s")


def fit_text(rows: pd.DataFrame, *, short: bool = False) -> str:
    """Slope, gate and size of the misfit of a curve in words; short for small panels."""
    first = rows.iloc[0]
    status, p = str(first["status"]).split(), float(first["lack_of_fit_p"])
    if (rows.loc[rows["part"] == "run", "budget"] == 0).all():
        return "no accurate labels"
    if Caveat.TOO_FEW_BUDGETS in status:
        return "too few budgets for a power law"
    test = "one seed: fit not tested"
    if not np.isnan(p):
        test = f"{'fit' if short else 'lack of fit'} p {_p_text(p)} ({first['misfit_rms']:.0%})"
    if np.isnan(first["alpha"]):
        return f"no power law: {test}"
    doubtful = ", doubtful" if Caveat.LACK_OF_FIT in status and not short else ""
    return f"α = {first['alpha']:.2f} [{first['alpha_lo']:.2f}, {first['alpha_hi']:.2f}], {test}{doubtful}"


def _p_text(p: float) -> str:
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def in_unit(data: pd.DataFrame, force_unit: str) -> pd.DataFrame:
    """Copy with the errors in the unit of the axis (their columns keep their names)."""
    names = [name for name in data.columns if name.endswith("_ev_ang")]
    return data.assign(**{name: data[name] / error_unit(force_unit) for name in names})


def error_name(data: pd.DataFrame, force_unit: str) -> str:
    """Name of the error axis, which says how the errors were measured."""
    measured = "on test" if (data["measured_by"] == "test").all() else "cross-validated"
    return f"{heading_in(force_unit)} {measured} ({force_unit})"


def log_axes(ax: Axes, shown: pd.DataFrame, x: str) -> None:
    """Logarithmic axes around all that is drawn, with plain numbers at 1, 2 and 5; over many decades, at tens."""
    ax.set(xscale="log", yscale="log")
    errors = np.concatenate([shown[name].dropna() for name in ("force_mae_ev_ang", "lo_ev_ang", "hi_ev_ang")])
    along = shown.loc[shown[x] > 0, x]
    # Room for dots that stand aside, however many decades there are.
    room = max(1.15, (along.max() / along.min()) ** 0.035)
    ax.set_xlim(along.min() / room, along.max() * room)
    ax.set_ylim(errors.min() / 1.12, errors.max() * 1.12)
    plain_ticks(ax.xaxis, ax.yaxis)
    ax.spines[["top", "right"]].set_visible(False)


def plain_ticks(*axes: Axis) -> None:
    """Plain numbers at 1, 2 and 5 of logarithmic axes with their final limits; over many decades, at tens."""
    for axis in axes:
        low, high = sorted(axis.get_view_interval())
        dense = np.log10(high / low) <= _DENSE_DECADES
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if dense else (1.0,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())


def ticks_apart(ticks: list[float], decades: float = 0.15) -> list[float]:
    """Ticks that leave room for their numbers, the largest always among them."""
    kept = [ticks[-1]]
    for tick in reversed(ticks[:-1]):
        if np.log10(kept[-1] / tick) >= decades:
            kept.append(tick)
    return kept[::-1]


def slope_guide(ax: Axes, shown: pd.DataFrame) -> None:
    """Draw a short line of slope -1 with its name, where it is farthest from everything else."""
    corner, size = np.log([ax.get_xlim()[0], ax.get_ylim()[0]]), np.diff(np.log([ax.get_xlim(), ax.get_ylim()]))[:, 0]
    length = min(np.log(2.5), *(0.3 * size))
    step = np.array([length, -length])
    # In shares of the axes; the name stands to the right of the line, and the box it needs is part of the guide.
    guide = np.linspace(0, 1, 7)[:, None] * step / size
    guide = np.concatenate([guide, 0.3 * step / size + np.array([[0.1, 0.0], [0.2, 0.0], [0.3, 0.0]])])
    starts = np.stack(np.meshgrid(np.linspace(0.04, 0.68, 33), np.linspace(0.1, 0.97, 30)), axis=-1).reshape(-1, 1, 2)
    placed = starts + guide
    gap = np.asarray(cKDTree((_drawn_points(shown) - corner) / size).query(placed)[0])
    inside = ((placed > 0.02) & (placed < 0.98)).all(axis=(1, 2))
    at = starts[int(np.argmax(np.where(inside, gap.min(axis=1), -1.0))), 0]
    start = corner + at * size
    x, y = np.exp(np.stack([start, start + step])).T
    ax.plot(x, y, color="0.2", linewidth=0.9, linestyle=":", zorder=1)
    name_at = np.exp(start + 0.3 * step)
    ax.annotate(
        "slope −1",
        (name_at[0], name_at[1]),
        xytext=(3, 1),
        textcoords="offset points",
        fontsize=7,
        color="0.2",
        va="bottom",
    )


def _drawn_points(shown: pd.DataFrame) -> NDArray[np.float64]:
    """Return logs of budget and error of all that is drawn, lines filled with points in between, [m, 2]."""
    dots = shown[(shown["part"] == "run") & (shown["budget"] > 0)]
    points = [np.log(dots[["budget", "force_mae_ev_ang"]].to_numpy(dtype=float))]
    for _, line in shown[shown["part"] == "line"].groupby("curve"):
        for name in ("force_mae_ev_ang", "lo_ev_ang", "hi_ev_ang"):
            x, y = np.log(line[["budget", name]].to_numpy(dtype=float)).T
            fine = np.linspace(x[0], x[-1], 60)
            points.append(np.stack([fine, np.interp(fine, x, y)], axis=1))
    return np.concatenate(points)


def name_curves(ax: Axes, handles: list[Line2D], data: pd.DataFrame, *, below_figure: bool = False) -> None:
    """Name the curves below the axes, or below all axes of the figure."""
    title = f"Bands: 50 and 90 % of {_BAND_NAMES[str(data['band'].iloc[0])]}"
    if data["extrapolated"].any():
        title += "; dashed: beyond the data"
    if any(dot_shifts_pt(data).values()):
        title += "\nDots (one each seed) of equal budgets are drawn side by side"
    look: Any = {"alignment": "left", "frameon": False, "handlelength": 2.2, "labelspacing": 0.6}
    ncols = 2 if ax.figure.bbox.width > 5 * ax.figure.dpi else 1
    figure = ax.get_figure(root=True)
    if below_figure and figure is not None:
        figure.legend(handles=handles, title=title, loc="outside lower left", ncols=ncols, **look)
        return
    ax.legend(
        handles=handles,
        title=title,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        # Below the ticks and the name of the axis, whatever the height of the axes.
        bbox_transform=ax.transAxes + ScaledTranslation(-30 / 72, -34 / 72, ax.figure.dpi_scale_trans),
        borderaxespad=0,
        ncols=ncols,
        **look,
    )
