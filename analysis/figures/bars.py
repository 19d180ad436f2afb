"""The Figure-1b-style figure: one bar for each strategy at one budget, a panel for each run (one molecule each)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.caveats import Caveat
from analysis.curves.curves import curves_of, representative_curves
from analysis.figures.drawing import error_name
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import figure_style, look_of, told_apart_by, with_looks
from analysis.names import display_formula, display_level, duration
from analysis.plan.pricing import label_price
from asteroid.errors import InputError
from asteroid.measured_errors import error_unit, named_in
from study.prices import PriceList
from study.strategies import strategy_of
from study.tables.levels import settled, with_levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from analysis.curves.curves import Curve
    from analysis.figures.picture import FigureInput

#: A bar without accurate labels is cut where it would make all others this many times smaller.
_CUT_ABOVE = 2.0
#: Room above the highest bar or dot for three lines of text, as a share of the axis.
_TEXT_ROOM = 0.26
_WIDTH = 0.68


def bars_data(
    tables: Mapping[str, pd.DataFrame], manifests: Mapping[str, Mapping[str, Any]], *, budget: int | None = None
) -> pd.DataFrame:
    """Numbers of the bars.

    Args:
        tables: results tables by name of the run.
        manifests: manifests by the same names.
        budget: accurate labels of all strategies; by default the largest budget that every strategy of every run has,
            and where there is none, the largest that every strategy of that run has.

    Returns:
        Rows of two parts: `bar`, the median over seeds of one strategy of one run (the setting is that of
        `curves.representative_curves`), and `run`, one seed. Columns: run, molecule, part, strategy, gamma_rel,
        schedule, budget (0 for `cheap_only`), n_cheap, seed, force_mae_ev_ang, price_cpu_s (labels), measured_by.

    Raises:
        InputError: a table has no usable curve, or not every strategy of a run has the budget.
    """
    shown = {run: representative_curves(curves_of(table)) for run, table in tables.items()}
    shared = {run: shared_budgets(curves) for run, curves in shown.items()}
    everywhere = set.intersection(*shared.values()) if shared else set()
    parts = []
    for run, curves in shown.items():
        if budget is not None and budget not in shared[run]:
            raise InputError(
                f"bars need a budget that every strategy of {run} was run at, found {budget}: "
                f"choose one of {', '.join(map(str, sorted(shared[run]))) or '(none is shared)'}"
            )
        chosen = budget or max(everywhere or shared[run], default=None)
        if chosen is None and any(not curve.horizontal for curve in curves):
            raise InputError(f"bars need a budget that every strategy of {run} was run at, found none: add one")
        prices = PriceList.from_json(manifests[run]["prices"])
        own = [_bar(curve, 0 if curve.horizontal else chosen or 0, prices) for curve in curves]
        parts += [rows.assign(run=run, molecule=manifests[run]["molecule"]) for rows in own]
    data = settled(pd.concat(parts, ignore_index=True).astype({"seed": "Int64"}))
    names = ["run", "molecule", "part", "strategy", "gamma_rel", "schedule", "budget", "n_cheap", "seed"]
    return with_looks(data[[*with_levels(names, data), "force_mae_ev_ang", "price_cpu_s", "measured_by"]])


def plot_bars(data: pd.DataFrame, figure: Figure, *, force_unit: str = "kcal/mol/Å", columns: int = 3) -> list[Axes]:
    """Draw bars from zero with a dot for each seed; error, numbers of labels and their price stand on each bar.

    A bar of `cheap_only` that would dwarf all others is cut, and says so. Runs of one molecule have one scale.

    Args:
        data: from `bars_data`.
        figure: is filled; see `bars_size_in`.
        force_unit: of the errors.
        columns: panels side by side.

    Raises:
        InputError: the unit is not known.
    """
    scale = error_unit(force_unit)
    with figure_style():
        runs = dict(list(data.assign(error=data["force_mae_ev_ang"] / scale).groupby("run", sort=False)))
        columns = min(columns, len(runs))
        grid = figure.subplots(-(-len(runs) // columns), columns, squeeze=False)
        panels: list[Axes] = list(grid.ravel())
        tops = [_top(rows) for rows in runs.values()]
        molecules = [str(rows["molecule"].iloc[0]) for rows in runs.values()]
        for ax, (run, rows), molecule in zip(panels, runs.items(), molecules, strict=False):
            # Runs of one molecule are compared by the heights of their bars.
            _draw_panel(rows, ax, max(top for top, other in zip(tops, molecules, strict=True) if other == molecule))
            ax.set_title(f"{run!s} ({display_formula(str(rows['molecule'].iloc[0]))})", loc="left")
        for ax in panels[len(runs) :]:
            ax.remove()
        figure.supylabel(error_name(data, force_unit), fontsize=8)
        figure.supxlabel(
            "On the bars: median error, accurate labels\n(+ cheap frames) bought, their CPU time", fontsize=7
        )
    return panels[: len(runs)]


def bars_size_in(data: pd.DataFrame, columns: int = 3) -> tuple[float, float]:
    """Width and height, inches, of a figure in which the text on the bars fits."""
    runs = data.loc[data["part"] == "bar", "run"].value_counts()
    side_by_side = min(columns, len(runs))
    return 0.6 + side_by_side * max(0.72 * int(runs.max()), 2.0), 0.4 + 2.9 * -(-len(runs) // columns)


def shared_budgets(curves: Sequence[Curve]) -> set[int]:
    """Budgets that all curves with accurate labels were run at."""
    budgets = [set(curve.budget.tolist()) for curve in curves if not curve.horizontal]
    return set.intersection(*budgets) if budgets else set()


def _bar(curve: Curve, budget: int, prices: PriceList) -> pd.DataFrame:
    at = curve.budget == budget
    runs = pd.DataFrame({"part": "run", "seed": curve.seed[at], "force_mae_ev_ang": curve.error_ev_ang[at]})
    median = float(np.median(curve.error_ev_ang[at]))
    bar = pd.DataFrame({"part": ["bar"], "seed": [None], "force_mae_ev_ang": [median]})
    return pd.concat([bar.astype({"seed": "Int64"}), runs.astype({"seed": "Int64"})], ignore_index=True).assign(
        **curve.key.columns(),
        budget=budget,
        price_cpu_s=label_price(curve, prices).total(budget),
        measured_by="cross_validation" if Caveat.NO_TEST_SET in curve.status else "test",
    )


def _top(rows: pd.DataFrame) -> float:
    """The highest error that is drawn to scale."""
    bought = rows.loc[rows["budget"] > 0, "error"]
    top = float(rows["error"].max())
    return 1.15 * float(bought.max()) if len(bought) and top > _CUT_ABOVE * bought.max() else top


def _draw_panel(rows: pd.DataFrame, ax: Axes, top: float) -> None:
    bars = rows[rows["part"] == "bar"]
    ax.set(xlim=(-0.55, len(bars) - 0.45), ylim=(0, top / (1 - _TEXT_ROOM)))
    name = told_apart_by(rows)
    for place, (_, bar) in enumerate(bars.iterrows()):
        colour, marker = look_of(str(bar[name]))
        dots = rows.loc[(rows["part"] == "run") & (rows[name] == bar[name]), "error"]
        cut = bool(bar["error"] > top)
        ax.bar(place, min(bar["error"], top), width=_WIDTH, color=colour, alpha=0.45, linewidth=0)
        if cut:
            _draw_cut(place, top, ax)
        else:
            # Side by side in the order of seeds, so that equal errors stay visible.
            beside = place + 0.14 * (np.arange(len(dots)) - (len(dots) - 1) / 2) * min(1.0, 4 / max(len(dots), 1))
            look: Any = {"color": colour, "markeredgecolor": "white", "markeredgewidth": 0.4}
            ax.plot(beside, dots, linestyle="none", marker=marker, **look)
        highest = top if cut else max(float(dots.max()), float(bar["error"]))
        ax.annotate(
            _bar_text(bar, cut=cut),
            (place, highest),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=6,
            linespacing=1.15,
        )
    ax.set_xticks(range(len(bars)), [_bar_name(bar) for _, bar in bars.iterrows()], fontsize=6.5)
    ax.tick_params(axis="x", length=0)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_cut(place: float, top: float, ax: Axes) -> None:
    """Two white slanted lines near the top of a bar that is drawn shorter than it is."""
    for height in (0.86, 0.91):
        across = np.array([place - 0.55 * _WIDTH, place + 0.55 * _WIDTH])
        ax.plot(across, top * (height + np.array([0.0, 0.035])), color="white", linewidth=1.6, zorder=3)


def _bar_text(bar: pd.Series[Any], *, cut: bool) -> str:
    counts = [f"{bar[name]:,}" for name in ("budget", "n_intermediate", "n_cheap") if bar.get(name)]
    what = " + ".join(counts) if len(counts) > 1 else f"{counts[0]} labels" if bar["budget"] else f"{counts[0]} cheap"
    error = f"{bar['error']:,.0f}" if bar["error"] >= 100 else f"{bar['error']:.2g}"
    return f"{error}{' (cut)' if cut else ''}\n{what}\n{duration(bar['price_cpu_s'])}"


def _bar_name(bar: pd.Series[Any]) -> str:
    strategy = str(bar["strategy"])
    name = strategy_of(strategy).short
    name = f"{name}\nγ/median {bar['gamma_rel']:g}" if np.isfinite(bar["gamma_rel"]) else name
    below = [level for level in (bar.get("intermediate_level"), bar.get("cheap_level")) if level]
    levels = [display_level(level).partition("/")[0] for level in below]
    return "\n".join([name, " + ".join(levels)]) if levels else name


def bars_picture(
    tables: Mapping[str, pd.DataFrame],
    manifests: Mapping[str, Mapping[str, Any]],
    *,
    force_unit: str = "kcal/mol/Å",
    budget: int | None = None,
) -> Picture:
    """Draw the bars of one or several runs.

    Raises:
        InputError: a table has no usable curve, or not every strategy of a run has the budget.
    """
    data = bars_data(tables, manifests, budget=budget)
    figure = Figure(figsize=bars_size_in(data), layout="constrained")
    plot_bars(data, figure, force_unit=force_unit)
    scale = error_unit(force_unit)
    bars = data[data["part"] == "bar"]
    said = "; ".join(
        f"{run}: " + ", ".join(f"{row['strategy']} {row['force_mae_ev_ang'] / scale:.2g}" for _, row in rows.iterrows())
        for run, rows in bars.groupby("run", sort=False)
    )
    budgets = " or ".join(f"{n:,}" for n in sorted(set(bars.loc[bars["budget"] > 0, "budget"])))
    return Picture(
        figure,
        data,
        f"Strategies at {budgets} accurate labels" if budgets else "Strategies",
        "Bars are medians over seeds, dots single seeds; error, purchase and price stand on each bar.",
        f"Median {named_in(force_unit, 'errors')} in {force_unit}. {said}.",
    )


def _picture(given: FigureInput) -> Picture | None:
    if given.run is None:
        return None
    shown = representative_curves(curves_of(given.run.table))
    # A run that is not finished, or whose strategies were tuned at different budgets, may have nothing to set side by
    # side; that is a mistake only where bars were asked for.
    if given.budget is None and not shared_budgets(shown) and not all(curve.horizontal for curve in shown):
        return None
    name, priced = given.manifest["name"], dict(given.manifest) | {"prices": given.prices.to_json()}
    return bars_picture({name: given.run.table}, {name: priced}, force_unit=given.force_unit, budget=given.budget)


FIGURE = RunFigure("bars", _picture)
