"""The command `fit`: curves, a figure and numbers of labels from anybody's table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asteroid.errors import InputError
from sweeps.console import note, say, say_json
from sweeps.options import AsJson, Confidence


def fit(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV file with a head; one row for each run.")],
    x: Annotated[str, typer.Option("--x", help="Column of the numbers of labels.")] = "n_train",
    y: Annotated[str, typer.Option("--y", help="Column of the errors, all in one unit.")] = "force_mae",
    group: Annotated[
        list[str] | None, typer.Option(help="Column that tells the curves apart. May be repeated.")
    ] = None,
    seed: Annotated[
        str | None, typer.Option(help="Column of the seeds: runs of one seed share labels across numbers of labels.")
    ] = None,
    sd: Annotated[
        str | None, typer.Option(help="Column of standard deviations over runs, where the errors are means.")
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
    from analysis.caveats import caveat_lines
    from analysis.curves.any_table import SCHEMA_VERSION, fit_json, fit_table
    from analysis.curves.table_text import read_table
    from analysis.figures.style import save_figure
    from analysis.plan.run_caveats import caveats_beside
    from analysis.report.fit_report import fit_picture, fit_sentences
    from asteroid.units import parse_seconds

    price_s = float("nan") if price is None else parse_seconds(price)
    if price is not None and target is None:
        raise InputError("a price is for the labels that a target needs, found none: give --target as well")
    frame, notes = read_table(table)
    doubts = list(notes)
    fits = fit_table(
        frame,
        x=x,
        y=y,
        group=group or [],
        seed=seed,
        sd=sd,
        n_runs=n_runs,
        target=target,
        confidence=confidence,
        price_s=price_s,
        notes=doubts,
    )
    for line in doubts:
        note(f"note: {line}")
    caveats = caveats_beside(table)
    files = []
    if out is not None:
        files = save_figure(*fit_picture(fits, x=x, y=y), out, "fit")
    if as_json:
        asked = {"target": target, "confidence": confidence} if target is not None else {}
        summary = {
            "schema_version": SCHEMA_VERSION,
            **asked,
            "curves": [fit_json(found) for found in fits],
            "status": list(caveats),
        }
        say_json(summary)
        return
    for line in [*fit_sentences(fits, target=target, confidence=confidence), *caveat_lines(caveats)]:
        say(line)
    if files:
        say(f"{files[0].with_suffix('')}: " + ", ".join(file.suffix[1:] for file in files))
