"""The command `sample`: geometries of a molecule from Langevin dynamics on a cheap level, with their price."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asteroid.errors import InputError
from sweeps.console import say
from sweeps.options import Calculator, Charge, MaxCycle, Spin, make_method
from sweeps.resume import stops_with_a_hint

if TYPE_CHECKING:
    from asteroid.labelling.langevin import Dynamics
    from study.labelling.sample_run import SampleJob, SampleProgress, SampleRun

_FS = {"fs": 1.0, "ps": 1e3, "ns": 1e6}


def sample(
    molecule: Annotated[Path, typer.Argument(metavar="MOLECULE", help="First geometry, best a relaxed one: .xyz.")],
    temperature: Annotated[float, typer.Option(help="Temperature of the thermostat in kelvin.", metavar="K")],
    out: Annotated[Path, typer.Option("--out", help="Frames with energies and forces: .npz, or .xyz and .extxyz.")],
    level: Annotated[str, typer.Option(help="Level of theory; best a cheap one.")] = "gfn2-xtb",
    replicas: Annotated[
        int, typer.Option(min=1, help="Independent trajectories; one of them can be the test set.")
    ] = 4,
    frames: Annotated[int, typer.Option(min=1, help="Frames kept of each replica.")] = 5000,
    every: Annotated[str, typer.Option(help="Time from one kept frame to the next.")] = "10fs",
    seed: Annotated[int, typer.Option(min=0, help="Seed; every replica has random numbers of its own.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Ray workers, one core each; 1 samples in this process.")] = 1,
    timestep: Annotated[str, typer.Option(help="Time step.")] = "0.5fs",
    equilibration: Annotated[str, typer.Option(help="Time before the first kept frame.")] = "3ps",
    friction: Annotated[float, typer.Option(help="Friction of the thermostat in 1/fs.")] = 0.01,
    calculator: Calculator = None,
    charge: Charge = 0,
    spin: Spin = 0,
    max_cycle: MaxCycle = 100,
) -> None:
    """Sample geometries by Langevin dynamics; run again after a kill, it goes on as if nothing had happened.

    The replica is the group of a frame. More --replicas or --frames add to what is there.

    Examples:

      asteroid-study sample methanol.xyz --level gfn2-xtb --temperature 500 --replicas 4 --frames 5000 --out pool.npz

      asteroid-study sample methanol.xyz --temperature 300 --every 20fs --seed 1 --workers 2 --out cold.npz
    """
    from study.run.hardware import use_one_thread

    use_one_thread()  # before anything numerical is loaded
    from study.labelling.geometry_files import read_molecule
    from study.labelling.output_files import check_output
    from study.labelling.sample_run import SampleJob, run_samples
    from study.labelling.work_folder import work_folder
    from sweeps.progress import Ticker

    check_output(out)
    if out.resolve() == molecule.resolve():
        raise InputError(f"--out must not be the file of the molecule, found {out} for both: choose another name")
    method = make_method(level, charge, spin, max_cycle, calculator)
    dynamics = make_dynamics(temperature, timestep, friction, every, equilibration, seed)
    numbers, start = read_molecule(molecule)
    job = SampleJob(numbers, start, method, dynamics, replicas, frames)
    with stops_with_a_hint("the replicas keep what they have"), Ticker() as ticker:
        run = run_samples(job, work_folder(out), workers, lambda progress: ticker.show(progress_line(progress)))
    _save(out, job, run, molecule)


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
    steps = []
    for option, time_fs in (("--every", every_fs), ("--equilibration", parse_fs(equilibration, "--equilibration"))):
        steps.append(round(time_fs / step_fs))
        if abs(steps[-1] * step_fs - time_fs) > 1e-6 * step_fs:
            raise InputError(
                f"{option} must be a whole number of time steps of {step_fs:g} fs, found {time_fs:g} fs: change one"
            )
    every_steps, equilibration_steps = steps
    return Dynamics(temperature_k, step_fs, friction_per_fs, every_steps, equilibration_steps, seed)


def parse_fs(text: str, option: str) -> float:
    """Read a time such as "10fs" or "3 ps" and return fs.

    Raises:
        InputError: no number or no unit.
    """
    match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(fs|ps|ns)\s*", text)
    if match is None:
        raise InputError(f"{option} is a time in fs, ps or ns, found {text!r}: write for instance 10fs")
    return float(match[1]) * _FS[match[2]]


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


def _save(out: Path, job: SampleJob, run: SampleRun, molecule: Path) -> None:
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
    say(
        f"{out}: {len(run.labels):,} frames of {job.replicas} replicas at {dynamics.temperature_k:g} K with labels of "
        f"{job.method.level}; settings and prices: {out.stem}.meta.json"
    )
    say(
        f"price: {label} of CPU a label, {price_text(run.md_step_cpu_s)} an MD step, {frame} of steps for each kept "
        f"frame ({run.equilibration_share:.0%} of them equilibration), {duration(total)} in all"
    )
    say(f"in a sweep file: price: {label}, sampling_price: {frame}, temperature_k: {dynamics.temperature_k:g}")
