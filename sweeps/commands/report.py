"""The command `report`: the report of a run folder, written as one HTML file."""

from __future__ import annotations

from typing import Annotated

import typer

from sweeps.console import note_incomplete, say
from sweeps.level_values import priced
from sweeps.options import FORCE_UNIT, Confidence, ForceUnit, Prices, RunFolder


def report(
    run: RunFolder,
    target: Annotated[
        str | None,
        typer.Option(
            help="Force MAE to reach, with its unit. Default: the best strategy's median error at the middle budget.",
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
    from analysis.purchase_files import is_purchase, read_purchase
    from analysis.report.save import save_purchase_report, save_report
    from analysis.run_files import read_run
    from asteroid.units import parse_force

    target_ev_ang = None if target is None else parse_force(target)
    if is_purchase(run):
        purchase = read_purchase(run)
        prices = priced(purchase.prices.to_json(), price or [])
        say(str(save_purchase_report(purchase, prices, run, target_ev_ang, confidence, force_unit)))
        return
    files = read_run(run)
    if files.table is not None:
        note_incomplete(files.table, files.manifest)
    path = save_report(
        files,
        priced(files.manifest["prices"], price or []),
        run,
        target_ev_ang=target_ev_ang,
        confidence=confidence,
        force_unit=force_unit,
        overrides=price or [],
    )
    say(str(path))
