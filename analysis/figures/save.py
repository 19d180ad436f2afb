"""All figures of a run, drawn and saved with the data behind each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.figures.gallery import bars_picture, result_pictures, search_pictures
from analysis.figures.style import save_figure
from analysis.plan.target_plan import plan_target
from analysis.plan.targets import default_target
from analysis.surface.transfer import surface_of
from asteroid.errors import InputError
from study.prices import PriceList
from study.tables.results import read_results
from study.tables.trials import TRIALS_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import pandas as pd

    from analysis.figures.picture import Picture


def save_figures(
    table: pd.DataFrame | None,
    manifest: dict[str, Any],
    trials: pd.DataFrame | None,
    importances: pd.DataFrame | None,
    folder: Path,
    force_unit: str,
    budget: int | None = None,
    *,
    wide: bool = False,
) -> list[Path]:
    """Draw every figure of a run; figures that the run has no data for are left out.

    Args:
        table: results table; None or without rows where the run only searched.
        manifest: the run's manifest.
        trials: of its Optuna studies, if any.
        importances: of its Optuna studies, if any.
        folder: where the files go; created if need be.
        force_unit: unit of the error axes.
        budget: of the bars; None: the largest that all strategies share.
        wide: curves and costs for two columns of a journal page.

    Returns:
        the files: PDF, SVG, PNG and CSV of each figure.

    Raises:
        InputError: there is nothing to draw, or the bars cannot be drawn at that budget.
    """
    prices = PriceList.from_json(manifest["prices"])
    pictures: list[Picture] = search_pictures(trials, importances, prices, force_unit=force_unit)
    if table is not None and (len(table) or not pictures):
        fitted = surface_of(table)
        target, _ = default_target(table, force_unit=force_unit)
        plan = plan_target(table, prices, target, surface=fitted)
        drawn = result_pictures(
            table, manifest, prices, force_unit=force_unit, budget=budget, fitted=fitted, plan=plan, wide=wide
        )
        pictures = [*drawn, *pictures]
    if not pictures:
        raise InputError(f"figures need finished runs or trials, found none in {folder.parent}: finish the run first")
    return [path for picture in pictures for path in _save(picture, folder)]


def read_table(run: Path) -> pd.DataFrame | None:
    """Read the results table; None where the run has trials only.

    Raises:
        InputError: there is neither a table nor a file of trials, or the table does not fit the schema.
    """
    if (run / TRIALS_FILE).is_file() and not (run / "results.parquet").is_file():
        return None
    return read_results(run)


def save_bars(
    runs: Sequence[tuple[Path, pd.DataFrame, dict[str, Any]]], folder: Path, force_unit: str, budget: int | None = None
) -> list[Path]:
    """Draw the bars of several runs side by side.

    Args:
        runs: run folder, results table and manifest of each.
        folder: where the files go; created if need be.
        force_unit: unit of the error axes.
        budget: accurate labels; None: the largest that all strategies of all runs share.

    Raises:
        InputError: the bars cannot be drawn at that budget.
    """
    names = _names(runs)
    tables = {name: table for name, (_, table, _) in zip(names, runs, strict=True)}
    manifests = {name: manifest for name, (_, _, manifest) in zip(names, runs, strict=True)}
    return _save(bars_picture(tables, manifests, stem="bars_of_runs", force_unit=force_unit, budget=budget), folder)


def _names(runs: Sequence[tuple[Path, pd.DataFrame, dict[str, Any]]]) -> list[str]:
    """The shortest names that tell the runs apart: their sweeps' names, or their folders."""
    for names in ([manifest["name"] for _, _, manifest in runs], [folder.name for folder, _, _ in runs]):
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder, _, _ in runs]


def _save(picture: Picture, folder: Path) -> list[Path]:
    return save_figure(picture.figure, picture.data, folder, picture.stem)
