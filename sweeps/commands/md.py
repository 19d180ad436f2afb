"""The command `md`: molecular dynamics with an exported model, watched, and going on after a kill."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asteroid.errors import InputError
from sweeps.console import note, say
from sweeps.options import ForceUnit, LengthUnit, ModelFolder
from sweeps.quantities import FORCE_UNIT
from sweeps.resume import stops_with_a_hint
from sweeps.times import parse_fs, whole_steps

if TYPE_CHECKING:
    from asteroid.dynamics.watched_dynamics import Observation
    from study.use.md_run import Summary


#: Three times the share of frames that count as outside in the training data's own sampling.
_MANY_OUTSIDE = 0.1


def md(
    model: ModelFolder,
    start: Annotated[Path, typer.Option(help="First geometry: the first frame of a file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the trajectory.")],
    temperature: Annotated[float, typer.Option(help="Temperature in kelvin.", metavar="K")] = 300.0,
    time: Annotated[str, typer.Option(help="Length of the trajectory.")] = "100ps",
    nve: Annotated[bool, typer.Option("--nve", help="Conserve the energy instead of a thermostat.")] = False,
    timestep: Annotated[str, typer.Option(help="Time step.")] = "0.5fs",
    every: Annotated[str, typer.Option(help="Time from one kept frame to the next.")] = "20fs",
    equilibration: Annotated[str, typer.Option(help="Time with a thermostat before the first frame.")] = "2ps",
    friction: Annotated[float, typer.Option(help="Friction of the thermostat in 1/fs.")] = 0.01,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the velocities and of the thermostat.")] = 0,
    on_outside: Annotated[
        str, typer.Option(help="Where the trajectory leaves the training data: warn or stop.", metavar="warn|stop")
    ] = "warn",
    length_unit: LengthUnit = None,
    force_unit: ForceUnit = FORCE_UNIT,
) -> None:
    """Run molecular dynamics and watch it: energy drift, temperature, bonds, frames outside the training data.

    A broken bond ends the trajectory. Run again after a kill, it goes on as if nothing had happened.

    Examples:

      asteroid-study md model --start methanol.xyz --temperature 300 --time 100ps --out md

      asteroid-study md model --start methanol.xyz --nve --time 50ps --out nve --on-outside stop
    """
    from asteroid.deploy.folder import read_force_field
    from asteroid.dynamics.watched_dynamics import Settings
    from asteroid.units import force_unit_in_ev_ang
    from study.labelling.geometry_files import read_molecule
    from study.use.md_run import run_md
    from study.use.same_molecule import refuse_other_electrons
    from sweeps.progress import Ticker

    if on_outside not in ("warn", "stop"):
        raise InputError(f"--on-outside is warn or stop, found {on_outside!r}: choose one of them")
    for name, value in (("temperature", temperature), ("friction", friction)):
        if not 0 < value < float("inf"):
            raise InputError(f"--{name} must be positive, found {value:g}: for instance 300 K, a friction of 0.01/fs")
    scale, step_fs = force_unit_in_ev_ang(force_unit), parse_fs(timestep, "--timestep")
    settings = Settings(
        temperature_k=temperature,
        timestep_fs=step_fs,
        steps=whole_steps(time, "--time", step_fs),
        every_steps=whole_steps(every, "--every", step_fs),
        equilibration_steps=whole_steps(equilibration, "--equilibration", step_fs, least=0),
        thermostat=not nve,
        friction_per_fs=friction,
        seed=seed,
    )
    force_field = read_force_field(model)
    numbers, positions = read_molecule(start, length_unit=length_unit, on_note=note)
    refuse_other_electrons(force_field, start)
    with stops_with_a_hint("the trajectory keeps what it has"), Ticker() as ticker:
        summary = run_md(
            force_field,
            numbers,
            positions,
            settings,
            out,
            stop_outside=on_outside == "stop",
            on_progress=lambda found: ticker.show(_progress_line(found, settings.steps * step_fs / 1000)),
        )
    _tell(summary, out, force_unit, scale, nve=nve)


def _progress_line(found: Observation, ps: float) -> str:
    outside = " | outside the training data" if found.outside else ""
    return f"{found.time_ps:.3g} of {ps:.3g} ps | {found.temperature_k:.0f} K | {found.potential_ev:.3f} eV{outside}"


def _tell(summary: Summary, out: Path, force_unit: str, scale: float, *, nve: bool) -> None:
    say(f"{summary.ended}: {summary.time_ps:.4g} ps, {summary.observations:,} frames, {summary.temperature_k:.0f} K")
    if nve:
        say(f"energy drift: {summary.drift_mev_atom_ps:.2g} meV/atom/ps")
    broken = f"{summary.broken:,} frames with a broken bond" if summary.broken else "none broken"
    say(f"bonds: {broken}; the longest is {summary.longest_bond:.2f} sums of covalent radii")
    if not math.isnan(summary.outside_share):
        say(f"outside the training data: {summary.outside_share:.1%} of the frames (about 3% are of held-out ones)")
        if summary.outside_share > _MANY_OUTSIDE:
            note("warning: the trajectory leaves the training data: do not trust it, label such frames and train again")
    else:
        note("note: what is outside the training data is not known for this model")
    if not math.isnan(summary.largest_force_error_ev_ang):
        say(f"largest force error expected: {summary.largest_force_error_ev_ang / scale:.3g} {force_unit}")
    say(f"frames: {out / 'trajectory.xyz'}; observations: {out / 'observations.csv'}; summary: {out / 'summary.json'}")
