"""The figure of a purchase: the error of each contender round by round, the target, and where buying ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from analysis.buying.contender_name import contender_names
from analysis.figures.drawing import in_unit, legend_name
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import COLUMN_IN, ENTRY_IN, PAGE_IN, figure_style, look_of, new_figure, with_shades
from analysis.names import duration, shown_probability
from asteroid.measured_errors import heading_in, unit_to_show
from study.tables.rounds import measured_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from analysis.figures.picture import FigureInput

#: Width of a letter of small type, and what the axes have of a figure's width.
_LETTER_IN, _AXES_SHARE = 0.055, 0.8
_END = {"stop": "stopped: target met", "cannot": "given up", "buy": "still buying"}
_COLUMNS = ["round", "n_labels", "contender", "strategy", "error_ev_ang", "low_ev_ang", "high_ev_ang", "probability"]


def purchase_data(rounds: pd.DataFrame) -> pd.DataFrame:
    """Numbers of the figure of a purchase.

    Args:
        rounds: of `study.tables.rounds`.

    Returns:
        one row for each contender of each look: labels owned, error with its 90 % interval (eV/Å), P(target met),
        whether its model would be delivered (`best`), the target, the confidence, what was decided (`action`), and of a
        ladder the labels owned of the level between (`n_intermediate`) and the price of the labels of both
        (`labels_cpu_s`).
    """
    between = []
    if "n_intermediate" in rounds:
        rounds = rounds.assign(labels_cpu_s=rounds["label_cpu_s"] + rounds["intermediate_cpu_s"])
        between = ["n_intermediate", "labels_cpu_s"]
    kept = rounds[[*_COLUMNS, "best", "action", "target_ev_ang", "confidence", *between]]
    return kept.sort_values(["round", "best"], ascending=[True, False], kind="stable", ignore_index=True)


def plot_purchase(data: pd.DataFrame, ax: Axes, *, level: str = "CCSD(T)", force_unit: str = "kcal/mol/Å") -> Axes:
    """Draw the rounds of a purchase.

    Lines follow the contenders while they race; the best of each look has its 90 % interval and P(target met) above it.

    Args:
        data: from `purchase_data`.
        ax: where to draw.
        level: name of the accurate level on the axis.
        force_unit: of the errors.

    Raises:
        InputError: the unit is not known.
    """
    with figure_style():
        shown = with_shades(in_unit(data, force_unit), "contender")
        x = "labels_cpu_s" if "labels_cpu_s" in shown else "n_labels"
        handles, names = [], _names(shown)
        for contender, rows in shown.groupby("contender", sort=False):
            colour, marker = look_of(str(rows["look"].iloc[0]))
            style = {"color": colour, "marker": marker, "markeredgecolor": "white", "markeredgewidth": 0.4}
            ax.plot(rows[x], rows["error_ev_ang"], zorder=3, **style)  # type: ignore[arg-type]
            handles.append(Line2D([], [], label=legend_name(names[str(contender)]), **style))  # type: ignore[arg-type]
        best = shown[shown["best"]]
        off = np.stack([best["error_ev_ang"] - best["low_ev_ang"], best["high_ev_ang"] - best["error_ev_ang"]])
        ax.errorbar(best[x], best["error_ev_ang"], off, fmt="none", ecolor="0.25", capsize=2, zorder=2.5)
        _axes(ax, shown, x)
        above = _rows([float(n) for n in best[x]], [4] * len(best), ax)
        alone = len(best) == 1  # with room beside its point; above, it would cover those of others
        for row, place in zip(best.to_dict("records"), above, strict=True):
            ax.annotate(
                f"P {shown_probability(row['probability']):.2f}".replace("0.", "."),
                (float(row[x]), float(row["error_ev_ang" if alone else "low_ev_ang" if place else "high_ev_ang"])),
                xytext=(6, 0) if alone else (0, -3 if place else 3),
                textcoords="offset points",
                ha="left" if alone else "center",
                va="center" if alone else "top" if place else "bottom",
                fontsize=6,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.6},
            )
        target = float(shown["target_ev_ang"].iloc[0])
        ax.axhline(target, color="0.25", linestyle=(0, (3, 1.5)), linewidth=0.9, zorder=1)
        last = best.iloc[-1]
        ax.axvline(float(last[x]), color="0.6", linestyle=":", linewidth=0.9, zorder=1)
        handles.append(Line2D([], [], color="0.25", label="best: 90 % interval, P that it meets the target"))
        handles.append(Line2D([], [], color="0.25", linestyle=(0, (3, 1.5)), label=f"target {target:.3g} {force_unit}"))
        handles.append(Line2D([], [], color="0.6", linestyle=":", label=_END[str(last["action"])]))
        ax.set(xlabel=_owned(level, x), ylabel=f"{heading_in(force_unit)} ({force_unit})")
        figure = ax.figure
        columns = 2 if figure.bbox.width > 5 * figure.dpi else 1
        # Below ticks of up to four lines and the name of the axis.
        drop_pt = 30 + 9 * max(label.count("\n") for label in _tick_names(ax))
        ax.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(0, 0),
            bbox_transform=ax.transAxes + ScaledTranslation(-30 / 72, -drop_pt / 72, ax.figure.dpi_scale_trans),
            borderaxespad=0,
            frameon=False,
            ncols=columns,
        )
    return ax


def _owned(level: str, x: str) -> str:
    """Name of the axis."""
    return f"{level} labels owned" if x == "n_labels" else "Price of labels (numbers of both levels)"


def _axes(ax: Axes, shown: pd.DataFrame, x: str) -> None:
    labels = sorted({float(n) for n in shown[x]})
    ax.set_xlim(labels[0] / 1.15, labels[-1] * 1.15)
    errors = shown[["error_ev_ang", "target_ev_ang"]].to_numpy(dtype=float)
    best = shown.loc[shown["best"], ["low_ev_ang", "high_ev_ang"]].to_numpy(dtype=float)
    low, high = min(errors.min(), best.min()) / 1.1, max(errors.max(), best.max()) * 1.25
    ax.set_ylim(low, high)
    ax.set(xscale="log", yscale="log")  # after the limits, as a single look has none of its own
    ax.xaxis.set_major_locator(FixedLocator(labels))
    candidates = [step * 10.0**power for power in range(-4, 4) for step in (1, 1.5, 2, 3, 5, 7)]
    ax.yaxis.set_major_locator(FixedLocator([tick for tick in candidates if low <= tick <= high]))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    names = {n: f"{n:g}" for n in labels}
    if x != "n_labels":
        for row in shown.to_dict("records"):
            names[float(row[x])] = f"{duration(row[x])}\n({row['n_labels']} + {row['n_intermediate']})"
    # Names that would touch their neighbours stand below these.
    lines = max(name.count("\n") for name in names.values()) + 1
    rows = _rows(labels, [max(map(len, names[n].split("\n"))) for n in labels], ax)
    names = {n: "\n" * lines * row + names[n] for n, row in zip(labels, rows, strict=True)}
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: names.get(value, "")))
    ax.spines[["top", "right"]].set_visible(False)


def _rows(places: list[float], letters: list[int], ax: Axes) -> list[int]:
    """0 or 1 for each text along a logarithmic axis, so that neighbours of one row do not touch where that can be."""
    low, high = ax.get_xlim()
    letter = _LETTER_IN * np.log(high / low) / (_AXES_SHARE * ax.figure.bbox.width / ax.figure.dpi)
    ends, found = [-np.inf, -np.inf], []
    for place, n in zip(np.log(places), letters, strict=True):
        half = letter * (n + 1) / 2
        found.append(int(place - half < ends[0] and ends[1] < ends[0]))
        ends[found[-1]] = place + half
    return found


def _tick_names(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_xticklabels()] or [""]


def _names(data: pd.DataFrame) -> dict[str, str]:
    """Names of the contenders for the legend."""
    pairs = data[["contender", "strategy"]].drop_duplicates().to_numpy().tolist()
    return contender_names([(str(contender), str(strategy)) for contender, strategy in pairs])


def purchase_picture(
    rounds: pd.DataFrame, *, level: str, force_unit: str = "kcal/mol/Å", wide: bool = False
) -> Picture | None:
    """Draw the figure of a purchase; None before its first look.

    Args:
        rounds: of `study.tables.rounds`.
        level: name of the accurate level.
        force_unit: of the errors.
        wide: for two columns of a journal page.

    Raises:
        InputError: the unit is not known.
    """
    if rounds.empty:
        return None
    data = purchase_data(rounds)
    lines = sum(legend_name(name).count("\n") + 1 for name in _names(data).values())
    more = ENTRY_IN * 0.6 * (lines + 3) / (1 + wide)
    figure, ax = new_figure(width_in=PAGE_IN if wide else COLUMN_IN, height_in=3.0 + more)
    plot_purchase(data, ax, level=level, force_unit=force_unit)
    shown = in_unit(data[data["best"]], force_unit)
    steps = [
        f"{row.n_labels} labels{_with_between(row)}: {row.error_ev_ang:.2g} "
        f"[{row.low_ev_ang:.2g}, {row.high_ev_ang:.2g}], P {shown_probability(row.probability):.2f}"  # type: ignore[arg-type]
        for row in shown.itertuples()
    ]
    return Picture(
        figure,
        data,
        "The purchase round by round",
        f"{heading_in(force_unit, 'error')} of each strategy as cross-validated inside the labels owned; bars hold "
        "90 % of what is believed of the best, P is the probability that it meets the target.",
        f"Error of the best strategy in {force_unit}, target {shown['target_ev_ang'].iloc[0]:.3g}. {'; '.join(steps)}.",
    )


def _with_between(row: Any) -> str:
    """The labels of the level between, where the purchase is on a ladder."""
    return f" and {row.n_intermediate} of the level between" if hasattr(row, "n_intermediate") else ""


def _picture(given: FigureInput) -> Picture | None:
    if given.rounds is None:
        return None
    unit = unit_to_show(measured_of(given.rounds), given.force_unit)
    return purchase_picture(given.rounds, level=given.level, force_unit=unit, wide=given.wide)


FIGURE = RunFigure("purchase", _picture, caveats="none")
