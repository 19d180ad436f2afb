"""Figures of a model's errors on labels: predictions against labels, and how errors are distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.picture import Picture
from analysis.figures.style import PAGE_IN, figure_style, new_figure
from asteroid.units import KCAL_PER_MOL_EV, force_unit_in_ev_ang

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Dots drawn of a cloud; more are one blot.
_MOST_DOTS = 5000
_COLOURS = ("#0173b2", "#de8f05", "#029e73", "#cc78bc", "#ca9161", "#949494")


def parity_data(frames: pd.DataFrame, components: pd.DataFrame, *, force_unit: str) -> pd.DataFrame:
    """Labels and predictions of energies (kcal/mol from the mean label of a molecule) and force components.

    Args:
        frames: of `study.use.evaluation.Evaluation`.
        components: likewise.
        force_unit: of the forces.

    Returns:
        columns quantity (energy or force), kind (molecule or element), label, predicted.

    Raises:
        InputError: the unit is not known.
    """
    scale = force_unit_in_ev_ang(force_unit)
    mean = frames.groupby("molecule")["energy_ev"].transform("mean")
    energies = pd.DataFrame(
        {
            "quantity": "energy",
            "kind": frames["molecule"],
            "label": (frames["energy_ev"] - mean) / KCAL_PER_MOL_EV,
            "predicted": (frames["predicted_energy_ev"] - mean) / KCAL_PER_MOL_EV,
        }
    )
    forces = pd.DataFrame(
        {
            "quantity": "force",
            "kind": components["element"],
            "label": components["force_ev_ang"] / scale,
            "predicted": components["predicted_force_ev_ang"] / scale,
        }
    )
    return pd.concat([energies, forces], ignore_index=True)


def plot_parity(data: pd.DataFrame, ax: Axes, *, quantity: str, unit: str) -> Axes:
    """Draw predictions against labels of one quantity, a colour for each kind."""
    for colour, (kind, own) in zip(np.resize(_COLOURS, data["kind"].nunique()), data.groupby("kind"), strict=True):
        shown = own.iloc[:: max(1, len(own) // _MOST_DOTS)]
        ax.plot(shown["label"], shown["predicted"], ".", markersize=2, color=colour, label=str(kind), rasterized=True)
    ends = [float(data[["label", "predicted"]].min().min()), float(data[["label", "predicted"]].max().max())]
    ax.plot(ends, ends, "-", color="0.3", linewidth=0.7)
    ax.set(xlabel=f"{quantity}, label ({unit})", ylabel=f"{quantity}, predicted ({unit})")
    ax.legend(frameon=False, markerscale=4)
    return ax


def parity_picture(frames: pd.DataFrame, components: pd.DataFrame, *, force_unit: str) -> Picture:
    """Energies and force components against their labels, side by side.

    Raises:
        InputError: the unit is not known.
    """
    data = parity_data(frames, components, force_unit=force_unit)
    with figure_style():
        figure, first = new_figure(width_in=PAGE_IN, height_in=3.2)
        first.remove()
        axes = figure.subplots(1, 2)
        plot_parity(data[data["quantity"] == "energy"], axes[0], quantity="energy", unit="kcal/mol from the mean")
        plot_parity(data[data["quantity"] == "force"], axes[1], quantity="force component", unit=force_unit)
    return Picture(
        figure,
        data,
        "Predictions against labels",
        "Energies (left) and force components (right); the line is perfect agreement.",
        "Predicted energies and forces against their labels, with the diagonal",
        "parity",
    )


def error_data(components: pd.DataFrame, *, force_unit: str) -> pd.DataFrame:
    """Absolute errors of force components by element, rising, with the share of components below each.

    Raises:
        InputError: the unit is not known.
    """
    scale = force_unit_in_ev_ang(force_unit)
    error = (components["predicted_force_ev_ang"] - components["force_ev_ang"]).abs() / scale
    parts = []
    for element, own in error.groupby(components["element"]):
        values = np.sort(own.to_numpy())
        parts.append(
            pd.DataFrame({"element": element, "error": values, "share": np.arange(1, len(values) + 1) / len(values)})
        )
    return pd.concat(parts, ignore_index=True)


def plot_errors(data: pd.DataFrame, ax: Axes, *, force_unit: str) -> Axes:
    """Draw the share of force components with at most some error, a line for each element."""
    for colour, (element, own) in zip(
        np.resize(_COLOURS, data["element"].nunique()), data.groupby("element"), strict=True
    ):
        shown = own.iloc[:: max(1, len(own) // _MOST_DOTS)]
        ax.step(shown["error"], shown["share"], where="post", color=colour, label=str(element))
    ax.set(xlabel=f"error of a force component ({force_unit})", ylabel="share with at most that", xscale="log")
    ax.legend(frameon=False)
    return ax


def error_picture(components: pd.DataFrame, *, force_unit: str) -> Picture:
    """How errors of force components are distributed.

    Raises:
        InputError: the unit is not known.
    """
    data = error_data(components, force_unit=force_unit)
    with figure_style():
        figure, ax = new_figure(height_in=3.0)
        plot_errors(data, ax, force_unit=force_unit)
    return Picture(
        figure,
        data,
        "Errors of force components",
        "Share of force components with at most the error on the axis, by element.",
        "Cumulative distribution of force errors by element",
        "error_distribution",
    )
