"""Geometries from several replicas of Langevin dynamics: each keeps its state, so that a killed run goes on."""

from __future__ import annotations

import hashlib
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.langevin import read_trajectory, sample_replica, write_trajectory
from asteroid.labelling.open_labeller import open_labeller
from asteroid.labels.label_set import LabelSet
from study.labelling.remaining_time import RemainingTime
from study.labelling.work_folder import claimed_work, method_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.labelling.labeller import Method
    from asteroid.labelling.langevin import Dynamics, Trajectory
    from asteroid.labels.label_set import FloatArray, IntArray

#: A replica writes its state down so often, s: what a kill can cost.
CHECKPOINT_S = 2.0
_REPORT_S = 0.2


@dataclass(frozen=True, eq=False)
class SampleJob:
    """What is to be sampled.

    Attributes:
        numbers: atomic numbers [A].
        start: first geometry of all replicas [A, 3] in Å.
        method: level and settings.
        dynamics: of every replica.
        replicas: number of replicas.
        frames: frames kept of each.
    """

    numbers: IntArray
    start: FloatArray
    method: Method
    dynamics: Dynamics
    replicas: int
    frames: int


@dataclass(frozen=True)
class SampleProgress:
    """Where a run stands.

    Attributes:
        frames: frames kept by all replicas.
        total: frames to keep.
        steps: steps of all replicas, equilibration included.
        steps_total: steps to make.
        cpu_s: CPU seconds of these steps.
        left_s: estimated wall seconds to the end, or None.
    """

    frames: int
    total: int
    steps: int
    steps_total: int
    cpu_s: float
    left_s: float | None


@dataclass(frozen=True, eq=False)
class SampleRun:
    """What came of a job.

    Attributes:
        labels: frames of all replicas with energies and forces; group is the replica, frame_id the row, `cpu_s` what
            the frame's energy and forces took.
        md_step_cpu_s: CPU seconds of one step.
        frame_cpu_s: CPU seconds of all steps, equilibration included, for each kept frame.
        label_cpu_s: median CPU seconds of energy and forces of one frame.
        equilibration_share: share of the steps that went into equilibration.
    """

    labels: LabelSet
    md_step_cpu_s: float
    frame_cpu_s: float
    label_cpu_s: float
    equilibration_share: float


def run_samples(job: SampleJob, folder: Path, workers: int, on_progress: Callable[[SampleProgress], None]) -> SampleRun:
    """Run the replicas, each from where it stopped.

    Args:
        job: molecule, level and dynamics.
        folder: work folder with the replicas' states; more replicas or more frames go on in it.
        workers: 1 runs one replica after the other in this process, more run them side by side in Ray workers.
        on_progress: called now and then.

    Raises:
        InputError: the level does not suit the molecule, the folder belongs to another job, the molecule falls apart or
            overheats, or a geometry has no label.
    """
    open_labeller(job.method, job.numbers, job.start[None])
    with claimed_work(folder, job_settings(job)):
        remaining = RemainingTime(sum(step for step, _ in _states(job, folder)))
        reported = 0.0

        def report(*, always: bool = False) -> None:
            nonlocal reported
            if always or time.monotonic() - reported >= _REPORT_S:
                reported = time.monotonic()
                on_progress(_progress(job, folder, remaining))

        report(always=True)
        if workers == 1:
            for replica in range(job.replicas):
                if failure := run_replica(job, replica, folder, report):
                    raise InputError(failure)
        else:
            from study.labelling.ray_workers import ray_tasks

            calls = [(job, replica, folder) for replica in range(job.replicas)]
            with closing(ray_tasks(run_replica, calls, workers)) as answers:
                for failure in answers:
                    if failure:
                        raise InputError(failure)
                    report()
        report(always=True)
        return _collect(job, [read_trajectory(_state(folder, replica)) for replica in range(job.replicas)])


