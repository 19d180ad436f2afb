"""The command `report`: the report of a run folder, written as one HTML file."""

from __future__ import annotations

from typing import Annotated

import typer

from sweeps.api import report as api
from sweeps.console import note_doubts, say
from sweeps.level_values import prices
from sweeps.options import Confidence, ForceUnit, Prices, RunFolder
from sweeps.quantities import FORCE_UNIT


def report(
    run: RunFolder,
    target: Annotated[
        str | None,
        typer.Option(
            help="MAE of forces or energies to reach, with its unit. Default: the best strategy's median error at the "
            "middle budget.",
            metavar='"0.3 kcal/mol/A"',
        ),
    ] = None,
    confidence: Confidence = 0.9,
    price: Prices = None,
    force_unit: ForceUnit = FORCE_UNIT,
) -> None:
    """Write RUN/report.html: one page with the recommendation, the figures, how sure they are, and how to repeat them.

    Of a purchase that has ended: its certificate, rounds, curves, and what other targets would take.

    Examples:

      asteroid-study report runs/quickstart

      asteroid-study report runs/quickstart --target "15 meV/A" --confidence 0.8 --force-unit meV/A
    """
    page = api.report(run, target=target, confidence=confidence, prices=prices(price), force_unit=force_unit)
    note_doubts(page.notes)
    say(str(page.file))
