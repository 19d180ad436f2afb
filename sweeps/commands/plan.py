"""The command `plan`: what to buy for a target or for a price, and what to run next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asteroid.errors import InputError
from sweeps.console import note_incomplete, say, say_json
from sweeps.level_values import owned, priced
from sweeps.options import FORCE_UNIT, Confidence, ForceUnit, Prices, RunFolder

if TYPE_CHECKING:
    import pandas as pd

    from study.prices import PriceList

    #: An answer for programs, and in sentences.
    Answer = tuple[dict[str, Any], list[str]]


def plan(
    run: RunFolder,
    target: Annotated[
        str | None, typer.Option(help="Force MAE to reach, with its unit.", metavar='"0.3 kcal/mol/A"')
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

    Examples:

      asteroid-study plan runs/quickstart --target "0.3 kcal/mol/A"

      asteroid-study plan runs/quickstart --target "15 meV/A" --confidence 0.8 --price ccsd_t/cc-pvdz=12min --json

      asteroid-study plan runs/quickstart --budget 2h --already ccsd_t/cc-pvdz=120 --md-steps 1e8

      asteroid-study plan runs/quickstart --target "0.25 kcal/mol/A" --next 3
    """
    from asteroid.units import parse_force, parse_seconds
    from study.tables.results import read_manifest, read_results

    if (target is None) == (budget is None):
        raise InputError("a plan is for a target or for a price, found both or none: give --target or --budget")
    if next_k is not None and target is None:
        raise InputError("the next runs are those that tell about a target, found none: give --target as well")
    target_ev_ang = None if target is None else parse_force(target)
    budget_cpu_s = None if budget is None else parse_seconds(budget)
    manifest = read_manifest(run)
    prices = priced(manifest["prices"], price or [])
    table = read_results(run)
    if not as_json:
        note_incomplete(table, manifest)
    known = _Known(table, prices, manifest, owned(already or []), md_steps)
    if budget_cpu_s is not None:
        told, lines = _for_a_price(known, budget_cpu_s, force_unit)
    elif target_ev_ang is not None and next_k is not None:
        told, lines = _next(known, target_ev_ang, next_k)
    elif target_ev_ang is not None:
        told, lines = _for_a_target(known, target_ev_ang, confidence, force_unit)
    if as_json:
        say_json(told)
        return
    for line in lines:
        say(line)


@dataclass(frozen=True, eq=False)
class _Known:
    """What every question is answered from.

    Attributes:
        table: results of the run, with the prices below.
        prices: of the run, or of the command line.
        manifest: of the run.
        owned: numbers of labels that cost nothing, by level.
        md_steps: number of predictions that the model is for.
    """

    table: pd.DataFrame
    prices: PriceList
    manifest: dict[str, Any]
    owned: dict[str, int]
    md_steps: float


def _for_a_target(known: _Known, target_ev_ang: float, confidence: float, force_unit: str) -> Answer:
    from analysis.names import duration
    from analysis.plan.answers import explain_surface, surface_json
    from analysis.plan.run_caveats import selection_caveats
    from analysis.plan.target_plan import plan_target
    from analysis.plan.words import explain
    from analysis.surface.transfer import surface_of

    surface = surface_of(known.table)
    answer = plan_target(
        known.table,
        known.prices,
        target_ev_ang,
        confidence,
        pool=known.manifest["pool_size"],
        rows_expected=known.manifest["rows"],
        already=known.owned,
        md_steps=known.md_steps,
        surface=surface,
        run_caveats=selection_caveats(known.manifest),
    )
    ledger = known.manifest["ledger"]
    bought, price_cpu_s = ledger["accurate_labels_assumed_bought"], ledger["accurate_cpu_s"]
    learned = (
        f"Learned from a study of {bought:,} accurate labels ({duration(price_cpu_s)}), its budgets and seeds together."
    )
    lines = [*explain(answer, force_unit=force_unit), *explain_surface(surface), learned]
    return answer.to_json() | {"surface": surface_json(surface)}, lines


def _for_a_price(known: _Known, budget_cpu_s: float, force_unit: str) -> Answer:
    from analysis.plan.answers import explain_budget
    from analysis.plan.budget_plan import plan_budget
    from analysis.plan.run_caveats import selection_caveats

    answer = plan_budget(
        known.table,
        known.prices,
        budget_cpu_s,
        pool=known.manifest["pool_size"],
        already=known.owned,
        md_steps=known.md_steps,
        run_caveats=selection_caveats(known.manifest),
    )
    return answer.to_json(), explain_budget(answer, force_unit=force_unit)


def _next(known: _Known, target_ev_ang: float, k: int) -> Answer:
    from analysis.caveats import caveat_lines
    from analysis.plan.answers import explain_next
    from analysis.plan.next_runs import SCHEMA_VERSION, next_runs
    from analysis.plan.run_caveats import selection_caveats

    found = next_runs(
        known.table, known.prices, target_ev_ang, k, pool=known.manifest["pool_size"], already=known.owned
    )
    caveats = selection_caveats(known.manifest)
    told = {"schema_version": SCHEMA_VERSION, "runs": [run.to_json() for run in found], "status": list(caveats)}
    return told, [*explain_next(found, known.prices.accurate), *caveat_lines(caveats)]
