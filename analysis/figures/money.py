"""The figure of the money: along the cheapest way to each error, what is paid and its share at each level of theory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from analysis.figures.drawing import price_unit
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import COLUMN_IN, figure_style, look_of
from analysis.names import display_level
from analysis.plan.conditions import conditions_of
from analysis.plan.options import curve_candidates
from asteroid.measured_errors import error_unit, named_in
from asteroid.units import SECONDS
from study.strategies import baseline, strategy_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.figures.picture import FigureInput
    from analysis.plan.options import Candidate
    from analysis.plan.run_evidence import RunEvidence

#: Errors that are asked about, and the confidence that a new run meets them.
N_TARGETS, CONFIDENCE = 33, 0.9
_COLUMNS = ["target_ev_ang", "curve", "strategy", "n_accurate", "price_cpu_s", "level", "level_cpu_s", "share"]


def money_data(run: RunEvidence) -> pd.DataFrame:
    """Numbers of the figure.

    Args:
        run: what is known.

    Returns:
        A row for each target and level: the curve that meets the target (with a probability of `CONFIDENCE`) at the
        lowest price of labels, that price, and what of it is paid at the level. Levels in the order of the price list,
        the accurate one first. Empty where no target can be promised.

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
        for level in levels:
            own_cpu_s = paid.get(level, 0.0)
            values = (target, best.label, best.key.strategy, n, total, level, own_cpu_s, own_cpu_s / max(total, 1e-12))
            rows.append(dict(zip(_COLUMNS, values, strict=True)))
    data = pd.DataFrame(rows, columns=_COLUMNS)
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
    """Draw the lowest price of each error, with the strategy that reaches it, above the shares of the levels.

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
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.4, 1])
        path = data.drop_duplicates("target_ev_ang")
        errors, prices = path["target_ev_ang"] / scale, path["price_cpu_s"] / SECONDS[unit]
        above.plot(errors, prices, color="0.4", linewidth=0.8, zorder=1)
        for strategy, rows in path.groupby("strategy", sort=False):
            colour, marker = look_of(str(strategy))
            look: Any = {"color": colour, "marker": marker, "markeredgecolor": "white", "markeredgewidth": 0.4}
            at = rows.index
            above.plot(errors[at], prices[at], linestyle="none", label=strategy_of(str(strategy)).name, **look)
        above.set(yscale="log", ylabel=f"Lowest price (CPU {unit})")
        above.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        above.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        above.yaxis.set_minor_formatter(NullFormatter())
        shares = [data.loc[data["level"] == level, "share"].to_numpy() for level in levels]
        shades = [baseline().colour, *mpl.colormaps["YlOrBr"](np.linspace(0.55, 0.2, len(levels) - 1))]
        names = [display_level(level) for level in levels]
        below.stackplot(errors, *shares, labels=names, colors=shades, alpha=0.75, linewidth=0)
        below.set(xscale="log", ylim=(0, 1), ylabel="Share of it")
        below.set_xlabel(f"Target: {named_in(force_unit)} ({force_unit})")
        below.yaxis.set_major_formatter(PercentFormatter(1.0))
        below.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        below.xaxis.set_minor_formatter(NullFormatter())
        below.invert_xaxis()
        figure.legend(*above.get_legend_handles_labels(), loc="outside upper left", frameon=False, ncols=1)
        figure.legend(*below.get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=1)
        for ax in (above, below):
            ax.spines[["top", "right"]].set_visible(False)


def _picture(given: FigureInput) -> Picture | None:
    if given.run is None or not given.manifest.get("lower_levels"):
        return None
    data = money_data(given.run)
    if data["target_ev_ang"].nunique() < 2:
        return None
    with figure_style():
        figure = mpl.figure.Figure(figsize=(COLUMN_IN, 4.4), layout="constrained")
    plot_money(data, figure, force_unit=given.force_unit)
    last = data[data["target_ev_ang"] == data["target_ev_ang"].min()]
    said = ", ".join(f"{row['share']:.0%} for {display_level(row['level'])}" for _, row in last.iterrows())
    smallest = float(last["target_ev_ang"].iloc[0]) / given.scale
    return Picture(
        figure,
        data,
        "Where the money goes",
        f"The lowest price of labels with which {CONFIDENCE:.0%} of new runs meet a target, by the strategy that does; "
        "below, the share of that price at each level of theory.",
        f"At {smallest:.2g} {given.force_unit}: {last['curve'].iloc[0]}; {said}.",
    )


FIGURE = RunFigure("money", _picture)
