"""`run`: searches and trains what a sweep asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.counts import count_lines
from sweeps.executors import executor_maker, share_of_gpu
from sweeps.listening import unheard

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from study.config.sweep import Sweep
    from study.engine.progress import Progress
    from sweeps.quantities import FilePath


@dataclass(frozen=True, eq=False)
class Run:
    """A run that has ended.

    Attributes:
        folder: its folder, as `plan`, `plot`, `report` and `export` take it.
        table: one row for each run (`study/tables/results.py` explains the columns); empty after mere searches.
        manifest: settings, data card, prices, ledger, versions and hardware.
        searched: whether a search was part of it.
        measured_by: "test", "molecules" (a test set of several molecules) or "cross_validation".
    """

    folder: Path
    table: pd.DataFrame
    manifest: dict[str, Any]
    searched: bool
    measured_by: str

    @property
    def failed(self) -> int:
        """Rows whose training failed: see the column `status`."""
        return int((self.table["status"] != "ok").sum())


def default_folder(sweep: Sweep) -> Path:
    """The folder of a run for which none is named."""
    return Path("runs") / sweep.name


def run(
    sweep: FilePath | Sweep,
    *,
    out: FilePath | None = None,
    workers: int | None = None,
    ray_address: str | None = None,
    device: str = "cpu",
    gpus_per_worker: float | None = None,
    extend: bool = False,
    store: FilePath | None = None,
    log: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Run:
    """Search and train what a sweep asks for and write the tables; run again, it continues.

    Args:
        sweep: sweep file, name of a preset, or a sweep.
        out: run folder; None: runs/NAME, NAME from the sweep.
        workers: Ray workers, one core each; None: none, or all cores of the cluster with `ray_address`.
        ray_address: Ray cluster, HOST:PORT or auto.
        device: where networks are trained: cpu, or cuda for one GPU.
        gpus_per_worker: share of a GPU for each Ray worker on a GPU; None: 1.
        extend: allow a sweep that adds budgets, seeds and the like to the folder's own.
        store: folder of finished stages that several runs share, also at the same time; None: the run's own.
        log: tracker that the run is told to as well, tensorboard, mlflow or wandb; offline, in the run folder, unless
            the tracker's environment variables say otherwise.
        on_progress: called at every change worth showing.
        on_line: told the data card, what will be trained, and what was repaired or chosen on the way.

    Raises:
        InputError: the sweep or its labels break a rule, or the folder is another sweep's.
        PackFailedError: a pack failed several times; what is finished is kept.
        OSError: the disk filled up on the way; what is finished is kept.
    """
    from study.devices import parse_device
    from study.forecast.count import make_forecast
    from study.recipes.workload import make_workload
    from study.run.folder import scratch_path
    from study.run.run import run_workload
    from study.tables.manifest import read_manifest
    from sweeps.presets import load_sweep
    from sweeps.trackers import check_tracker

    tell, show = on_line or unheard, on_progress or unheard
    if log is not None:
        check_tracker(log)
    loaded = load_sweep(sweep)
    folder = default_folder(loaded) if out is None else Path(out)
    where = parse_device(device)
    workload = make_workload(loaded, where)
    for line in (*workload.data.card, *count_lines(workload, make_forecast(workload)), f"into {folder}"):
        tell(line)
    maker = executor_maker(workers, ray_address, scratch_path(folder), tell, share_of_gpu(where, gpus_per_worker))
    shared = None if store is None else Path(store)

    def train(listener: Callable[[Progress], None]) -> pd.DataFrame:
        return run_workload(workload, folder, maker, listener, tell, extend=extend, store=shared)

    table = train(show) if log is None else _tracked(log, folder, loaded, train, show, tell)
    test = workload.data.test
    measured_by = "cross_validation" if not len(test) else "molecules" if test.varied else "test"
    return Run(folder, table, read_manifest(folder), bool(workload.searches), measured_by)


def _tracked(
    log: str,
    folder: Path,
    sweep: Sweep,
    train: Callable[[Callable[[Progress], None]], pd.DataFrame],
    show: Callable[[Progress], None],
    tell: Callable[[str], None],
) -> pd.DataFrame:
    """Train with a tracker listening, which opens once there is something to tell and closes whatever happens."""
    from sweeps.trackers import Tracker, open_tracker

    opened: list[Tracker] = []

    def listener(progress: Progress) -> None:
        show(progress)
        if not opened:  # by now the folder is this run's
            opened.append(open_tracker(log, folder, sweep, tell))
        opened[0].show(progress)

    try:
        table = train(listener)
        for tracker in opened:
            tracker.end(table)
    finally:
        for tracker in opened:
            tracker.close()
    return table
