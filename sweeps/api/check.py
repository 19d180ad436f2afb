"""`check`: what a sweep will train, buy and take, before it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.counts import count_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from study.config.sweep import Sweep
    from study.forecast.measure import Expectation
    from study.recipes.workload import Workload
    from sweeps.quantities import FilePath


@dataclass(frozen=True, eq=False)
class Check:
    """What a sweep will take; `print` shows it in words.

    Attributes:
        workload: its labels, with their data card, and its rows, stages and searches.
        expectation: seconds, memory and disk, from a warm-up on this machine.
        workers: that were reckoned with.
        finished: stages that the shared store has already.
        said: all of it in words, as the command prints it.
    """

    workload: Workload
    expectation: Expectation
    workers: int
    finished: int
    said: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.said)


def check(
    sweep: FilePath | Sweep,
    *,
    workers: int = 1,
    store: FilePath | None = None,
    device: str = "cpu",
    on_line: Callable[[str], None] | None = None,
) -> Check:
    """Load and check the labels of a sweep, count what it will train and buy, and measure what that will take.

    A few real steps of each kind of pack are trained on this machine; nothing is written.

    Args:
        sweep: sweep file, name of a preset, or a sweep.
        workers: workers to reckon with, one core each.
        store: shared store whose finished stages need no training.
        device: where networks would be trained: cpu, or cuda for one GPU.
        on_line: told each line of the answer as soon as it is known.

    Raises:
        InputError: the sweep or its labels break a rule, or the frames do not fit into the memory that is free.
    """
    from study.devices import parse_device
    from study.engine.store import StageStore
    from study.forecast.count import make_forecast
    from study.forecast.measure import measure
    from study.recipes.workload import make_workload
    from study.run.folder import check_store
    from sweeps.presets import load_sweep

    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        if on_line is not None:
            on_line(line)

    if store is not None:
        check_store(Path(store))
    workload = make_workload(load_sweep(sweep), parse_device(device))
    forecast = make_forecast(workload)
    finished = set()
    if store is not None:
        stages = StageStore(Path(store))
        finished = {key for key in workload.stages if key in stages}
    for line in (*workload.data.card, *count_lines(workload, forecast)):
        tell(line)
    if store is not None:
        tell(f"store {store}: {len(finished)} of {len(workload.stages)} stages are there already")
    found = measure(workload, forecast, workers, finished)
    for line in _lines(found, workers, searches=bool(workload.searches)):
        tell(line)
    return Check(workload, found, workers, len(finished), tuple(said))


def _lines(found: Expectation, workers: int, *, searches: bool) -> list[str]:
    from analysis.names import duration

    most = "at most " if searches else ""
    on = f"{workers} workers" if workers > 1 else "1 worker"
    apart = "trials at the settings of the sweep, nothing shared between them; " if searches else ""
    untold = f"{found.outside_stages} stages of an outside trainer are not in it: their time is not known beforehand"
    return [
        f"training: {most}{found.core_s / 3600:.2g} core-hours, {duration(found.wall_s)} on {on} like this one "
        f"(from a warm-up of {duration(found.warm_up_s)}; {apart}without the evaluation of rows)",
        *([untold] if found.outside_stages else []),
        f"memory: about {_size(found.memory_bytes)}, {_size(found.memory_free_bytes)} are free here; "
        f"disk: {most}{_size(found.disk_bytes)}",
    ]


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MiB"
