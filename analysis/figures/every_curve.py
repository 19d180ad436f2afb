"""The figure of all curves: a small panel for each strategy, weight temperature and number of cheap frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from analysis.figures.drawing import draw_curve, error_name, fit_text, in_unit, lines_of_name, log_axes, ticks_apart
from analysis.figures.learning_curves import learning_curve_data
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import figure_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from analysis.figures.picture import FigureInput

#: Characters of a line above a small panel.
_TITLE_WIDTH = 34


def plot_small_multiples(
    data: pd.DataFrame, figure: Figure, *, level: str = "CCSD(T)", force_unit: str = "kcal/mol/Å", columns: int = 3
) -> list[Axes]:
    """Draw every curve in a panel of its own, the others in grey behind it.

    Args:
        data: from `learning_curve_data(..., every_curve=True)`.
        figure: is filled; about 2.2 inches of width and height for each panel.
        level: name of the accurate level on the axis.
        force_unit: of the errors.
        columns: panels side by side.

    Raises:
        InputError: the unit is not known.
    """
    with figure_style():
        shown = in_unit(data, force_unit)
        curves = dict(list(shown.groupby("curve", sort=False)))
        rows = -(-len(curves) // columns)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        panels: list[Axes] = list(grid.ravel())
        for ax, (label, own) in zip(panels, curves.items(), strict=False):
            for other, points in curves.items():
                line = points[(points["part"] == "line") & ~points["extrapolated"]]
                if other != label:
                    ax.plot(line["budget"], line["force_mae_ev_ang"], color="0.85", linewidth=0.8, zorder=1)
            draw_curve(own, ax, "budget")
            log_axes(ax, shown, "budget")
            budgets = sorted(set(own.loc[(own["part"] == "run") & (own["budget"] > 0), "budget"]))
            ax.xaxis.set_major_locator(FixedLocator(ticks_apart(budgets or [1.0], decades=0.5)))
            name, _, rest = str(label).partition(", ")
            title = [name, *lines_of_name(rest, _TITLE_WIDTH), fit_text(own, short=True)]
            ax.set_title("\n".join(filter(None, title)), fontsize=6.5, loc="left")
        for ax in panels[len(curves) :]:
            ax.remove()
        for ax in panels[max(len(curves) - columns, 0) : len(curves)]:
            ax.xaxis.set_tick_params(labelbottom=True)
        figure.supxlabel(f"{level} labels (training + validation)", fontsize=8)
        figure.supylabel(error_name(data, force_unit), fontsize=8)
    return panels[: len(curves)]


def _picture(given: FigureInput) -> Picture | None:
    if given.run is None:
        return None
    data = learning_curve_data(given.run.table, every_curve=True)
    panels = data["curve"].nunique()
    with figure_style():
        figure = Figure(figsize=(6.8, 0.3 + 2.2 * -(-panels // 3)), layout="constrained")
        plot_small_multiples(data, figure, level=given.level, force_unit=given.force_unit)
    return Picture(
        figure,
        data,
        "Every curve by itself",
        "One panel for each strategy, weight temperature and number of cheap frames; the others in grey.",
        f"{panels} panels with one learning curve each; their slopes and tests are in the table of fits.",
    )


FIGURE = RunFigure("every_curve", _picture, caveats="above")
