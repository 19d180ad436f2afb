"""Replicas of dynamics: killed and gone on with, they end where the undisturbed ones end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule

from asteroid.errors import InputError
from asteroid.labelling.labeller import Method
from asteroid.labelling.langevin import Dynamics
from study.labelling import sample_run
from study.labelling.sample_run import SampleJob, SampleProgress, SampleRun, run_samples
from study.ray_backend.session import open_session

if TYPE_CHECKING:
    from pathlib import Path

WATER = molecule("H2O")
DYNAMICS = Dynamics(
    temperature_k=400.0, timestep_fs=0.5, friction_per_fs=0.01, every_steps=10, equilibration_steps=40, seed=0
)
JOB = SampleJob(WATER.numbers, WATER.positions, Method("gfn2-xtb"), DYNAMICS, replicas=2, frames=12)


def run(job: SampleJob, folder: Path, workers: int = 1) -> tuple[SampleRun, list[SampleProgress]]:
    reports: list[SampleProgress] = []
    return run_samples(job, folder / "out.work", workers, reports.append), reports


def equal(one: SampleRun, other: SampleRun) -> bool:
    names = ("positions", "energy", "forces", "group", "frame_id")
    return all(np.array_equal(getattr(one.labels, name), getattr(other.labels, name)) for name in names)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SampleRun:
    return run(JOB, tmp_path_factory.mktemp("whole"))[0]


def test_replicas_are_groups_and_prices_add_up(tmp_path: Path) -> None:
    done, reports = run(JOB, tmp_path)
    assert done.labels.positions.shape == (24, 3, 3)
    assert done.labels.group is not None
    assert done.labels.group.tolist() == [0] * 12 + [1] * 12
    assert done.labels.level == "gfn2-xtb"
    assert not np.array_equal(done.labels.positions[:12], done.labels.positions[12:])
    assert done.equilibration_share == 40 / 160
    assert done.frame_cpu_s == pytest.approx(done.md_step_cpu_s * 160 / 12)
    assert 0 < done.label_cpu_s < done.frame_cpu_s
    assert (reports[0].frames, reports[-1].frames, reports[-1].steps, reports[-1].steps_total) == (0, 24, 320, 320)
    assert reports[-1].cpu_s == pytest.approx(done.md_step_cpu_s * 320)


def test_more_frames_and_replicas_go_on_with_what_is_there(whole: SampleRun, tmp_path: Path) -> None:
    run(replace(JOB, replicas=1, frames=5), tmp_path)
    grown, reports = run(JOB, tmp_path)
    assert reports[0].steps == 40 + 50
    assert equal(grown, whole)
    fewer, _ = run(replace(JOB, frames=5), tmp_path)
    np.testing.assert_array_equal(fewer.labels.positions[:5], whole.labels.positions[:5])
    np.testing.assert_array_equal(fewer.labels.positions[5:], whole.labels.positions[12:17])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature_k": 300.0}, r"another temperature k \(400.0, now 300.0\)"),
        ({"seed": 1}, "another seed"),
        ({"every_steps": 5}, "another every steps"),
    ],
)
def test_other_dynamics_are_refused(change: dict[str, float], message: str, tmp_path: Path) -> None:
    small = replace(JOB, frames=1, replicas=1)
    run(small, tmp_path)
    with pytest.raises(InputError, match=message):
        run(replace(small, dynamics=replace(DYNAMICS, **change)), tmp_path)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="another molecule"):
        run(replace(small, start=WATER.positions * 1.001), tmp_path)
    with pytest.raises(InputError, match="another level"):
        run(replace(small, method=Method("gfn1-xtb")), tmp_path)


def test_a_molecule_in_ruins_is_one_line(tmp_path: Path) -> None:
    hot = replace(JOB, dynamics=replace(DYNAMICS, temperature_k=20_000.0), frames=4000)
    with pytest.raises(InputError, match=r"replica 0 at .* ps") as caught:
        run(hot, tmp_path)
    assert "\n" not in str(caught.value)


def test_killed_in_mid_run_the_trajectory_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    job = replace(JOB, frames=180)
    undisturbed, _ = run(job, tmp_path / "undisturbed")
    code = f"""
        from pathlib import Path
        import numpy as np
        from ase.build import molecule
        from asteroid.labelling.langevin import Dynamics
        from asteroid.labelling.labeller import Method
        from study.labelling import sample_run
        sample_run.CHECKPOINT_S = 0.05
        water = molecule("H2O")
        job = sample_run.SampleJob(water.numbers, water.positions, {job.method!r}, {job.dynamics!r}, 2, {job.frames})
        sample_run.run_samples(job, Path({str(tmp_path)!r}) / "out.work", 1, lambda progress: None)
    """
    for replica in (0, 1):  # killed twice, in both replicas
        driver = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)], env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        until = time.monotonic() + 60
        while not (tmp_path / "out.work" / f"replica_{replica}.npz").exists() and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(0.1)
        driver.send_signal(signal.SIGKILL)
        assert driver.wait() == -signal.SIGKILL, "it was killed in mid-run"
    with np.load(tmp_path / "out.work" / "replica_1.npz") as state:
        assert 0 < int(state["step"]) < 40 + 10 * job.frames
    resumed, reports = run(job, tmp_path)
    assert reports[0].steps > 10 * job.frames
    assert equal(resumed, undisturbed)


@pytest.mark.xdist_group("ray")
def test_workers_sample_the_same(whole: SampleRun, tmp_path: Path) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores")
    import ray

    assert open_session(2, 0, None)  # once for both runs
    try:
        side_by_side, _ = run(JOB, tmp_path, workers=2)
        hot = replace(JOB, dynamics=replace(DYNAMICS, temperature_k=20_000.0), frames=4000)
        with pytest.raises(InputError, match=r"replica \d at .* ps"):
            run(hot, tmp_path / "hot", workers=2)
    finally:
        ray.shutdown()
    assert equal(side_by_side, whole)


def test_checkpoints_are_written_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_run, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(sample_run, "_REPORT_S", 0.0)
    _, reports = run(replace(JOB, replicas=1), tmp_path)
    assert [progress.frames for progress in reports] == [0, *[0] * 4, *range(1, 13), 12]
