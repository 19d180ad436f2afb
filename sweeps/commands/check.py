"""The command `check`: what a sweep will train, buy and take, before it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.console import say
from sweeps.counts import count_lines
from sweeps.options import SweepName


def check(
    sweep: SweepName,
    workers: Annotated[int, typer.Option(min=1, help="Workers to reckon with, one core each.")] = 1,
    store: Annotated[
        Path | None, typer.Option(help="Shared store whose finished stages need no training.", metavar="DIR")
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where networks would be trained: cpu, or cuda for one GPU.", metavar="DEVICE")
    ] = "cpu",
) -> None:
    """Load and check the labels of a sweep, count what it will train and buy, and measure what that will take.

    A few real steps of each kind of pack are trained on this machine; nothing is written.

    Examples:

      asteroid-study check quickstart --workers 2

      asteroid-study check my_sweep.yaml --store stages
    """
    from analysis.names import duration
    from study.devices import parse_device
    from study.engine.store import StageStore
    from study.forecast.count import make_forecast
    from study.forecast.measure import measure
    from study.recipes.workload import make_workload
    from study.run.folder import check_store
    from sweeps.presets import load_sweep

    if store is not None:
        check_store(store)
    workload = make_workload(load_sweep(sweep), parse_device(device))
    forecast = make_forecast(workload)
    finished = set()
    if store is not None:
        stages = StageStore(store)
        finished = {key for key in workload.stages if key in stages}
    for line in (*workload.data.card, *count_lines(workload, forecast)):
        say(line)
    if store is not None:
        say(f"store {store}: {len(finished)} of {len(workload.stages)} stages are there already")
    found = measure(workload, forecast, workers, finished)
    most = "at most " if workload.searches else ""
    on = f"{workers} workers" if workers > 1 else "1 worker"
    say(
        f"training: {most}{found.core_s / 3600:.2g} core-hours, {duration(found.wall_s)} on {on} like this one "
        f"(from a warm-up of {duration(found.warm_up_s)}; "
        f"{'trials at the settings of the sweep, nothing shared between them; ' if workload.searches else ''}"
        "without the evaluation of rows)"
    )
    say(
        f"memory: about {_size(found.memory_bytes)}, {_size(found.memory_free_bytes)} are free here; "
        f"disk: {most}{_size(found.disk_bytes)}"
    )


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MiB"
