"""All figures of a run, drawn and saved with the data behind each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.curves.energy_errors import errors_of
from analysis.figures import purchase
from analysis.figures.bars import bars_picture
from analysis.figures.gallery import draw_figures
from analysis.figures.picture import FigureInput
from analysis.figures.purchase import purchase_picture
from analysis.figures.style import save_figure
from analysis.names import display_level
from analysis.plan.labels_for_target import plan_target
from analysis.plan.run_evidence import run_evidence
from analysis.plan.targets import default_target
from asteroid.errors import InputError
from asteroid.measured_errors import measured_in
from study.prices import PriceList
from study.tables.rounds import read_rounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from analysis.run_files import RunFiles


def save_figures(
    files: RunFiles, folder: Path, force_unit: str, budget: int | None = None, *, wide: bool = False
) -> list[Path]:
    """Draw every figure of a run; figures that the run has no data for are left out.

    Args:
        files: what the run folder holds.
        folder: where the figures go; created if need be.
        force_unit: unit of the error axes, which tells what the errors are of.
        budget: of the bars; None: the largest that all strategies share.
        wide: curves and costs for two columns of a journal page.

    Returns:
        the files: PDF, SVG, PNG and CSV of each figure.

    Raises:
        InputError: there is nothing to draw, or the bars cannot be drawn at that budget.
    """
    prices = PriceList.from_json(files.manifest["prices"])
    given = FigureInput(files.manifest, prices, force_unit=force_unit, budget=budget, wide=wide)
    pictures = draw_figures(replace(given, trials=files.trials, importances=files.importances, rounds=files.rounds))
    if files.table is not None and (len(files.table) or not pictures):
        run = run_evidence(files.table, files.manifest, prices, measured=measured_in(force_unit))
        target, _ = default_target(run.table, force_unit=force_unit)
        pictures = draw_figures(replace(given, run=run, plan=plan_target(run, target))) + pictures
    if not pictures:
        raise InputError(f"figures need finished runs or trials, found none in {folder.parent}: finish the run first")
    return [path for picture in pictures for path in save_figure(picture.figure, picture.data, folder, picture.stem)]


def save_bars(runs: Mapping[Path, RunFiles], folder: Path, force_unit: str, budget: int | None = None) -> list[Path]:
    """Draw the bars of several runs side by side.

    Args:
        runs: what the folder of each run holds; those that only searched have no bars.
        folder: where the files go; created if need be.
        force_unit: unit of the error axes.
        budget: accurate labels; None: the largest that all strategies of all runs share.

    Raises:
        InputError: the bars cannot be drawn at that budget.
    """
    with_table = [(path, files, files.table) for path, files in runs.items() if files.table is not None]
    names = _names({path: files for path, files, _ in with_table})
    measured = measured_in(force_unit)
    tables = {
        name: errors_of(table, measured, files.manifest.get("molecule", ""))
        for name, (_, files, table) in zip(names, with_table, strict=True)
    }
    manifests = {name: files.manifest for name, (_, files, _) in zip(names, with_table, strict=True)}
    picture = bars_picture(tables, manifests, force_unit=force_unit, budget=budget)
    return save_figure(picture.figure, picture.data, folder, "bars_of_runs")


def save_purchase(folder: Path, out: Path, force_unit: str, *, level: str) -> list[Path]:
    """Draw the figure of a purchase.

    Args:
        folder: of the purchase.
        out: where the figure goes; created if need be.
        force_unit: unit of the error axis.
        level: slug of the accurate level.

    Raises:
        InputError: there is no round to draw, or the unit is not known.
    """
    rounds = read_rounds(folder)
    picture = None if rounds is None else purchase_picture(rounds, level=display_level(level), force_unit=force_unit)
    if picture is None:
        raise InputError(f"the figure of a purchase needs a finished round, found none in {folder}: go on buying")
    return save_figure(picture.figure, picture.data, out, purchase.FIGURE.stem)


def _names(runs: Mapping[Path, RunFiles]) -> list[str]:
    """The shortest names that tell the runs apart: their sweeps' names, or their folders."""
    for names in ([str(files.manifest["name"]) for files in runs.values()], [folder.name for folder in runs]):
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in runs]
