"""The figure of errors against what they cost: the price of labels, and apart from it the time of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.curves.curve_key import CURVE_COLUMNS, labels_of
from analysis.curves.curves import curves_of, representative_curves
from analysis.figures.drawing import dot_shifts_pt, draw_curve, error_name, in_unit, log_axes, name_curves, price_unit
from analysis.figures.learning_curves import learning_curve_data
from analysis.figures.pareto import draw_steps, non_dominated
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import COLUMN_IN, ENTRY_IN, PAGE_IN, figure_style, look_of, told_apart_by
from analysis.plan.pricing import label_price
from asteroid.measured_errors import error_unit, heading_in, named_in
from asteroid.units import SECONDS
from study.tables.levels import settled, with_levels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.curves.power_law import Kind
    from analysis.figures.picture import FigureInput
    from study.prices import PriceList

_STEPS: Any = {"color": "0.15", "linewidth": 0.8, "zorder": 3.5}


def cost_data(table: pd.DataFrame, prices: PriceList, *, kind: Kind = "new_run", seed: int = 0) -> pd.DataFrame:
    """Numbers of the cost figure: those of `learning_curve_data` with prices, training times and Pareto steps.

    Args:
        table: results table.
        prices: of the accurate and the cheap level; training is not part of the price.
        kind: what the band is about.
        seed: of the posterior draws.

    Returns:
        The rows of `learning_curve_data` with `price_cpu_s` (labels) and `train_core_s` (one chain of stages; runs
        only), and rows of a third part, `pareto`: medians over seeds that no cheaper point of any curve reaches, from
        cheap to expensive.

    Raises:
        InputError: the table has no usable curve.
    """
    data = learning_curve_data(table, kind=kind, seed=seed)
    curves = representative_curves(curves_of(table))
    shown = dict(zip(labels_of([c.key for c in curves]), curves, strict=True))
    # A horizontal line is one purchase: its cheap frames.
    lines = [label for label, curve in shown.items() if curve.horizontal]
    data = data[(data["part"] == "run") | ~data["curve"].isin(lines)].reset_index(drop=True)
    priced = {label: label_price(curve, prices) for label, curve in shown.items()}
    price = [priced[curve].total(budget) for curve, budget in zip(data["curve"], data["budget"], strict=True)]
    key = [*with_levels(CURVE_COLUMNS, data), "budget", "seed"]
    times = settled(table.assign(schedule=table["schedule"].fillna("")))[[*key, "recipe_core_s"]]
    times = times.rename(columns={"recipe_core_s": "train_core_s"}).astype({"budget": float})
    timed = data.assign(price_cpu_s=price).merge(times, how="left", on=key, validate="many_to_one")
    runs = timed[timed["part"] == "run"]
    medians = runs.groupby(["curve", "budget"], sort=False)["force_mae_ev_ang"].transform("median")
    points = runs.assign(force_mae_ev_ang=medians, part="pareto", train_core_s=np.nan)
    points = points.drop_duplicates(["curve", "budget"]).sort_values("price_cpu_s", kind="stable")
    steps = points[non_dominated(points["price_cpu_s"], points["force_mae_ev_ang"])]
    return pd.concat([timed, steps.assign(seed=None).astype(timed.dtypes.to_dict())], ignore_index=True)


def plot_cost(
    data: pd.DataFrame,
    ax: Axes,
    *,
    compute_ax: Axes | None = None,
    force_unit: str = "kcal/mol/Å",
    legend: bool = True,
    target_ev_ang: float | None = None,
) -> Axes:
    """Draw errors against the price of the labels: one curve for each strategy and the Pareto steps over all.

    Args:
        data: from `cost_data`.
        ax: where to draw.
        compute_ax: where to draw the same errors against core seconds of training, beside `ax` and sharing its errors.
        force_unit: of the errors.
        legend: whether to name the curves below the axes.
        target_ev_ang: a line of this equal accuracy across both axes.

    Raises:
        InputError: the unit is not known.
    """
    with figure_style():
        shown = in_unit(data, force_unit)
        unit = price_unit(shown["price_cpu_s"].max())
        shown["price"] = shown["price_cpu_s"] / SECONDS[unit]
        curves, shifts = dict(list(shown[shown["part"] != "pareto"].groupby("curve", sort=False))), dot_shifts_pt(shown)
        handles = [draw_curve(rows, ax, "price", shift_pt=shifts.get(str(name), 0.0)) for name, rows in curves.items()]
        steps = shown[shown["part"] == "pareto"]
        last = float(shown.loc[shown["part"] == "run", "price"].max())
        draw_steps(steps["price"], steps["force_mae_ev_ang"], ax, until=last, **_STEPS)
        handles.append(
            Line2D([], [], label="Pareto steps over all curves:\nlowest median error that a price buys", **_STEPS)
        )
        log_axes(ax, shown, "price")
        target = None if target_ev_ang is None else target_ev_ang / error_unit(force_unit)
        if target is not None and ax.get_ylim()[0] < target < ax.get_ylim()[1]:
            look: Any = {"color": "#b03000", "linestyle": (0, (1, 1)), "linewidth": 0.9, "zorder": 1.5}
            for own in (ax, compute_ax) if compute_ax is not None else (ax,):
                own.axhline(target, **look)
            handles.append(Line2D([], [], label=f"equal accuracy: {target:.3g} {force_unit}", **look))
        ax.set_xlabel(f"Price of the labels (CPU {unit})")
        ax.set_ylabel(error_name(data, force_unit))
        if legend:
            name_curves(ax, handles, data, below_figure=compute_ax is not None)
        if compute_ax is not None:
            _draw_compute(shown, compute_ax, ax.get_ylim())
    return ax


def _draw_compute(shown: pd.DataFrame, ax: Axes, limits: tuple[float, float]) -> None:
    """Draw hollow dots: they are another cost than that of the labels."""
    runs = shown[(shown["part"] == "run") & (shown["train_core_s"] > 0)]
    unit = price_unit(runs["train_core_s"].max())
    runs = runs.assign(time=runs["train_core_s"] / SECONDS[unit])
    for strategy, rows in runs.groupby(told_apart_by(runs), sort=False):
        colour, marker = look_of(str(strategy))
        look: Any = {"linestyle": "none", "marker": marker, "markerfacecolor": "none", "markeredgecolor": colour}
        ax.plot(rows["time"], rows["force_mae_ev_ang"], markeredgewidth=0.9, **look)
    log_axes(ax, runs, "time")
    ax.set(xlim=(runs["time"].min() / 1.6, runs["time"].max() * 1.6), ylim=limits)
    ax.set_xlabel(f"Training, one run (core {unit})")
    ax.tick_params(labelleft=False)


def _picture(given: FigureInput) -> Picture | None:
    if given.run is None:
        return None
    data = cost_data(given.run.table, given.prices)
    timed = bool((data["train_core_s"] > 0).any())
    more = max(data["curve"].nunique() - 4, 0)
    with figure_style():
        # The legend has two columns where the figure is wide.
        width = PAGE_IN if given.wide else (6.2 if more else 5.5) if timed else COLUMN_IN
        figure = Figure(figsize=(width, 4.2 + ENTRY_IN * more / (1 + timed)), layout="constrained")
        ratios = (2.4, 1)[: 1 + timed]
        axes = list(figure.subplots(1, len(ratios), sharey=True, width_ratios=ratios, squeeze=False)[0])
        plot_cost(
            data,
            axes[0],
            compute_ax=axes[1] if timed else None,
            force_unit=given.force_unit,
            target_ev_ang=given.plan.target_ev_ang if given.plan else None,
        )
    error = heading_in(given.force_unit, "error")
    caption = f"{error} against the price of the labels, with the lowest median error that each price buys as steps"
    steps = data[data["part"] == "pareto"]
    said = (
        f"{row['force_mae_ev_ang'] / given.scale:.2g} for {row['price_cpu_s'] / 3600:.2g} CPU h ({row['curve']})"
        for _, row in steps.iterrows()
    )
    return Picture(
        figure,
        data,
        "Error against cost",
        caption + ("; on the right the same errors against the training time of one run." if timed else "."),
        f"Lowest median {named_in(given.force_unit, 'errors')} in {given.force_unit}, from cheap to expensive: "
        f"{'; '.join(said)}.",
    )


FIGURE = RunFigure("cost", _picture, caveats="above")
