"""The command `plan`: what to buy for a target or for a price, and what to run next."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asteroid.errors import InputError
from sweeps.console import say, stderr

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from study.prices import PriceList


def plan(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, as given to 'run --out'.")],
    target: Annotated[
        str | None, typer.Option(help="Force MAE to reach, with its unit.", metavar='"0.3 kcal/mol/A"')
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="CPU time to spend instead: the smallest error for it.", metavar="500h")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Probability with which the target must be met.")] = 0.9,
    price: Annotated[
        list[str] | None,
        typer.Option(help="Price of one label, overriding the run's. May be repeated.", metavar="LEVEL=SECONDS"),
    ] = None,
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
    force_unit: Annotated[
        str, typer.Option(help="Unit of force errors on display, for instance meV/A.")
    ] = "kcal/mol/Å",
) -> None:
    """Say which labels to buy for a target error or for a price, with intervals, or that nothing can be promised.

    Examples:

      asteroid-study plan runs/quickstart --target "0.3 kcal/mol/A"

      asteroid-study plan runs/quickstart --target "15 meV/A" --confidence 0.8 --price ccsd_t/cc-pvdz=12min --json

      asteroid-study plan runs/quickstart --budget 2h --already ccsd_t/cc-pvdz=120 --md-steps 1e8

      asteroid-study plan runs/quickstart --target "0.25 kcal/mol/A" --next 3
    """
    from analysis.plan.pricing import reprice
    from asteroid.units import parse_force, parse_seconds
    from study.prices import PriceList
    from study.tables.results import read_manifest, read_results

    if (target is None) == (budget is None):
        raise InputError("a plan is for a target or for a price, found both or none: give --target or --budget")
    if next_k is not None and target is None:
        raise InputError("the next runs are those that tell about a target, found none: give --target as well")
    target_ev_ang = None if target is None else parse_force(target)
    budget_cpu_s = None if budget is None else parse_seconds(budget)
    manifest = read_manifest(run)
    prices = priced(manifest["prices"], price or [])
    table = reprice(read_results(run), PriceList.from_json(manifest["prices"]), prices)
    if not as_json and len(table) < manifest["rows"]:
        stderr.print(f"note: the run is not finished: {len(table)} of {manifest['rows']} rows", highlight=False)
    owned = _owned(already or [])
    if budget_cpu_s is not None:
        _for_a_price(table, prices, budget_cpu_s, manifest, owned, md_steps, as_json=as_json, force_unit=force_unit)
    elif next_k is not None and target_ev_ang is not None:
        _next(table, prices, target_ev_ang, next_k, manifest, owned, as_json=as_json)
    elif target_ev_ang is not None:
        _for_a_target(
            table, prices, target_ev_ang, confidence, manifest, owned, md_steps, as_json=as_json, force_unit=force_unit
        )


def priced(listed: dict[str, Any], overrides: Sequence[str]) -> PriceList:
    """The prices of a run with those of the command line, LEVEL=SECONDS.

    Raises:
        InputError: not of that form, no such level, or no such unit of time.
    """
    from asteroid.labels.label_set import normalise_level
    from asteroid.units import parse_seconds
    from study.prices import PriceList

    prices = PriceList.from_json(listed)
    for override in overrides:
        level, equals, seconds = override.partition("=")
        if not equals:
            raise InputError(f"a price is LEVEL=SECONDS, found {override!r}: write for instance ccsd_t/cc-pvdz=28s")
        prices = prices.override(normalise_level(level), parse_seconds(seconds), "command line")
    return prices


def _owned(words: Sequence[str]) -> dict[str, int]:
    from asteroid.labels.label_set import normalise_level

    owned = {}
    for word in words:
        level, equals, number = word.partition("=")
        digits = number.replace(",", "").strip()
        if not equals or not digits.isdigit():
            raise InputError(f"labels owned are LEVEL=NUMBER, found {word!r}: write for instance ccsd_t/cc-pvdz=120")
        owned[normalise_level(level)] = int(digits)
    return owned


def _for_a_target(
    table: pd.DataFrame,
    prices: PriceList,
    target_ev_ang: float,
    confidence: float,
    manifest: dict[str, Any],
    owned: dict[str, int],
    md_steps: float,
    *,
    as_json: bool,
    force_unit: str,
) -> None:
    from analysis.names import duration
    from analysis.plan.answers import explain_surface, surface_json
    from analysis.plan.run_caveats import selection_caveats
    from analysis.plan.target_plan import plan_target
    from analysis.plan.words import explain
    from analysis.surface.transfer import surface_of

    surface = surface_of(table)
    answer = plan_target(
        table,
        prices,
        target_ev_ang,
        confidence,
        pool=manifest["pool_size"],
        rows_expected=manifest["rows"],
        already=owned,
        md_steps=md_steps,
        surface=surface,
        run_caveats=selection_caveats(manifest),
    )
    if as_json:
        _print_json(answer.to_json() | {"surface": surface_json(surface)})
        return
    for line in [*explain(answer, force_unit=force_unit), *explain_surface(surface)]:
        say(line)
    ledger = manifest["ledger"]
    bought, price_cpu_s = ledger["accurate_labels_assumed_bought"], ledger["accurate_cpu_s"]
    say(
        f"Learned from a study of {bought:,} accurate labels ({duration(price_cpu_s)}), its budgets and seeds together."
    )


def _for_a_price(
    table: pd.DataFrame,
    prices: PriceList,
    budget_cpu_s: float,
    manifest: dict[str, Any],
    owned: dict[str, int],
    md_steps: float,
    *,
    as_json: bool,
    force_unit: str,
) -> None:
    from analysis.plan.answers import explain_budget
    from analysis.plan.budget_plan import plan_budget
    from analysis.plan.run_caveats import selection_caveats

    pool = manifest["pool_size"]
    caveats = selection_caveats(manifest)
    answer = plan_budget(table, prices, budget_cpu_s, pool=pool, already=owned, md_steps=md_steps, run_caveats=caveats)
    if as_json:
        _print_json(answer.to_json())
        return
    for line in explain_budget(answer, force_unit=force_unit):
        say(line)


def _next(
    table: pd.DataFrame,
    prices: PriceList,
    target_ev_ang: float,
    k: int,
    manifest: dict[str, Any],
    owned: dict[str, int],
    *,
    as_json: bool,
) -> None:
    from analysis.caveats import caveat_lines
    from analysis.plan.answers import explain_next
    from analysis.plan.next_runs import SCHEMA_VERSION, next_runs
    from analysis.plan.run_caveats import selection_caveats

    found = next_runs(table, prices, target_ev_ang, k, pool=manifest["pool_size"], already=owned)
    caveats = selection_caveats(manifest)
    if as_json:
        runs = [run.to_json() for run in found]
        _print_json({"schema_version": SCHEMA_VERSION, "runs": runs, "status": list(caveats)})
        return
    for line in [*explain_next(found, prices.accurate), *caveat_lines(caveats)]:
        say(line)


def _print_json(data: dict[str, Any]) -> None:
    typer.echo(json.dumps(data, indent=2, allow_nan=False))
