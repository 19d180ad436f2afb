"""The figure of searches over the label budget: cross-validated error against label price, one dot for each trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from analysis.figures.drawing import log_axes, price_unit
from analysis.figures.pareto import draw_steps, non_dominated
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import figure_style, look_of, new_figure
from asteroid.measured_errors import Measured, unit_to_show
from asteroid.units import SECONDS, force_unit_in_ev_ang
from study.counts import COUNT_COLUMNS, Counts
from study.strategies import rank_of, strategy_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.figures.picture import FigureInput
    from study.prices import PriceList

_COPIED = ["study", "strategy", "trial", "budget", "n_cheap", "gamma_rel", "settings"]


def pareto_data(trials: pd.DataFrame, prices: PriceList) -> pd.DataFrame:
    """Numbers of the Pareto figure: the finished trials of every study that searched the budget.

    Args:
        trials: as `study.tables.trials.read_trials` returns it.
        prices: of the accurate and the cheap level.

    Returns:
        Columns study, strategy, trial, budget, n_cheap, gamma_rel, settings, price_cpu_s (accurate labels and cheap
        frames), cv_force_mae_ev_ang, cv_force_mae_se_ev_ang, `non_dominated` (among the trials of its strategy) and
        `non_dominated_overall`; from cheap to expensive within a strategy, simplest strategy first. Empty where no such
        trial finished.
    """
    done = trials[(trials["mode"] == "pareto") & (trials["state"] == "COMPLETE")]
    cost = [sum(prices.cpu_s(Counts.of_row(row))) for row in done[[*COUNT_COLUMNS]].to_dict("records")]
    data = done[[*_COPIED, "cv_force_mae_ev_ang", "cv_force_mae_se_ev_ang"]].assign(price_cpu_s=cost)
    data = data.assign(rank=data["strategy"].map(rank_of))
    data = data.sort_values(["rank", "strategy", "price_cpu_s"], kind="stable", ignore_index=True)
    own = np.zeros(len(data), dtype=bool)
    for places in data.groupby("strategy").indices.values():
        rows = data.iloc[places]
        own[places] = non_dominated(rows["price_cpu_s"], rows["cv_force_mae_ev_ang"])
    overall = non_dominated(data["price_cpu_s"], data["cv_force_mae_ev_ang"])
    return data.drop(columns="rank").assign(non_dominated=own, non_dominated_overall=overall)


def plot_pareto(data: pd.DataFrame, ax: Axes, *, force_unit: str = "kcal/mol/Å") -> Axes:
    """Draw trials as dots, hollow where another of their strategy is cheaper and better, and the steps of the others.

    Args:
        data: from `pareto_data`, not empty.
        ax: where to draw.
        force_unit: of the errors.

    Raises:
        InputError: the unit is not known.
    """
    scale = force_unit_in_ev_ang(force_unit)
    with figure_style():
        unit = price_unit(data["price_cpu_s"].max())
        shown = data.assign(
            price=data["price_cpu_s"] / SECONDS[unit],
            error=data["cv_force_mae_ev_ang"] / scale,
            se=(data["cv_force_mae_se_ev_ang"] / scale).fillna(0.0),
        )
        handles = [_draw_strategy(rows, ax, shown["price"].max()) for _, rows in shown.groupby("strategy", sort=False)]
        low, high = (shown["error"] - shown["se"]).clip(lower=shown["error"] / 2), shown["error"] + shown["se"]
        log_axes(ax, shown.rename(columns={"error": "force_mae_ev_ang"}).assign(lo_ev_ang=low, hi_ev_ang=high), "price")
        ax.set_xlabel(f"Price of the labels (CPU {unit})")
        ax.set_ylabel(f"Force MAE cross-validated ({force_unit})")
        figure = ax.get_figure(root=True)
        if figure is not None:
            title = "Filled: no trial of its strategy is better and as cheap;\nvertical bars: one standard error"
            look: Any = {"frameon": False, "alignment": "left", "ncols": 2}
            figure.legend(handles=handles, loc="outside lower left", title=title, **look)
    return ax


def _draw_strategy(rows: pd.DataFrame, ax: Axes, until: float) -> Line2D:
    strategy = str(rows["strategy"].iloc[0])
    colour, marker = look_of(strategy)
    best, rest = rows[rows["non_dominated"]], rows[~rows["non_dominated"]]
    hollow: Any = {"linestyle": "none", "marker": marker, "markerfacecolor": "none", "markeredgecolor": colour}
    ax.plot(rest["price"], rest["error"], alpha=0.45, markeredgewidth=0.7, zorder=2, **hollow)
    draw_steps(best["price"], best["error"], ax, until=until, color=colour, linewidth=1.0, zorder=3)
    # A standard error as large as the error itself must not leave the logarithmic axis.
    below = np.minimum(best["se"], best["error"] / 2)
    ax.vlines(best["price"], best["error"] - below, best["error"] + best["se"], color=colour, linewidth=0.8, zorder=3)
    filled: Any = {"color": colour, "marker": marker, "markeredgecolor": "white", "markeredgewidth": 0.4}
    ax.plot(best["price"], best["error"], linestyle="none", zorder=4, **filled)
    return Line2D([], [], linestyle="-", label=strategy_of(strategy).name, **filled)


def _picture(given: FigureInput) -> Picture | None:
    data = pd.DataFrame() if given.trials is None else pareto_data(given.trials, given.prices)
    if not len(data):
        return None
    figure, ax = new_figure(height_in=3.4)
    # Searches minimise force errors, whatever else is shown.
    plot_pareto(data, ax, force_unit=unit_to_show(Measured.FORCES, given.force_unit))
    best = int(data["non_dominated_overall"].sum())
    return Picture(
        figure,
        data,
        "Searches over the label budget",
        "Each dot is a trial; steps join the trials that no other of their strategy beats in both error and price, "
        "with one standard error.",
        f"Cross-validated force error against label price of {len(data)} trials; {best} of them are beaten by none in "
        "both.",
    )


FIGURE = RunFigure("pareto", _picture, caveats="none")
