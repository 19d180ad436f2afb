"""The two figures of the surface of both kinds of labels: effective labels, and the map of the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from analysis.effective_figure import effective_data, effective_size_in, plot_effective
from analysis.figure_style import COLUMN_IN, new_figure
from analysis.heatmap_figure import map_data, map_strategies, plot_map
from analysis.picture import Picture
from analysis.strategies import strategy_of
from asteroid.units import force_unit_in_ev_ang

if TYPE_CHECKING:
    from analysis.planner import Plan
    from analysis.transfer import SurfaceFit
    from study.costs import PriceList


def surface_pictures(
    fitted: SurfaceFit | None, plan: Plan | None, prices: PriceList, level: str, force_unit: str
) -> list[Picture]:
    """Draw what the surface shows; nothing where it does not hold.

    Args:
        fitted: from `transfer.surface_of`.
        plan: for the map: its target and its choice.
        prices: of the accurate and the cheap level.
        level: name of the accurate level.
        force_unit: of the errors.
    """
    if fitted is None or not fitted.usable:
        return []
    pictures = [_effective(fitted)]
    strategies = map_strategies(fitted)
    if plan is not None and strategies:
        named = [option.strategy for option in ([plan.choice] if plan.choice else []) + list(plan.alternatives)]
        shown = next((strategy for strategy in named if strategy in strategies), strategies[0])
        pictures.append(_map(fitted, shown, plan, prices, level, force_unit))
    return pictures


def _effective(fitted: SurfaceFit) -> Picture:
    data = effective_data(fitted)
    figure = Figure(figsize=effective_size_in(data), layout="constrained")
    plot_effective(data, figure)
    cells = data[data["part"] != "line"]
    said = "; ".join(
        f"{strategy_of(str(row['strategy'])).name} with {row['n_cheap']:,} cheap frames: {row['labels']:,.0f} at "
        f"{row['budget']:,.0f}"
        for _, row in cells.drop_duplicates(["strategy", "n_cheap"]).iterrows()
    )
    return Picture(
        "effective_labels",
        figure,
        data,
        "What cheap frames are worth",
        "Accurate labels that would give the same error without cheap frames, against those bought: dots from measured "
        "errors, lines from the surface, both with 90 % intervals, red where cheap frames hurt.",
        f"Effective accurate labels. {said}.",
    )


def _map(fitted: SurfaceFit, strategy: str, plan: Plan, prices: PriceList, level: str, force_unit: str) -> Picture:
    data = map_data(fitted, strategy, prices, plan.target_ev_ang, plan.choice)
    figure, ax = new_figure(width_in=COLUMN_IN + 0.3, height_in=4.1)
    plot_map(data, ax, target_ev_ang=plan.target_ev_ang, level=level, force_unit=force_unit)
    scale = force_unit_in_ev_ang(force_unit)
    nodes = data[data["part"] == "node"]
    met = nodes[(nodes["probability"] >= plan.confidence) & ~nodes["extrapolated"]].sort_values("price_cpu_s")
    said = f"Within the runs the target is nowhere met with {plan.confidence:.0%}"
    for _, row in met.head(1).iterrows():
        mix = f"{row['n_accurate']:,.0f} accurate labels and {row['n_cheap']:,.0f} cheap frames"
        said = f"Within the runs {mix} are the cheapest mix that meets the target with {plan.confidence:.0%}"
    errors = nodes["force_mae_ev_ang"] / scale
    return Picture(
        "budget_map",
        figure,
        data,
        "Both kinds of labels",
        "Force error of one strategy over accurate labels and cheap frames: orange lines where the target is met, "
        "dotted lines of equal price, hatched where nothing was run.",
        f"Errors from {errors.min():.2g} to {errors.max():.2g} {force_unit}. {said}.",
    )
