"""The command `sample`: geometries of a molecule from Langevin dynamics on a cheap level, with their price."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asteroid.errors import InputError
from sweeps.console import note
from sweeps.methods import make_method
from sweeps.options import Calculator, Charge, LengthUnit, MaxCycle, Spin
from sweeps.sampling import make_dynamics, sample_into


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
    charge: Charge = None,
    spin: Spin = None,
    max_cycle: MaxCycle = 100,
    length_unit: LengthUnit = None,
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
    from study.labelling.sample_run import SampleJob

    check_output(out)
    if out.resolve() == molecule.resolve():
        raise InputError(f"--out must not be the file of the molecule, found {out} for both: choose another name")
    method = make_method(molecule, level, charge, spin, max_cycle, calculator, note)
    dynamics = make_dynamics(temperature, timestep, friction, every, equilibration, seed)
    numbers, start = read_molecule(molecule, length_unit=length_unit, on_note=note)
    job = SampleJob(numbers, start, method, dynamics, replicas, frames)
    sample_into(out, job, molecule, workers)
