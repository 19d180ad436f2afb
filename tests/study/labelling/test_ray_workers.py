"""Ray workers give the labels of one process, also where one of them dies."""

from __future__ import annotations

import os
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
