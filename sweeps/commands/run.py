"""The command `run`: searches and trains what a sweep asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.api import run as api
from sweeps.console import DISK_FULL, say, stop
from sweeps.options import Device, GpusPerWorker, SweepName
from sweeps.quantities import FORCE_UNIT
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
    device: Device = "cpu",
    gpus_per_worker: GpusPerWorker = None,
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
    log: Annotated[
        str | None,
        typer.Option(
            help="Tell a tracker as well; offline, in the run folder, unless its environment says otherwise.",
            metavar="tensorboard|mlflow|wandb",
        ),
    ] = None,
) -> None:
    """Search and train what a sweep asks for and write the tables; run again, it continues.

    Examples:

      asteroid-study run quickstart --out runs/quickstart --workers 2

      asteroid-study run my_sweep.yaml --store stages

      asteroid-study run my_sweep.yaml --ray-address auto

      asteroid-study run my_sweep.yaml --log tensorboard
    """
    from analysis.curves.energy_errors import unit_of_errors
    from study.devices import parse_device
    from study.engine.executors import PackFailedError
    from sweeps.presets import load_sweep
    from sweeps.progress import make_display

    loaded = load_sweep(sweep)
    folder = out or api.default_folder(loaded)
    where = parse_device(device)
    again = run_command(sweep, folder, workers, ray_address, store, where, gpus_per_worker, extend=extend, log=log)
    try:
        with make_display() as display:
            done = api.run(
                loaded,
                out=folder,
                workers=workers,
                ray_address=ray_address,
                device=where,
                gpus_per_worker=gpus_per_worker,
                extend=extend,
                store=store,
                log=log,
                on_progress=display.show,
                on_line=display.note,
            )
    except KeyboardInterrupt:
        stop("stopped", _KEPT, again, 130)
    except PackFailedError as error:
        stop(f"error: {error}: see 'failures' in {folder / 'manifest.json'}", _KEPT, again, 1)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        stop(f"error: the disk is full ({store or folder}): free some space", _KEPT, again, 2)
    if done.failed:
        say(f"{done.failed} of {len(done.table)} rows failed: see the column 'status'")
    if done.searched:
        say(f"trials: {folder / 'trials.csv'}, Optuna's journal: {folder / 'optuna.journal'}")
    if len(done.table):
        say(f"results: {folder / 'results.csv'} (and .parquet), settings and ledger: {folder / 'manifest.json'}")
        if done.measured_by == "cross_validation":
            say(f"errors are cross-validated; those of each label: {folder / 'out_of_fold.csv'} (and .parquet)")
        elif done.measured_by == "molecules":
            say(f"errors of each molecule: {folder / 'molecules.csv'}")
        unit = unit_of_errors(done.table, FORCE_UNIT).replace("Å", "A")
        say(f'next: asteroid-study report {folder}; asteroid-study plan {folder} --target "0.3 {unit}"')
