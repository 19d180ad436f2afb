"""The figure of the money: along the cheapest way to each error, what is paid and its share at each level of theory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from analysis.figures.drawing import plain_ticks, price_unit
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import COLUMN_IN, figure_style, look_of
from analysis.names import display_level
from analysis.plan.conditions import conditions_of
from analysis.plan.options import curve_candidates
from analysis.plan.worth import one_more_label
from asteroid.measured_errors import error_unit, named_in
from asteroid.units import SECONDS
from study.strategies import baseline, strategy_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.figures.picture import FigureInput
    from analysis.plan.options import Candidate
    from analysis.plan.run_evidence import RunEvidence

#: Errors that are asked about, and the confidence that a new run meets them.
N_TARGETS, CONFIDENCE = 33, 0.9
#: Error bars end at this share of the median at the latest.
_FLOOR = 30.0
_COLUMNS = ["target_ev_ang", "curve", "strategy", "n_accurate", "price_cpu_s", "level", "level_cpu_s", "share"]
#: Error that one more CPU second of labels of the level saves: median, 5 % and 95 % quantile, eV/Å per s.
SAVED = ["saved_ev_ang_per_cpu_s", "saved_p5", "saved_p95"]


def money_data(run: RunEvidence) -> pd.DataFrame:
    """Numbers of the figure.

    Args:
        run: what is known.

    Returns:
        A row for each target and level: the curve that meets the target (with a probability of `CONFIDENCE`) at the
        lowest price of labels, that price, what of it is paid at the level, and what one more CPU second of its labels
        would save (`analysis.plan.worth`; NaN where that is not known). Levels in the order of the price list, the
        accurate one first. Empty where no target can be promised.

    Raises:
        InputError: the table of the run has no usable curve.
    """
    errors = np.concatenate([evidence.curve.error_ev_ang for evidence in run.competing.values()])
    targets = np.geomspace(errors.min() / 2, errors.max(), N_TARGETS)
    candidates = [c for c in curve_candidates(run, conditions_of(run, None, 0.0)) if not c.curve.horizontal]
    needed = [[int(c.labels(n, (CONFIDENCE,))[0]) for n in c.needed(targets.tolist())] for c in candidates]
    levels = [run.prices.accurate, *(level for level in run.prices.levels if level != run.prices.accurate)]
    rows: list[dict[str, Any]] = []
    for place, target in enumerate(targets):
        priced = [(c.price.total(own[place]), c, own[place]) for c, own in zip(candidates, needed, strict=True)]
        priced = [found for found in priced if found[2] >= 0]
        if not priced:
            continue
        total, best, n = min(priced, key=lambda found: found[0])
        paid = _paid(best, n)
        saved = {worth.level: worth.saved_for(1.0) for worth in one_more_label(run, best, n)}
        for level in levels:
            own_cpu_s = paid.get(level, 0.0)
            values = (target, best.label, best.key.strategy, n, total, level, own_cpu_s, own_cpu_s / max(total, 1e-12))
            more = saved.get(level) or (np.nan, np.nan, np.nan)
            rows.append(dict(zip([*_COLUMNS, *SAVED], [*values, *more], strict=True)))
    data = pd.DataFrame(rows, columns=[*_COLUMNS, *SAVED])
    # Of the targets that the smallest purchase meets, the strictest is enough.
    met_by_smallest = data[data["price_cpu_s"] <= data["price_cpu_s"].min()]["target_ev_ang"]
    return data[data["target_ev_ang"] <= met_by_smallest.min()] if len(data) else data


def _paid(candidate: Candidate, n_accurate: int) -> dict[str, float]:
    """CPU seconds at each level."""
    price, lower = candidate.price, candidate.price.lower
    paid = {price.prices.accurate: price.accurate(n_accurate)}
    below = price.cheap(n_accurate)
    if lower.intermediate_level:
        paid[lower.intermediate_level] = price.intermediate()
        below -= paid[lower.intermediate_level]
    return paid | {price.prices.level_of(lower): max(below, 0.0)}


def plot_money(data: pd.DataFrame, figure: Figure, *, force_unit: str = "kcal/mol/Å") -> None:
    """Draw the lowest price of each error with the strategy that reaches it, the levels' shares, and what more saves.

    Args:
        data: from `money_data`, not empty.
        figure: is filled.
        force_unit: of the errors.

    Raises:
        InputError: the unit is not known.
    """
    scale, levels = error_unit(force_unit), list(dict.fromkeys(data["level"]))
    unit = price_unit(float(data["price_cpu_s"].max()))
    with figure_style():
        told = bool((data[SAVED[0]] > 0).any())
        axes = figure.subplots(2 + told, 1, sharex=True, height_ratios=[1.4, 1, 1.2][: 2 + told])
        above, below, lowest = axes[0], axes[1], axes[-1]
        path = data.drop_duplicates("target_ev_ang")
        errors, prices = path["target_ev_ang"] / scale, path["price_cpu_s"] / SECONDS[unit]
        above.plot(errors, prices, color="0.4", linewidth=0.8, zorder=1)
        for strategy, rows in path.groupby("strategy", sort=False):
            colour, marker = look_of(str(strategy))
            look: Any = {"color": colour, "marker": marker, "markeredgecolor": "white", "markeredgewidth": 0.4}
            at = rows.index
            above.plot(errors[at], prices[at], linestyle="none", label=strategy_of(str(strategy)).name, **look)
        above.set(yscale="log", ylabel=f"Lowest price (CPU {unit})")
        shares = [data.loc[data["level"] == level, "share"].to_numpy() for level in levels]
        shades = [baseline().colour, *mpl.colormaps["YlOrBr"](np.linspace(0.6, 0.35, len(levels) - 1))]
        names = [display_level(level) for level in levels]
        below.stackplot(errors, *shares, labels=names, colors=shades, alpha=0.75, linewidth=0)
        below.set(ylim=(0, 1), ylabel="Share of it")
        below.yaxis.set_major_formatter(PercentFormatter(1.0))
        if told:
            for level, shade in zip(levels, shades, strict=True):
                rows = data[data["level"] == level]
                _draw_saved(rows, lowest, SECONDS[unit], scale, {"color": shade, "label": display_level(level)})
            lowest.set(yscale="log", ylabel=f"Saved by one more\nCPU {unit} ({force_unit})")
        lowest.set_xscale("log")
        lowest.set_xlabel(f"Target: {named_in(force_unit)} ({force_unit})")
        lowest.invert_xaxis()
        plain_ticks(lowest.xaxis, above.yaxis, *([lowest.yaxis] if told else []))
        figure.legend(*above.get_legend_handles_labels(), loc="outside upper left", frameon=False, ncols=1)
        figure.legend(*below.get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=1)
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)


def _draw_saved(rows: pd.DataFrame, ax: Axes, unit_s: float, scale: float, look: dict[str, Any]) -> None:
    """What one more unit of time at a level saves, with its 90 % interval."""
    errors, bought = rows["target_ev_ang"] / scale, rows[SAVED[0]] > 0  # where it is not bought, the line has a gap
    middle, low, high = (rows[column].where(bought).to_numpy() * unit_s / scale for column in SAVED)
    low = np.maximum(low, middle / _FLOOR)  # what may be nothing has no place on a logarithmic axis
    ax.vlines(errors, low, high, linewidth=0.6, color=look["color"])
    ax.plot(errors, middle, marker="o", markersize=3, linewidth=0.8, markeredgecolor="0.3", **look)


def _picture(given: FigureInput) -> Picture | None:
    if given.run is None or not given.manifest.get("lower_levels"):
        return None
    data = money_data(given.run)
    if data["target_ev_ang"].nunique() < 2:
        return None
    with figure_style():
        figure = mpl.figure.Figure(figsize=(COLUMN_IN, 6.0), layout="constrained")
    plot_money(data, figure, force_unit=given.force_unit)
    last = data[data["target_ev_ang"] == data["target_ev_ang"].min()]
    said = ", ".join(f"{row['share']:.0%} for {display_level(row['level'])}" for _, row in last.iterrows())
    smallest = float(last["target_ev_ang"].iloc[0]) / given.scale
    return Picture(
        figure,
        data,
        "Where the money goes",
        f"The lowest price of labels with which {CONFIDENCE:.0%} of new runs meet a target, by the strategy that does; "
        "below, the share of that price at each level of theory, and what one more unit of time of its labels would "
        "save (90 % intervals; nothing is known of a level with one number of frames).",
        f"At {smallest:.2g} {given.force_unit}: {last['curve'].iloc[0]}; {said}.",
    )


FIGURE = RunFigure("money", _picture)
