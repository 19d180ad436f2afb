"""The command `check`: what a sweep will train, buy and take, before it does; `run` prints the counts as well."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from study.forecast.count import Forecast
    from study.recipes.workload import Workload


def check(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="Sweep file (YAML) or the name of a preset.")],
    workers: Annotated[int, typer.Option(min=1, help="Workers to reckon with, one core each.")] = 1,
    store: Annotated[
        Path | None, typer.Option(help="Shared store whose finished stages need no training.", metavar="DIR")
    ] = None,
) -> None:
    """Load and check the labels of a sweep, count what it will train and buy, and measure what that will take.

    A few real steps of each kind of pack are trained on this machine; nothing is written.

    Examples:

      asteroid-study check quickstart --workers 2

      asteroid-study check my_sweep.yaml --store stages
    """
    from analysis.names import duration
    from study.engine.store import StageStore
    from study.forecast.count import make_forecast
    from study.forecast.measure import measure
    from study.recipes.workload import make_workload
    from study.run.folder import check_store
    from sweeps.presets import load_sweep

    if store is not None:
        check_store(store)
    workload = make_workload(load_sweep(sweep))
    forecast = make_forecast(workload)
    finished = set()
    if store is not None:
        stages = StageStore(store)
        finished = {key for key in workload.stages if key in stages}
    for line in (*workload.data.card, *count_lines(workload, forecast)):
        typer.echo(line)
    if store is not None:
        typer.echo(f"store {store}: {len(finished)} of {len(workload.stages)} stages are there already")
    found = measure(workload, forecast, workers, finished)
    most = "at most " if workload.searches else ""
    on = f"{workers} workers" if workers > 1 else "1 worker"
    typer.echo(
        f"training: {most}{found.core_s / 3600:.2g} core-hours, {duration(found.wall_s)} on {on} like this one "
        f"(from a warm-up of {duration(found.warm_up_s)}; "
        f"{'trials at the settings of the sweep, nothing shared between them; ' if workload.searches else ''}"
        "without the evaluation of rows)"
    )
    typer.echo(
        f"memory: about {_size(found.memory_bytes)}, {_size(found.memory_free_bytes)} are free here; "
        f"disk: {most}{_size(found.disk_bytes)}"
    )


def count_lines(workload: Workload, forecast: Forecast) -> list[str]:
    """Rows, stages and packs after sharing, searches, and the labels that the sweep assumes bought."""
    from study.run.manifest import ledger_of

    kinds = forecast.by_kind()
    n_packs = sum(packs for _, packs in kinds.values())
    lines = []
    if workload.recipes:
        lines = [
            f"{len(workload.recipes)} rows: {len(workload.requests)} stages requested, {len(workload.stages)} "
            f"distinct, trained in {n_packs} packs",
            "  " + ", ".join(f"{kind}: {stages} in {packs}" for kind, (stages, packs) in kinds.items()),
        ]
    for search in workload.searches:
        keys = ", ".join(search.keys)
        lines.append(f"first: search {search.name!r}, {search.section.trials} trials over {keys}")
    if workload.searches:
        of_a_trial = sum(len(pack.specs) for packs in forecast.trial_rounds for pack in packs)
        adds = f"; then {forecast.tuned_rows} rows with what they choose" if forecast.tuned_rows else ""
        lines.append(f"  at most {forecast.trials * of_a_trial} stages for all searches{adds}")
    return [*lines, *label_lines(ledger_of(workload.data, forecast.stages.values()), workload.data.prices)]


def label_lines(ledger: dict[str, Any], prices: Any) -> list[str]:
    """What the labels of a run would cost."""
    from analysis.names import duration

    bought = [
        f"  {level}: {labels:,} labels assumed bought, {duration(price)} of CPU"
        for level, labels, price in (
            (prices.accurate, ledger["accurate_labels_assumed_bought"], ledger["accurate_cpu_s"]),
            (prices.cheap, ledger["cheap_frames_assumed_bought"], ledger["cheap_cpu_s"]),
        )
    ]
    tested = f"{ledger['evaluation_labels']:,} labels of {prices.accurate}, {duration(ledger['evaluation_cpu_s'])}"
    return [*bought, f"  evaluation: {tested} of CPU, outside every budget"]


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MiB"
