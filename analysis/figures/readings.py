"""What can be read off a drawn figure: axes with their scales, and the points in them, as shares of the picture.

Pages carry it beside each figure, so that a reader sees the values under the pointer without any library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

#: A line or a map of more points than this is a texture, not something that is read off point by point.
_MOST_POINTS = 4000


def readings(figure: Figure) -> list[dict[str, Any]]:
    """Describe the axes of a figure that has been drawn, so that its layout is settled.

    Returns:
        for each pair of axes plain data: `box` (left, top, right, bottom as shares of the picture), `x` and `y` (name,
        whether logarithmic, values at both ends, and `ticks` [(value, name)] where these are words), `points` (name
        and [share across, share down, x, y] of each) and, of a map of colours, `map` (name, x, y, values by row).
    """
    names = _names(figure)
    return [_of_axes(ax, figure, names) for ax in figure.axes if ax.axison and _readable(ax)]


def _readable(ax: Axes) -> bool:
    """Whether both axes are linear or logarithmic, and are axes of a picture and not of a bar of colours."""
    bars = [mesh.colorbar.ax for own in ax.figure.axes for mesh in own.collections if mesh.colorbar]
    return {ax.get_xscale(), ax.get_yscale()} <= {"linear", "log"} and ax not in bars


def _of_axes(ax: Axes, figure: Figure, names: dict[tuple[Any, ...], str]) -> dict[str, Any]:
    box = ax.get_position()
    found: dict[str, Any] = {
        "box": _rounded([box.x0, 1 - box.y1, box.x1, 1 - box.y0]),
        "x": _of_axis(ax.xaxis, [own.get_xlabel() for own in _sharing(ax, "x")], figure.get_supxlabel()),
        "y": _of_axis(ax.yaxis, [own.get_ylabel() for own in _sharing(ax, "y")], figure.get_supylabel()),
        "points": [own for line in ax.lines if (own := _of_line(line, ax, figure, names))["at"]],
    }
    for mesh in ax.collections:
        if isinstance(mesh, QuadMesh) and mesh.colorbar:
            values, corners = np.asarray(mesh.get_array()), np.asarray(mesh.get_coordinates())
            if values.size <= _MOST_POINTS and values.shape == corners.shape[:2]:  # a value at every corner
                x, y = corners[0, :, 0], corners[:, 0, 1]
                found["map"] = {"name": mesh.colorbar.ax.get_ylabel(), "x": _rounded(x), "y": _rounded(y)}
                found["map"]["values"] = [_rounded(row) for row in values]
    return found


def _sharing(ax: Axes, which: str) -> list[Axes]:
    """The axes themselves, then those that share their values and may carry their name."""
    shared = ax.get_shared_x_axes() if which == "x" else ax.get_shared_y_axes()
    return [ax, *(own for own in shared.get_siblings(ax) if own is not ax)]


def _of_axis(axis: Axis, labels: list[str], above: str) -> dict[str, Any]:
    low, high = axis.get_view_interval()
    at = axis.get_majorticklocs()
    ticks = zip(map(float, at), axis.get_major_formatter().format_ticks(list(at)), strict=True)
    least, most = sorted((low, high))
    inside = [(tick, " ".join(text.split())) for tick, text in ticks if text and least <= tick <= most]
    words = any(not _is_number(text) for _, text in inside)
    return {
        "name": " ".join(next((label for label in [*labels, above] if label), "").split()),
        "log": axis.get_scale() == "log",
        "ends": _rounded([low, high]),
        "ticks": inside if words else [],
    }


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").replace("−", "-").rstrip("%"))
    except ValueError:
        return False
    return True


def _of_line(line: Line2D, ax: Axes, figure: Figure, names: dict[tuple[Any, ...], str]) -> dict[str, Any]:
    """Name and points of a line; of one without markers and without a name, none: it is drawn to guide the eye."""
    own = str(line.get_label())  # one that matplotlib made up begins with _
    legend = names.get(_look(line)) or names.get(_look(line)[:1], "")
    place, name = line.get_transform(), legend if own.startswith("_") else _plain_name(own)
    dotted = line.get_marker() not in ("", " ", "None", None)
    values = np.asarray(line.get_xydata(), dtype=float)
    drawn = place.transform(values)
    aside = drawn - ax.transData.transform(values)
    spans_the_axes = len(values) > 0 and not np.allclose(aside, aside[0], atol=0.1, equal_nan=True)
    if spans_the_axes or not (dotted or name) or len(values) > _MOST_POINTS:
        return {"name": name, "at": []}
    title = next((text for where in ("left", "center", "right") if (text := ax.get_title(where))), "")
    shares = figure.transFigure.inverted().transform(drawn)
    rows = np.column_stack([shares[:, 0], 1 - shares[:, 1], values])
    finite = rows[np.isfinite(rows).all(axis=1)]
    return {"name": name or title.split("\n")[0], "at": [_rounded(row) for row in finite]}


def _names(figure: Figure) -> dict[tuple[Any, ...], str]:
    """Names in the legends of a figure by colour and marker, and by colour alone where it means one thing."""
    entries = [ax.get_legend() for ax in figure.axes] + list(figure.legends)
    found: dict[tuple[Any, ...], str] = {}
    by_colour: dict[tuple[Any, ...], set[str]] = {}
    for legend in entries:
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True) if legend else ():
            if isinstance(handle, Line2D):
                name = _plain_name(text.get_text())
                found.setdefault(_look(handle), name)
                by_colour.setdefault(_look(handle)[:1], set()).add(name)
    return found | {colour: own.pop() for colour, own in by_colour.items() if len(own) == 1}


def _plain_name(text: str) -> str:
    return text.split("\n")[0].rstrip(":")


def _look(line: Line2D) -> tuple[Any, ...]:
    return to_rgba(line.get_color())[:3], line.get_marker()


def _rounded(values: Any) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
