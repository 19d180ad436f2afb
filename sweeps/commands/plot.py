"""The command `plot`: all figures of a run, drawn and saved with the data behind each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asteroid.errors import InputError
from sweeps.console import note_incomplete, say
from sweeps.options import FORCE_UNIT, ForceUnit


def plot(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of runs; with several, bars compare them.")
    ],
    force_unit: ForceUnit = FORCE_UNIT,
    budget: Annotated[
        int | None, typer.Option(help="Accurate labels of the bars. Default: the most that all strategies have.")
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Draw curves and costs for two columns of a journal page.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the figures of one RUN, or for the bars over several. Default: figures/ of the first RUN."
        ),
    ] = None,
) -> None:
    """Draw every figure that the runs have data for: PDF, SVG, PNG and the CSV of the numbers behind each.

    Several runs (one molecule each) also get bars side by side. Of a purchase that has ended: its rounds, and the
    cross-validated curves of all strategies.

    Examples:

      asteroid-study plot runs/quickstart --force-unit meV/A

      asteroid-study plot runs/methanol runs/ethanol --budget 100 --out figures
    """
    from analysis.caveats import caveat_lines
    from analysis.figures.save import save_bars, save_figures
    from analysis.plan.run_caveats import selection_caveats
    from analysis.purchase_files import is_purchase
    from analysis.run_files import read_run

    if len({run.resolve() for run in runs}) < len(runs):
        raise InputError(f"each run is drawn once, found one twice in {' '.join(map(str, runs))}: name it once")
    purchases = [run for run in runs if is_purchase(run)]
    if purchases and len(runs) > 1:
        raise InputError(f"a purchase is drawn by itself, found {purchases[0]} among several folders: name it alone")
    if purchases:
        _say_files(_draw_purchase(runs[0], out or runs[0] / "figures", force_unit))
        return
    loaded = {run: read_run(run) for run in runs}
    for run, files in loaded.items():
        if files.table is not None:
            note_incomplete(files.table, files.manifest)
        folder = out if out is not None and len(runs) == 1 else run / "figures"
        _say_files(save_figures(files, folder, force_unit, budget, wide=wide))
        for line in caveat_lines(selection_caveats(files.manifest)):
            say(line)
    if sum(files.table is not None for files in loaded.values()) > 1:
        _say_files(save_bars(loaded, out or runs[0] / "figures", force_unit, budget))


def _draw_purchase(run: Path, folder: Path, force_unit: str) -> list[Path]:
    from analysis.figures.style import save_figure
    from analysis.purchase_files import read_purchase
    from analysis.report.purchase_report import purchase_pictures

    pictures = purchase_pictures(read_purchase(run), force_unit=force_unit)
    return [path for own in pictures for path in save_figure(own.figure, own.data, folder, own.stem)]


def _say_files(files: list[Path]) -> None:
    for stem in dict.fromkeys(file.with_suffix("") for file in files):
        say(f"{stem}: " + ", ".join(file.suffix[1:] for file in files if file.with_suffix("") == stem))
