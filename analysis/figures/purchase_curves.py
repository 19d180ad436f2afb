"""The figure of a purchase's learning curves: cross-validated errors against labels, and what is believed beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from analysis.buying.looks import looks_of
from analysis.buying.noise_law import NoiseLaw
from analysis.buying.posterior import error_posterior
from analysis.curves.curve_key import labels_of
from analysis.figures.drawing import in_unit, labels_name, legend_name, log_axes
from analysis.figures.picture import Picture
from analysis.figures.style import COLUMN_IN, ENTRY_IN, figure_style, look_of, new_figure, with_shades
from asteroid.measured_errors import heading_in, measured_in, named_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.buying.prior import CurvePrior
    from asteroid.measured_errors import Measured

STEM = "purchase_curves"
#: Lines reach from half of the fewest to twice the most labels.
_STRETCH, _POINTS = 2.0, 41


def cross_validated_column(measured: Measured) -> str:
    """What tables call cross-validated errors."""
    return "cv_energy_free_mae" if measured.of_energies else "cv_force_mae"


def purchase_curve_data(looks: pd.DataFrame, prior: CurvePrior) -> pd.DataFrame:
    """Numbers of the figure, in long form.

    Args:
        looks: out-of-fold errors of all looks of a purchase (`study.tables.out_of_fold`).
        prior: of the curves.

    Returns:
        Rows of two parts for each strategy, those that left the race too: `look`, a cross-validated error
        `force_mae_ev_ang` (corrected by cheap labels) against the labels that its models were trained on (`budget`:
        nine tenths and a half of those owned), and `line`, the median of the model of all `budget` labels with its 90 %
        interval `lo_ev_ang`, `hi_ev_ang`. `measured_by` is `cross_validation` (cv_force_mae).

    Raises:
        InputError: there is nothing to go by.
    """
    found = looks_of(looks, also_left=True)
    parts = []
    for (key, own), label in zip(found.items(), labels_of(list(found)), strict=True):
        n = np.geomspace(own.x.min() / _STRETCH, own.n.max() * _STRETCH, _POINTS)
        posterior = error_posterior(own, n, prior, NoiseLaw())
        low, middle, high = np.transpose([posterior.interval_ev_ang(at) for at in range(len(n))])
        seen = pd.DataFrame({"part": "look", "budget": own.x, "force_mae_ev_ang": np.exp(own.log_error)})
        line = pd.DataFrame(
            {"part": "line", "budget": n, "force_mae_ev_ang": middle, "lo_ev_ang": low, "hi_ev_ang": high}
        )
        rows = pd.concat([seen, line], ignore_index=True)
        parts.append(rows.assign(curve=label, strategy=key.strategy, measured_by="cross_validation"))
    data = pd.concat(parts, ignore_index=True)
    return data[["curve", "strategy", "part", "budget", "force_mae_ev_ang", "lo_ev_ang", "hi_ev_ang", "measured_by"]]


def plot_purchase_curves(
    data: pd.DataFrame, ax: Axes, *, target_ev_ang: float, level: str = "CCSD(T)", force_unit: str = "kcal/mol/Å"
) -> Axes:
    """Draw cross-validated errors as dots, what is believed of the model of all labels as lines with 90 % bands.

    Args:
        data: from `purchase_curve_data`.
        ax: where to draw.
        target_ev_ang: of the purchase.
        level: name of the accurate level on the axis.
        force_unit: of the errors.

    Raises:
        InputError: the unit is not known.
    """
    with figure_style():
        shown = with_shades(in_unit(data.assign(target_ev_ang=target_ev_ang), force_unit), "curve")
        handles = []
        for curve, rows in shown.groupby("curve", sort=False):
            colour, marker = look_of(str(rows["look"].iloc[0]))
            dots, line = rows[rows["part"] == "look"], rows[rows["part"] == "line"]
            ax.fill_between(line["budget"], line["lo_ev_ang"], line["hi_ev_ang"], color=colour, alpha=0.13, linewidth=0)
            ax.plot(line["budget"], line["force_mae_ev_ang"], color=colour, zorder=3)
            ax.plot(dots["budget"], dots["force_mae_ev_ang"], color=colour, marker=marker, linestyle="none", zorder=4)
            handles.append(Line2D([], [], color=colour, marker=marker, label=legend_name(str(curve))))
        target = float(shown["target_ev_ang"].iloc[0])
        style = {"color": "0.25", "linestyle": (0, (3, 1.5)), "linewidth": 0.9}
        handles.append(ax.axhline(target, label=f"target {target:.3g} {force_unit}", **style))  # type: ignore[arg-type]
        log_axes(ax, shown, "budget")
        ax.set(
            xlabel=labels_name(level),
            ylabel=f"{heading_in(force_unit)} cross-validated ({force_unit})",
        )
        ax.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(0, -0.2),
            frameon=False,
            title="Bands: 90 % intervals of one model",
            title_fontsize=6.5,
            alignment="left",
        )
    return ax


def purchase_curves_picture(
    looks: pd.DataFrame, prior: CurvePrior, *, target_ev_ang: float, level: str, force_unit: str = "kcal/mol/Å"
) -> Picture:
    """Draw the learning curves of a purchase.

    Args:
        looks: out-of-fold errors of all looks.
        prior: of the curves.
        target_ev_ang: of the purchase.
        level: name of the accurate level.
        force_unit: of the errors.

    Raises:
        InputError: there is nothing to go by, or the unit is not known.
    """
    data = purchase_curve_data(looks, prior)
    lines = sum(legend_name(str(curve)).count("\n") + 1 for curve in data["curve"].unique())
    figure, ax = new_figure(width_in=COLUMN_IN, height_in=2.8 + 0.6 * ENTRY_IN * (lines + 2))
    plot_purchase_curves(data, ax, target_ev_ang=target_ev_ang, level=level, force_unit=force_unit)
    shown = in_unit(data[data["part"] == "look"], force_unit)
    said = [
        f"{curve}: {rows['force_mae_ev_ang'].iloc[-1]:.2g} with {rows['budget'].iloc[-1]:.0f} labels"
        for curve, rows in ((name, own.sort_values("budget")) for name, own in shown.groupby("curve", sort=False))
    ]
    return Picture(
        figure,
        data,
        "Learning curves inside the labels owned",
        f"Cross-validated {named_in(force_unit, 'error')} ({cross_validated_column(measured_in(force_unit))}) of every "
        "strategy against the labels that its models were trained on, at all looks; lines with 90 % bands are what is "
        "believed of one model of all labels.",
        f"Cross-validated {named_in(force_unit, 'errors')} in {force_unit}. {'; '.join(said)}.",
        STEM,
    )
