"""How busy 64 workers are kept by a search without rounds; training is a sleep.

    python benchmarks/busy_workers.py [WORKERS [SECONDS [TRIALS]]]

The real driver (asking, stage keys, packs, store, scores, telling) runs on the packaged methanol labels with an
executor of WORKERS (64) threads that sleep SECONDS (20) for every pack and answer with untrained models. Counted is the
share of the workers' time that they sleep, from when all of them are busy until the trials (500) run out. Target: 90 %.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from driver_overhead import SWEEP, InstantExecutor

from study.config.sweep_text import parse_sweep
from study.recipes.workload import make_workload
from study.run.run import run_workload

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult
    from study.engine.executors import PackJob
    from study.engine.progress import Progress


class SleepingExecutor(InstantExecutor):
    """Sleeps for every pack, many at a time.

    Args:
        bank: the described frames.
        workers: packs at a time.
        sleep_s: how long each takes.
    """

    def __init__(self, bank: FrameBank, workers: int, sleep_s: float) -> None:
        super().__init__(bank)
        self.slots = workers
        self.spans: list[tuple[float, float]] = []
        self._sleep_s = sleep_s
        self._threads = ThreadPoolExecutor(workers)
        self._lock = threading.Lock()

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        """Answer after a while."""
        answer = super().submit(job).result()
        return self._threads.submit(self._sleep, answer)

    def _sleep(self, answer: list[StageResult]) -> list[StageResult]:
        began = time.monotonic()
        time.sleep(self._sleep_s)
        with self._lock:
            self.spans.append((began, time.monotonic()))
        return answer

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()


def main() -> None:
    given = sys.argv[1:]
    workers = int(given[0]) if given else 64
    sleep_s = float(given[1]) if len(given) > 1 else 20.0
    trials = int(given[2]) if len(given) > 2 else 500
    share, wall_s, packs = busy_share(workers, sleep_s, trials)
    print(
        f"{workers} workers, {packs} packs of {sleep_s:g} s for {trials} trials of 4 folds: {share:.1%} busy between "
        f"ramps, {wall_s:.0f} s in all"
    )


def busy_share(workers: int, sleep_s: float, trials: int) -> tuple[float, float, int]:
    """Share of the workers' time that is used, wall seconds of the whole, number of packs."""
    text = SWEEP.format(trials=trials // 2).replace("trials_per_round: 10", "trials_per_round: 10\n  schedule: async")
    workload = make_workload(parse_sweep(text, "benchmark", Path()))
    made: list[SleepingExecutor] = []
    running_out = [0.0]

    def make(bank: FrameBank) -> SleepingExecutor:
        made.append(SleepingExecutor(bank, workers, sleep_s))
        return made[0]

    def watch(progress: Progress) -> None:
        if progress.trials_total - progress.trials_done > workers // 8:
            running_out[0] = time.monotonic()

    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        run_workload(workload, Path(folder) / "run", make, watch, lambda _: None)
        wall_s = time.monotonic() - began
    spans = sorted(made[0].spans)
    first = spans[min(workers, len(spans)) - 1][0]  # all are busy for the first time, or as many as ever are
    last = running_out[0]
    used = sum(max(0.0, min(end, last) - max(start, first)) for start, end in spans)
    return used / (workers * (last - first)), wall_s, len(spans)


if __name__ == "__main__":
    main()
