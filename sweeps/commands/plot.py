"""The command `plot`: all figures of a run, drawn and saved with the data behind each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.api import plot as api
from sweeps.console import note_doubts, say
from sweeps.options import ForceUnit
from sweeps.quantities import FORCE_UNIT


def plot(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders of runs or purchases; several runs also get bars side by side."),
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
    for drawn in api.plot(*runs, force_unit=force_unit, budget=budget, wide=wide, out=out):
        note_doubts(drawn.notes)
        for stem in dict.fromkeys(file.with_suffix("") for file in drawn.files):
            say(f"{stem}: " + ", ".join(file.suffix[1:] for file in drawn.files if file.with_suffix("") == stem))
        for line in drawn.caveats:
            say(line)
