"""The command `plan`: what to buy for a target or for a price, and what to run next."""

from __future__ import annotations

from typing import Annotated

import typer

from sweeps.api import plan as api
from sweeps.console import note_doubts, say, say_json
from sweeps.level_values import owned, prices
from sweeps.options import Confidence, ForceUnit, Prices, RunFolder
from sweeps.quantities import FORCE_UNIT


def plan(
    run: RunFolder,
    target: Annotated[
        str | None, typer.Option(help="MAE of forces or energies to reach, with its unit.", metavar='"0.3 kcal/mol/A"')
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="CPU time to spend instead: the smallest error for it.", metavar="500h")
    ] = None,
    confidence: Confidence = 0.9,
    price: Prices = None,
    already: Annotated[
        list[str] | None,
        typer.Option(help="Labels owned, which cost nothing. May be repeated.", metavar="LEVEL=NUMBER"),
    ] = None,
    md_steps: Annotated[
        float, typer.Option(help="MD steps that the model is for: the price of prediction enters the choice.")
    ] = 0.0,
    next_k: Annotated[
        int | None, typer.Option("--next", help="Name this many runs that would tell most about the target.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs (docs/plan.md).")] = False,
    force_unit: ForceUnit = FORCE_UNIT,
) -> None:
    """Say which labels to buy for a target error or for a price, with intervals, or that nothing can be promised.

    From a purchase that has ended: what other targets or prices would take beyond the labels owned.

    Examples:

      asteroid-study plan runs/quickstart --target "0.3 kcal/mol/A"

      asteroid-study plan runs/quickstart --target "15 meV/A" --confidence 0.8 --price ccsd_t/cc-pvdz=12min --json

      asteroid-study plan runs/quickstart --budget 2h --already ccsd_t/cc-pvdz=120 --md-steps 1e8

      asteroid-study plan runs/quickstart --target "0.25 kcal/mol/A" --next 3
    """
    found = api.plan(
        run,
        target=target,
        budget=budget,
        confidence=confidence,
        prices=prices(price),
        already=owned(already),
        md_steps=md_steps,
        next_runs=next_k,
        force_unit=force_unit,
    )
    if as_json:
        say_json(found.to_json())
        return
    lines = found.lines(force_unit)
    note_doubts(found.notes)
    for line in lines:
        say(line)
