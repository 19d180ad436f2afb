"""Kill the driver and workers at random moments: nothing may be lost, doubled or changed.

    python benchmarks/kill_resume.py [KILLS [driver|worker]]

A small sweep that tunes first and then fills its curves runs once undisturbed. Then it runs KILLS (default 20) times
with the driver killed (SIGKILL) at a random moment and started again, and KILLS times on two Ray workers with one
worker killed. Counted: finished stages that were lost or trained again, doubled rows, and tables that differ from the
undisturbed run's in anything but timings.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import psutil

from study.results import KEY_COLUMNS, read_results

SWEEP = """
name: kill
data: {dataset: methanol}
test: {groups: [3]}
strategies: [accurate_only, cheap_only, pretrain_finetune, asteroid]
budgets: [10, 15, 20, 30]
n_cheap: [60]
gamma_rel: [1, inf]
seeds: [0, 1]
model: {hidden: 8}
identify: {steps: 300, learning_rate: 0.02}
pretrain: {steps: 300, learning_rate: 0.02}
finetune:
  standard: {steps: 200, learning_rate: 0.005}
tune:
  budgets: [15]
  trials: 4
  trials_per_round: 2
  folds: 2
  subset_seeds: [100, 101]
  space: {gamma_rel: [0.3, 1, inf], finetune_learning_rate: {low: 0.001, high: 0.02}, hidden: [8, 12]}
"""


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sweep.yaml").write_text(SWEEP)
        began = time.monotonic()
        start(folder, "whole").wait()
        whole_s = time.monotonic() - began
        for what, workers in (("driver", 1), ("worker", 2)):
            if what not in (sys.argv[2:] or [what]):
                continue
            faults = dict.fromkeys(("missed", "lost", "trained again", "doubled rows", "tables that differ"), 0)
            for kill in range(kills):
                run = folder / f"{what}-{kill}"
                disturb(folder, run, what, workers, draw.uniform(0.15, 0.95) * whole_s, faults)
                compare(folder / "whole", run, faults)
            print(f"{kills} kills of a {what}: " + ", ".join(f"{n} {fault}" for fault, n in faults.items()), flush=True)


def start(folder: Path, run: str, workers: int = 1) -> subprocess.Popen[bytes]:
    """Start the sweep in a process of its own."""
    command = [sys.executable, "-m", "sweeps", "run", str(folder / "sweep.yaml"), "--out", str(folder / run)]
    return subprocess.Popen([*command, "--workers", str(workers)], stdout=subprocess.DEVNULL)


def disturb(folder: Path, run: Path, what: str, workers: int, after_s: float, faults: dict[str, int]) -> None:
    """Run once with a kill, and for a killed driver once more to the end."""
    process = start(folder, run.name, workers)
    if what == "worker":
        wait_for_stages(run, process)
        after_s *= 0.3
    time.sleep(after_s)
    if process.poll() is not None:
        faults["missed"] += 1
        return
    if what == "driver":
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        before = stage_times(run)
        start(folder, run.name, workers).wait()
        after = stage_times(run)
        faults["lost"] += len(before.keys() - after.keys())
        faults["trained again"] += sum(after.get(stage, written) != written for stage, written in before.items())
        return
    actors = [p for p in psutil.Process(process.pid).children(recursive=True) if "PackWorker" in " ".join(p.cmdline())]
    if actors:
        actors[0].kill()
    else:
        faults["missed"] += 1
    process.wait()


def wait_for_stages(run: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until workers have finished something."""
    while process.poll() is None and not stage_times(run):
        time.sleep(0.05)


def stage_times(run: Path) -> dict[str, int]:
    """When each finished stage was written."""
    stages = [p for p in run.glob("store/*/stage.json") if not p.parent.name.startswith(".")]
    return {p.parent.name: p.stat().st_mtime_ns for p in stages}


def compare(whole: Path, run: Path, faults: dict[str, int]) -> None:
    """Count doubled rows and differences to the undisturbed run."""
    measured = ["recipe_core_s", "use_cpu_s_per_frame"]
    once, again = (read_results(folder).drop(columns=measured) for folder in (whole, run))
    faults["doubled rows"] += int(again.duplicated(subset=KEY_COLUMNS).sum())
    try:
        pd.testing.assert_frame_equal(once, again, check_exact=True)
    except AssertionError:
        faults["tables that differ"] += 1


if __name__ == "__main__":
    main()
