"""Langevin dynamics for the commands that sample: its settings from options, its progress, its files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from asteroid.plural import plural
from sweeps.console import say
from sweeps.resume import stops_with_a_hint
from sweeps.times import parse_fs, whole_steps

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labelling.langevin import Dynamics
    from study.labelling.sample_run import SampleJob, SampleProgress, SampleRun


def make_dynamics(
    temperature_k: float, timestep: str, friction_per_fs: float, every: str, equilibration: str, seed: int
) -> Dynamics:
    """Settings of the dynamics, from the options of the command.

    Raises:
        InputError: a value is not positive, has no unit, or is no whole number of time steps.
    """
    from asteroid.labelling.langevin import Dynamics

    for name, value in (("temperature", temperature_k), ("friction", friction_per_fs)):
        if not 0 < value < float("inf"):
            raise InputError(f"--{name} must be positive, found {value:g}: for instance 500 K, a friction of 0.01/fs")
    step_fs, every_fs = parse_fs(timestep, "--timestep"), parse_fs(every, "--every")
    if not (step_fs > 0 and every_fs > 0):
        raise InputError(
            f"--timestep and --every must be positive, found {timestep!r} and {every!r}: for instance 0.5fs and 10fs"
        )
    every_steps = whole_steps(every, "--every", step_fs)
    equilibration_steps = whole_steps(equilibration, "--equilibration", step_fs, least=0)
    return Dynamics(temperature_k, step_fs, friction_per_fs, every_steps, equilibration_steps, seed)


def progress_line(progress: SampleProgress) -> str:
    """One line: frames kept, steps, the price so far, the time left."""
    from analysis.names import duration
    from sweeps.progress import clock

    parts = [f"{progress.frames:,}/{progress.total:,} frames", f"{progress.steps:,}/{progress.steps_total:,} MD steps"]
    if progress.steps:
        parts.append(f"{duration(progress.cpu_s)} of CPU so far")
    if progress.left_s is not None and progress.steps < progress.steps_total:
        parts.append(f"about {clock(progress.left_s)} left")
    return " | ".join(parts)


def sample_into(out: Path, job: SampleJob, molecule: Path, workers: int) -> None:
    """Run the replicas with a live line, or go on with them, and save their frames with settings and prices."""
    from study.labelling.sample_run import run_samples
    from study.labelling.work_folder import work_folder
    from sweeps.progress import Ticker

    with stops_with_a_hint("the replicas keep what they have"), Ticker() as ticker:
        run = run_samples(job, work_folder(out), workers, lambda progress: ticker.show(progress_line(progress)))
    _save(out, job, run, molecule)


def _save(out: Path, job: SampleJob, run: SampleRun, molecule: Path) -> None:
    """Write the frames with a sidecar of settings and prices, and say what they cost."""
    from analysis.names import duration
    from study.labelling.output_files import method_card, write_output
    from study.labelling.timing import price_text
    from study.run.hardware import processor

    dynamics = job.dynamics
    on = f"{processor()}, one thread"
    card: dict[str, Any] = {
        **method_card(job.method),
        "molecule": molecule.name,
        "thermostat": "ase.md.langevin.Langevin",
        **asdict(dynamics),
        "fixcm": False,
        "com_removed_on_save": True,
        "replicas": job.replicas,
        "frames_per_replica": job.frames,
        "N": len(run.labels),
        "price_cpu_s": run.label_cpu_s,
        "price_source": f"median CPU time of energy and forces of the kept frames on {on}",
        "md_step_cpu_s": run.md_step_cpu_s,
        "sampling_price_cpu_s_per_frame": run.frame_cpu_s,
        "sampling_price_source": f"all MD steps, equilibration included, over the kept frames, on {on}",
        "equilibration_share": run.equilibration_share,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    write_output(out, run.labels, card)
    total = run.frame_cpu_s * len(run.labels)
    label, frame = price_text(run.label_cpu_s), price_text(run.frame_cpu_s)
    replicas = f"{job.replicas} {plural(job.replicas, 'replica')}"
    say(
        f"{out}: {len(run.labels):,} frames of {replicas} at {dynamics.temperature_k:g} K with labels of "
        f"{job.method.level}; settings and prices: {out.stem}.meta.json"
    )
    say(
        f"price: {label} of CPU a label, {price_text(run.md_step_cpu_s)} an MD step, {frame} of steps for each kept "
        f"frame ({run.equilibration_share:.0%} of them equilibration), {duration(total)} in all"
    )
    say(f"in a sweep file: price: {label}, sampling_price: {frame}, temperature_k: {dynamics.temperature_k:g}")
