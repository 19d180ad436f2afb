"""Ray workers give the labels of one process, also where one of them dies."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from springs_jobs import job, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.xdist_group("ray")
def test_workers_side_by_side_and_one_that_dies(tmp_path: Path) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores")
    serial, _ = run(job(tmp_path, failing=(3,)), tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    wanted = job(other, failing=(3,))
    (other / "dies").touch()
    done, reports = run(wanted, other, workers=2)
    assert not (other / "dies").exists()
    np.testing.assert_array_equal(done.labels.energy, serial.labels.energy)
    np.testing.assert_array_equal(done.labels.forces, serial.labels.forces)
    assert [frame for frame, _ in done.failures] == [103]
    assert reports[-1].done == 12
    pids = {line.split()[1] for line in (other / "asked").read_text().splitlines()}
    assert str(os.getpid()) not in pids


#: Ray's monitor ends every worker at once where more than so small a share of the machine's memory is in use.
SHORTAGE = {"RAY_memory_usage_threshold": "0.001", "RAY_memory_monitor_refresh_ms": "50"}
DRIVER = """
import sys
from pathlib import Path
from springs_jobs import job, run
from study.labelling import ray_workers
from study.engine.executors import PackJob
from study.ray_backend.executor import RayExecutor
from study.ray_backend.session import open_session
from study.ray_backend.worker_supply import WorkerLostError
from tiny_packs import bank, quick

ray_workers._PAUSE_S, ray_workers.RETRIES = 0.0, 1
open_session(2, 0, None)
try:
    run(job(Path(sys.argv[1])), Path(sys.argv[1]), workers=2)
except ray_workers.WorkersLostError as error:
    print(error)
try:
    list(ray_workers.ray_tasks(lambda: None, [()], 1))
except ray_workers.WorkersLostError as error:
    print(error)
try:
    RayExecutor(bank(), workers=1, max_retries=1)
except WorkerLostError as error:
    print(error)
"""


@pytest.mark.xdist_group("ray")
def test_a_machine_without_memory_ends_work_with_one_line(tmp_path: Path) -> None:
    environment = os.environ | SHORTAGE | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path)], env=environment, capture_output=True, text=True, timeout=120
    )
    lines = done.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        *["2 workers died one after the other on the same work"] * 2,
        "a worker could not be started in 2 attempts",
    ], done.stderr
    assert all("memory" in line.partition(" Where memory")[0] and len(line) < 500 for line in lines)
