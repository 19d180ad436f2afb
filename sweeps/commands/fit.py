"""The command `fit`: curves, a figure and numbers of labels from anybody's table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.api import fit as api
from sweeps.console import note_doubts, say, say_json
from sweeps.options import AsJson, Confidence


def fit(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV or JSON with a head; one row for each run.")],
    x: Annotated[str, typer.Option("--x", help="Column of the numbers of labels.")] = "n_train",
    y: Annotated[str, typer.Option("--y", help="Column of the errors, all in one unit.")] = "force_mae",
    group: Annotated[
        list[str] | None, typer.Option(help="Column that tells the curves apart. May be repeated.")
    ] = None,
    seed: Annotated[
        str | None, typer.Option(help="Column of the seeds: runs of one seed share labels across numbers of labels.")
    ] = None,
    sd: Annotated[
        str | None,
        typer.Option(help="Column of standard deviations over runs, if errors are means (not for 0.31 ± 0.03)."),
    ] = None,
    n_runs: Annotated[str | None, typer.Option(help="Column of the numbers of runs behind each mean.")] = None,
    target: Annotated[float | None, typer.Option(help="Error to reach, in the unit of the table.")] = None,
    confidence: Confidence = 0.9,
    price: Annotated[str | None, typer.Option(help="Price of one label, for instance 12min.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the figure and its numbers. Default: none drawn.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit learning curves to any table of errors: slopes with intervals, a figure, and how many labels a target needs.

    Examples:

      asteroid-study fit mace.csv --x n_train --y force_mae --group strategy --seed seed --out figures

      asteroid-study fit published.csv --x n --y rmse --sd sd --n-runs runs --target 100 --price 12min
    """
    found = api.fit(
        table,
        x=x,
        y=y,
        group=group or (),
        seed=seed,
        sd=sd,
        n_runs=n_runs,
        target=target,
        confidence=confidence,
        price=price,
        out=out,
    )
    note_doubts(found.notes)
    if as_json:
        say_json(found.to_json())
        return
    for line in found.lines():
        say(line)
    if found.files:
        say(f"{found.files[0].with_suffix('')}: " + ", ".join(file.suffix[1:] for file in found.files))
