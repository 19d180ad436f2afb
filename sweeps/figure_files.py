"""All figures of a run, drawn and saved with the data behind each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from analysis.figure_style import figure_style, new_figure, save_figure
from analysis.figures import cost_data, learning_curve_data, plot_cost, plot_learning_curve, plot_small_multiples
from study.costs import PriceList

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import pandas as pd


def save_figures(table: pd.DataFrame, manifest: dict[str, Any], folder: Path, force_unit: str) -> list[Path]:
    """Draw every figure of a run.

    Args:
        table: results table.
        manifest: the run's manifest.
        folder: where the files go; created if need be.
        force_unit: unit of the error axes.

    Returns:
        the files: PDF, SVG, PNG and CSV of each figure.
    """
    folder.mkdir(parents=True, exist_ok=True)
    level = display_level(manifest["level_accurate"])
    files: list[Path] = []
    with figure_style():
        data = learning_curve_data(table)
        figure, ax = new_figure()
        plot_learning_curve(data, ax, level=level, force_unit=force_unit)
        files += save_figure(figure, data, folder, "learning_curve")

        data = learning_curve_data(table, every_curve=True)
        figure = Figure(figsize=(6.8, 6.8), layout="constrained")
        plot_small_multiples(data, figure, level=level, force_unit=force_unit)
        files += save_figure(figure, data, folder, "every_curve")

        data = cost_data(table, PriceList.from_json(manifest["prices"]))
        figure, ax = new_figure()
        plot_cost(data, ax, force_unit=force_unit)
        files += save_figure(figure, data, folder, "cost")
    return files


def display_level(level: str) -> str:
    """A level slug as chemists write it: "ccsd_t/cc-pvdz" becomes "CCSD(T)/cc-pVDZ"."""
    method, slash, basis = level.partition("/")
    method = method.upper().replace("CCSD_T", "CCSD(T)").replace("XTB", "xTB")
    return method + slash + basis.replace("pv", "pV").replace("dz", "DZ").replace("tz", "TZ").replace("qz", "QZ")
