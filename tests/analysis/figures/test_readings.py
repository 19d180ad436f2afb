"""What pages carry to read figures off: places on the picture, values on the axes, names from the legend."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from analysis.figures.readings import readings
from analysis.figures.style import figure_style, new_figure, svg_of

BUDGETS, ERRORS = np.array([10.0, 20.0, 40.0]), np.array([1.0, 0.5, 0.25])


def share(axis: dict, value: float) -> float:
    """Where a value lies on an axis."""
    scale = np.log if axis["log"] else float
    low, high = map(scale, axis["ends"])
    return float((scale(value) - low) / (high - low))


def test_points_lie_where_the_axes_say_and_keep_their_values_where_they_are_drawn_aside() -> None:
    figure, ax = new_figure()
    with figure_style():
        ax.set(xscale="log", yscale="log", xlim=(5, 80), ylim=(0.1, 2), xlabel="Labels", ylabel="Error")
        aside = ax.transData + ScaledTranslation(36 / 72, 0, figure.dpi_scale_trans)
        ax.plot(BUDGETS, ERRORS, "o", color="red")
        ax.plot(BUDGETS, ERRORS, "s", color="blue", transform=aside)
        ax.plot([5, 80], [2, 0.1], ":", color="0.2")  # nothing names it: a guide
        ax.axhline(0.3, color="blue")  # its ends are no values
        handles = [
            Line2D([], [], color="red", marker="o", label="one\nα = 1"),
            Line2D([], [], color="blue", label="two"),
        ]
        ax.legend(handles=handles)
    svg_of(figure)
    (found,) = readings(figure)
    left, top, right, bottom = found["box"]
    assert 0 < left < right < 1
    assert 0 < top < bottom < 1
    assert [line["name"] for line in found["points"]] == ["one", "two"]
    one, two = (np.array(line["at"]) for line in found["points"])
    for across, down, budget, error in one:
        assert (across - left) / (right - left) == pytest.approx(share(found["x"], budget), abs=1e-3)
        assert (bottom - down) / (bottom - top) == pytest.approx(share(found["y"], error), abs=1e-3)
    np.testing.assert_allclose(two[:, 0] - one[:, 0], 0.5 / figure.get_figwidth(), atol=1e-4)
    np.testing.assert_array_equal(two[:, 2:], one[:, 2:])
    np.testing.assert_array_equal(one[:, 2:], np.column_stack([BUDGETS, ERRORS]))


def test_axes_of_words_names_of_shared_axes_and_colours_of_a_map() -> None:
    figure, _ = new_figure()
    figure.clear()
    with figure_style():
        left, right = figure.subplots(1, 2, sharey=True)
        left.set(ylabel="Frames", xlabel="Labels")
        right.set_xticks([0, 1], ["none", "all of\nthem"])
        error = np.array([[4.0, 2.0], [2.0, 1.0]])
        image = left.pcolormesh([10.0, 100.0], [1.0, 2.0], error, norm=LogNorm(), shading="gouraud")
        right.plot([0, 1], [1.5, 1.7], "o", color="0.3")
        right.set_title("Panel", loc="left")
        figure.colorbar(image, ax=left, label="Error")
    svg_of(figure)
    first, second = readings(figure)  # the bar of colours is no axes to read
    assert first["map"] == {"name": "Error", "x": [10, 100], "y": [1, 2], "values": [[4, 2], [2, 1]]}
    assert "map" not in second
    assert (first["x"]["ticks"], first["y"]["name"], second["y"]["name"]) == ([], "Frames", "Frames")
    assert second["x"]["ticks"] == [(0.0, "none"), (1.0, "all of them")]
    assert second["points"][0]["name"] == "Panel"