def refuse_other_samples(job: SampleJob, folder: Path) -> None:
    """Refuse finished samples whose work folder, where it is still there, names another molecule, level or dynamics.

    Raises:
        InputError: the first setting that differs, or another process is at work there.
    """
    if folder.exists():
        with claimed_work(folder, job_settings(job)):
            pass


def run_replica(job: SampleJob, replica: int, folder: Path, report: Callable[[], None] | None = None) -> str | None:
    """Run one replica to its end, from its last state on.

    Returns:
        why it cannot go on, or None.
    """
    path = _state(folder, replica)
    trajectory = read_trajectory(path)
    if len(trajectory.energy) >= job.frames:
        return None
    written = time.monotonic()
    try:
        labeller = open_labeller(job.method, job.numbers, job.start[None], each_anew=False)
        steps = sample_replica(labeller, job.numbers, job.start, job.dynamics, replica, job.frames, trajectory)
        for _ in steps:
            if time.monotonic() - written >= CHECKPOINT_S:
                write_trajectory(path, trajectory)
                written = time.monotonic()
                if report is not None:
                    report()
    except InputError as error:
        return str(error)
    write_trajectory(path, trajectory)
    return None


def job_settings(job: SampleJob) -> dict[str, Any]:
    """Everything that a trajectory depends on but its length, as plain data."""
    start = hashlib.blake2b(job.numbers.astype("<i8").tobytes() + job.start.astype("<f8").tobytes(), digest_size=16)
    return {"kind": "sample", **method_settings(job.method), **asdict(job.dynamics), "molecule": start.hexdigest()}


def _state(folder: Path, replica: int) -> Path:
    return folder / f"replica_{replica}.npz"


def _states(job: SampleJob, folder: Path) -> list[tuple[int, float]]:
    """Steps, as far as the job asks for them, and CPU seconds of every replica so far."""
    states = []
    for replica in range(job.replicas):
        path = _state(folder, replica)
        if not path.exists():
            states.append((0, 0.0))
            continue
        with np.load(path, allow_pickle=False) as stored:
            states.append((min(int(stored["step"]), _steps(job)), float(stored["cpu_s"])))
    return states


def _progress(job: SampleJob, folder: Path, remaining: RemainingTime) -> SampleProgress:
    states, dynamics = _states(job, folder), job.dynamics
    steps, total = sum(step for step, _ in states), job.replicas * _steps(job)
    kept = sum(max(0, step - dynamics.equilibration_steps) for step, _ in states) // dynamics.every_steps
    cpu_s = sum(cpu_s for _, cpu_s in states)
    return SampleProgress(kept, job.replicas * job.frames, steps, total, cpu_s, remaining.left_s(steps, total))


def _steps(job: SampleJob) -> int:
    return job.dynamics.equilibration_steps + job.frames * job.dynamics.every_steps


def _collect(job: SampleJob, replicas: list[Trajectory]) -> SampleRun:
    """The first frames of every replica, and what a step and a kept frame took."""
    n = job.frames
    labels = LabelSet(
        numbers=job.numbers,
        positions=np.concatenate([np.array(r.positions[:n]) for r in replicas]),
        energy=np.concatenate([np.array(r.energy[:n]) for r in replicas]),
        forces=np.concatenate([np.array(r.forces[:n]) for r in replicas]),
        level=job.method.level,
        cpu_s=np.concatenate([np.array(r.label_cpu_s[:n]) for r in replicas]),
        group=np.repeat(np.arange(len(replicas)), n),
    )
    step_cpu_s = sum(r.cpu_s for r in replicas) / sum(r.step for r in replicas)
    assert labels.cpu_s is not None
    return SampleRun(
        labels=labels,
        md_step_cpu_s=step_cpu_s,
        frame_cpu_s=step_cpu_s * _steps(job) / n,
        label_cpu_s=float(np.median(labels.cpu_s)),
        equilibration_share=job.dynamics.equilibration_steps / _steps(job),
    )
