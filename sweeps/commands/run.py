"""The command `run`: searches and trains what a sweep asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.console import DISK_FULL, say, stop
from sweeps.counts import count_lines
from sweeps.executors import executor_maker
from sweeps.options import SweepName
from sweeps.resume import run_command

_KEPT = "finished stages are kept"


def run(
    sweep: SweepName,
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder. Default: runs/NAME, NAME from the sweep.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Ray workers, one core each. Default: none, or all cores of the cluster with --ray-address."
        ),
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Ray cluster, HOST:PORT or auto (docs/cluster.md).", metavar="ADDRESS")
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where networks are trained: cpu, or cuda for one GPU.", metavar="DEVICE")
    ] = "cpu",
    gpus_per_worker: Annotated[
        float | None,
        typer.Option(
            min=0.01, help="Share of a GPU for each Ray worker with --device cuda. Default: 1.", metavar="SHARE"
        ),
    ] = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Allow a sweep that adds budgets, seeds and the like to the folder's own.")
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Folder of finished stages that several runs share, also at the same time. Default: the run's own.",
            metavar="DIR",
        ),
    ] = None,
) -> None:
    """Search and train what a sweep asks for and write the tables; run again, it continues.

    Examples:

      asteroid-study run quickstart --out runs/quickstart --workers 2

      asteroid-study run my_sweep.yaml --store stages

      asteroid-study run my_sweep.yaml --ray-address auto
    """
    from study.devices import parse_device
    from study.engine.executors import PackFailedError
    from study.forecast.count import make_forecast
    from study.recipes.workload import make_workload
    from study.run.folder import scratch_path
    from study.run.run import run_workload
    from sweeps.presets import load_sweep
    from sweeps.progress import make_display

    loaded = load_sweep(sweep)
    folder = out or Path("runs") / loaded.name
    where = parse_device(device)
    workload = make_workload(loaded, where)
    for line in workload.data.card:
        say(line)
    for line in count_lines(workload, make_forecast(workload)):
        say(line)
    say(f"into {folder}")
    again = run_command(sweep, folder, workers, ray_address, store, where, gpus_per_worker, extend=extend)
    try:
        with make_display() as display:
            gpus = None if where == "cpu" else gpus_per_worker or 1.0
            maker = executor_maker(workers, ray_address, scratch_path(folder), display.note, gpus)
            table = run_workload(workload, folder, maker, display.show, display.note, extend=extend, store=store)
    except KeyboardInterrupt:
        stop("stopped", _KEPT, again, 130)
    except PackFailedError as error:
        stop(f"error: {error}: see 'failures' in {folder / 'manifest.json'}", _KEPT, again, 1)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        stop(f"error: the disk is full ({store or folder}): free some space", _KEPT, again, 2)
    failed = int((table["status"] != "ok").sum())
    if failed:
        say(f"{failed} of {len(table)} rows failed: see the column 'status'")
    if workload.searches:
        say(f"trials: {folder / 'trials.csv'}, Optuna's journal: {folder / 'optuna.journal'}")
    if len(table):
        say(f"results: {folder / 'results.csv'} (and .parquet), settings and ledger: {folder / 'manifest.json'}")
        if not len(workload.data.test):
            say(f"errors are cross-validated; those of each label: {folder / 'out_of_fold.csv'} (and .parquet)")
        elif workload.data.test.varied:
            say(f"errors of each molecule: {folder / 'molecules.csv'}")
        say(f'next: asteroid-study report {folder}; asteroid-study plan {folder} --target "0.3 kcal/mol/A"')
