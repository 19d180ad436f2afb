"""Kill the driver, workers and nodes at random moments, fill the disk: nothing may be lost, doubled or changed.

    python benchmarks/kill_resume.py [KILLS [driver|worker|node|disk]...]

A small sweep that tunes first and then fills its curves runs once undisturbed. Then it runs KILLS (default 20) times
- driver: killed (SIGKILL) at a random moment and started again;
- worker: on two Ray workers, one of them killed;
- node: on a Ray cluster of two nodes with one core each, the one without the driver killed;
- disk: on a small tmpfs that fills up, which stops the run; then there is room, and the command that the run printed
  goes on. Mounting needs root; skipped without.
Counted: finished stages that were lost or trained again, doubled rows, tables that differ from the undisturbed run's in
anything but timings, and runs that did not end as they should.
"""

from __future__ import annotations

import os
import random
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import psutil

from study.tables.results import KEY_COLUMNS, read_results

if TYPE_CHECKING:
    from collections.abc import Iterator

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


#: Size of the small disk; the check before a run wants several MiB for tables.
DISK_MIB = 32
FAULTS = ("missed", "failed", "lost", "trained again", "left behind", "doubled rows", "tables that differ")


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sweep.yaml").write_text(SWEEP)
        began = time.monotonic()
        start(folder / "whole").wait()
        whole_s = time.monotonic() - began
        for what, disturb in (("driver", kill_driver), ("worker", kill_worker), ("node", kill_node), ("disk", fill)):
            if what not in (sys.argv[2:] or [what]):
                continue
            if what == "disk" and os.geteuid() != 0:
                print("disk: skipped, as mounting a tmpfs needs root", flush=True)
                continue
            draw = random.Random(what)
            faults = dict.fromkeys(FAULTS, 0)
            for kill in range(kills):
                disturb(folder / f"{what}-{kill}", folder / "whole", draw.uniform(0.15, 0.95), whole_s, faults)
            print(f"{kills} times {what}: " + ", ".join(f"{n} {fault}" for fault, n in faults.items()), flush=True)


def start(run: Path, *options: str) -> subprocess.Popen[str]:
    """Start the sweep in a process of its own."""
    words = ["run", str(run.parent / "sweep.yaml"), "--out", str(run), *options]
    return subprocess.Popen(
        [sys.executable, "-m", "sweeps", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def kill_driver(run: Path, whole: Path, share: float, whole_s: float, faults: dict[str, int]) -> None:
    """Kill the driver after a share of the time, and start it again."""
    process = start(run)
    time.sleep(share * whole_s)
    if process.poll() is not None:
        faults["missed"] += 1
        return
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = stage_times(run)
    finish(start(run), faults)
    compare(before, whole, run, faults)


def kill_worker(run: Path, whole: Path, share: float, whole_s: float, faults: dict[str, int]) -> None:
    """Kill one of two workers; the run does not stop."""
    process = start(run, "--workers", "2")
    wait_for_stages(run, process)
    time.sleep(0.3 * share * whole_s)
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    workers = [child for child in family if "PackWorker" in " ".join(child.cmdline())]
    before = stage_times(run)
    if workers:
        workers[0].kill()
    else:
        faults["missed"] += 1
    finish(process, faults)
    compare(before, whole, run, faults)


def kill_node(run: Path, whole: Path, share: float, whole_s: float, faults: dict[str, int]) -> None:
    """Kill the node without the driver; the run does not stop."""
    with two_nodes() as (cluster, other):
        process = start(run, "--ray-address", cluster.address)
        wait_for_stages(run, process)
        time.sleep(0.3 * share * whole_s)
        faults["missed"] += process.poll() is not None
        before = stage_times(run)
        cluster.remove_node(other, allow_graceful=False)
        finish(process, faults)
    compare(before, whole, run, faults)


@contextmanager
def two_nodes() -> Iterator[tuple[Any, Any]]:
    """A Ray cluster on this machine: (cluster, its second node)."""
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    from ray.cluster_utils import Cluster

    size: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=size | {"include_dashboard": False})
    try:
        yield cluster, cluster.add_node(**size)
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


def fill(run: Path, whole: Path, share: float, whole_s: float, faults: dict[str, int]) -> None:
    """Leave room on the disk for a share of the run; make room where it has stopped, and go on."""
    disk = run.parent / "disk"
    disk.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", disk], check=True)
    try:
        (disk / "sweep.yaml").write_text(SWEEP)
        process = start(disk / "run")
        wait_for_stages(disk / "run", process)
        time.sleep(0.3 * share * whole_s)
        room_bytes = int(0.7 * share * (used_bytes(whole) - used_bytes(disk / "run")))
        free = os.statvfs(disk)
        (disk / "ballast").write_bytes(bytes(max(0, free.f_bavail * free.f_bsize - room_bytes)))
        _, err = process.communicate()
        if process.returncode == 0:
            faults["missed"] += 1
        elif process.returncode != 2 or err.count("\n") != 1 or "the disk is full" not in err:
            faults["failed"] += 1
        faults["left behind"] += sum(1 for path in (disk / "run").rglob(".*") if path.name != ".lock")
        before = stage_times(disk / "run")
        (disk / "ballast").unlink()
        again = shlex.split(err.partition("to go on: asteroid-study ")[2])
        words = again or ["run", str(disk / "sweep.yaml"), "--out", str(disk / "run")]
        command = [sys.executable, "-m", "sweeps", *words]
        finish(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True), faults)
        compare(before, whole, disk / "run", faults)
    finally:
        subprocess.run(["umount", disk], check=True)


def used_bytes(folder: Path) -> int:
    """Disk that a folder takes."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # renamed meanwhile
            total += path.stat().st_blocks * 512
    return total


def finish(process: subprocess.Popen[str], faults: dict[str, int]) -> None:
    """Wait until a run ends, which should be well."""
    _, err = process.communicate()
    if process.returncode:
        faults["failed"] += 1
        print(err, file=sys.stderr)


def wait_for_stages(run: Path, process: subprocess.Popen[str]) -> None:
    """Wait until workers have finished something."""
    while process.poll() is None and not stage_times(run):
        time.sleep(0.05)


def stage_times(run: Path) -> dict[str, int]:
    """When each finished stage was written."""
    stages = [p for p in run.glob("store/*/stage.json") if not p.parent.name.startswith(".")]
    return {p.parent.name: p.stat().st_mtime_ns for p in stages}


def compare(before: dict[str, int], whole: Path, run: Path, faults: dict[str, int]) -> None:
    """Count stages that were finished before and are not there or younger now, and differences of the tables."""
    after = stage_times(run)
    faults["lost"] += len(before.keys() - after.keys())
    faults["trained again"] += sum(after.get(stage, written) != written for stage, written in before.items())
    measured = ["recipe_core_s", "use_cpu_s_per_frame"]
    once, again = (read_results(folder).drop(columns=measured) for folder in (whole, run))
    faults["doubled rows"] += int(again.duplicated(subset=KEY_COLUMNS).sum())
    try:
        pd.testing.assert_frame_equal(once, again, check_exact=True)
    except AssertionError:
        faults["tables that differ"] += 1


if __name__ == "__main__":
    main()
