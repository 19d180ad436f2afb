"""The command `plan`: what to buy for a target or for a price, and what to run next."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from asteroid.errors import InputError
from sweeps.console import note_incomplete, say, say_json
from sweeps.level_values import owned, priced
from sweeps.options import FORCE_UNIT, Confidence, ForceUnit, Prices, RunFolder


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

    From a purchase that has ended: what other targets or prices would take beyond the labels owned.

    Examples:

      asteroid-study plan runs/quickstart --target "0.3 kcal/mol/A"

      asteroid-study plan runs/quickstart --target "15 meV/A" --confidence 0.8 --price ccsd_t/cc-pvdz=12min --json

      asteroid-study plan runs/quickstart --budget 2h --already ccsd_t/cc-pvdz=120 --md-steps 1e8

      asteroid-study plan runs/quickstart --target "0.25 kcal/mol/A" --next 3
    """
    from analysis.caveats import caveat_lines
    from analysis.plan.answers import explain_next, explain_price, explain_surface, surface_json
    from analysis.plan.error_for_price import plan_price
    from analysis.plan.labels_for_target import plan_target
    from analysis.plan.next_runs import next_runs
    from analysis.plan.run_evidence import run_evidence
    from analysis.plan.words import explain
    from analysis.purchase_files import is_purchase, read_purchase
    from asteroid.units import parse_force, parse_seconds
    from study.tables.manifest import read_manifest
    from study.tables.results import read_results
    from sweeps.purchases import purchase_plan

    if (target is None) == (budget is None):
        raise InputError("a plan is for a target or for a price, found both or none: give --target or --budget")
    if next_k is not None and target is None:
        raise InputError("the next runs are those that tell about a target, found none: give --target as well")
    target_ev_ang = None if target is None else parse_force(target)
    budget_cpu_s = None if budget is None else parse_seconds(budget)
    if is_purchase(run):
        if already or md_steps or next_k is not None:
            raise InputError("a purchase knows what is owned and what is next: leave out --already, --md-steps, --next")
        purchase = read_purchase(run)
        prices = priced(purchase.prices.to_json(), price or [])
        told, lines = purchase_plan(purchase, prices, target_ev_ang, budget_cpu_s, confidence, force_unit)
        for line in () if as_json else lines:
            say(line)
        if as_json:
            say_json(told)
        return
    manifest = read_manifest(run)
    prices = priced(manifest["prices"], price or [])
    table = read_results(run)
    if not as_json:
        note_incomplete(table, manifest)
    known = run_evidence(table, manifest, prices, with_surface=budget_cpu_s is None)
    free = owned(already or [])
    if budget_cpu_s is not None:
        bought = plan_price(known, budget_cpu_s, already=free, md_steps=md_steps)
        summary, lines = bought.to_json(), explain_price(bought, force_unit=force_unit)
    elif target_ev_ang is not None and next_k is not None:
        found = next_runs(known, target_ev_ang, next_k, already=free if already else None)
        lines = [*explain_next(found, prices.accurate, force_unit=force_unit), *caveat_lines(known.caveats)]
        summary = found.to_json()
    elif target_ev_ang is not None:
        answer = plan_target(known, target_ev_ang, confidence, already=free, md_steps=md_steps)
        summary = answer.to_json() | {"surface": surface_json(known.surface)}
        lines = [*explain(answer, force_unit=force_unit), *explain_surface(known.surface)]
        lines.append(_learned(manifest["ledger"]))
    if as_json:
        say_json(summary)
        return
    for line in lines:
        say(line)


def _learned(ledger: dict[str, Any]) -> str:
    from analysis.names import duration

    bought, price = ledger["accurate_labels_assumed_bought"], duration(ledger["accurate_cpu_s"])
    return f"Learned from a study of {bought:,} accurate labels ({price}), its budgets and seeds together."
