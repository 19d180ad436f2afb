"""Langevin dynamics of one replica, which can be put down and taken up again to the last bit.

Its state after any step (positions, momenta, random numbers) is all that the next one needs. The integrator is ASE's
(Vanden-Eijnden and Ciccotti, Chem. Phys. Lett. 429, 310 (2006), eq. 23) with `fixcm=False`: keeping the centre of mass
at rest would not sample the canonical distribution.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms, units
from ase.data import covalent_radii
from ase.md.langevin import Langevin
from scipy.sparse.csgraph import connected_components

from asteroid.errors import InputError
from asteroid.labelling.ase_labeller import LabellerCalculator
from asteroid.labelling.labeller import NotConvergedError
from asteroid.new_file import new_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asteroid.labelling.labeller import Labeller
    from asteroid.labels.label_set import FloatArray, IntArray

#: Atoms farther apart than this many sums of covalent radii do not hold together. Bonds at 500 K reach 1.26 sums,
#: hydrogen bonds lie near 2 (see `asteroid.labels.sites` for the radii and for bonds).
APART_RATIO = 2.2
#: The kinetic temperature of A atoms scatters by T sqrt(2 / 3A); so many times that means that the integration failed.
HOT_SIGMAS = 12.0


@dataclass(frozen=True)
class Dynamics:
    """Settings of a trajectory.

    Attributes:
        temperature_k: temperature in kelvin.
        timestep_fs: time step in fs.
        friction_per_fs: friction of the thermostat in 1/fs.
        every_steps: steps from one kept frame to the next.
        equilibration_steps: steps before the first kept frame.
        seed: with the replica's number, seed of its initial velocities and of its noise.
    """

    temperature_k: float
    timestep_fs: float
    friction_per_fs: float
    every_steps: int
    equilibration_steps: int
    seed: int


@dataclass
class Trajectory:
    """What a replica has come to: the frames kept so far, and the state that the next step starts from.

    Attributes:
        positions: frames [n, A, 3] in Å, centre of mass at the origin.
        energy: [n] in eV.
        forces: [n, A, 3] in eV/Å.
        label_cpu_s: CPU seconds of each frame's energy and forces [n].
        step: steps taken, equilibration included.
        cpu_s: CPU seconds of all steps that are in this record.
        now: positions [A, 3] in Å and momenta [A, 3] in ASE's units after `step` steps.
        generator: state of the random numbers.
    """

    positions: list[FloatArray] = field(default_factory=list)
    energy: list[float] = field(default_factory=list)
    forces: list[FloatArray] = field(default_factory=list)
    label_cpu_s: list[float] = field(default_factory=list)
    step: int = 0
    cpu_s: float = 0.0
    now: tuple[FloatArray, FloatArray] | None = None
    generator: dict[str, Any] | None = None


def sample_replica(
    labeller: Labeller,
    numbers: IntArray,
    start: FloatArray,
    settings: Dynamics,
    replica: int,
    frames: int,
    trajectory: Trajectory,
) -> Iterator[int]:
    """Integrate until a number of frames is kept; after every one, and as often before the first, control returns.

    Args:
        labeller: energy and forces; they must depend on the geometry alone.
        numbers: atomic numbers [A].
        start: first geometry [A, 3] in Å.
        settings: of the dynamics.
        replica: the replica's number; every replica has random numbers of its own.
        frames: frames to keep.
        trajectory: an empty one, or what was kept of an earlier call; it grows in place and is complete at every yield.

    Yields:
        the number of frames kept.

    Raises:
        InputError: the molecule falls apart or overheats, or a label does not converge.
    """
    calculator = LabellerCalculator(labeller)
    integrator, generator = _integrator(calculator, Atoms(numbers, start), settings, replica, trajectory)
    atoms: Any = integrator.atoms
    pieces = fragments(numbers, start)
    where = f"replica {replica}"
    while len(trajectory.energy) < frames:
        began = time.process_time()
        left = settings.equilibration_steps - trajectory.step
        steps = min(settings.every_steps, left) if left > 0 else settings.every_steps
        try:
            for _ in range(steps):
                integrator.step()
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        except NotConvergedError as error:
            raise InputError(
                f"{where} met a geometry without a label near {_ps(trajectory.step, settings)} ({error}): lower the "
                "temperature or the timestep, or choose another level"
            ) from error
        trajectory.step += steps
        _refuse_unstable(atoms, settings, pieces, f"{where} at {_ps(trajectory.step, settings)}")
        if left <= 0:
            trajectory.positions.append(atoms.positions - atoms.get_center_of_mass())
            trajectory.energy.append(energy)
            trajectory.forces.append(forces)
            trajectory.label_cpu_s.append(calculator.cpu_s)
        trajectory.now = (atoms.get_positions(), atoms.get_momenta())
        trajectory.generator = dict(generator.bit_generator.state)
        trajectory.cpu_s += time.process_time() - began
        yield len(trajectory.energy)


def _integrator(
    calculator: LabellerCalculator, atoms: Any, settings: Dynamics, replica: int, trajectory: Trajectory
) -> tuple[Any, np.random.Generator]:
    """ASE's integrator and its random numbers, in the state that the trajectory ends in or with new velocities."""
    generator = np.random.default_rng([settings.seed, replica])
    atoms.calc = calculator
    if trajectory.now is None:
        spread = np.sqrt(atoms.get_masses() * units.kB * settings.temperature_k)  # Maxwell and Boltzmann's
        atoms.set_momenta(spread[:, None] * generator.standard_normal((len(atoms), 3)))
    else:
        positions, momenta = trajectory.now
        atoms.set_positions(positions)
        atoms.set_momenta(momenta)
        assert trajectory.generator is not None
        generator.bit_generator.state = trajectory.generator
    integrator: Any = Langevin(
        atoms,
        settings.timestep_fs * units.fs,
        temperature_K=settings.temperature_k,
        friction=settings.friction_per_fs / units.fs,
        fixcm=False,
        rng=generator,
    )
    return integrator, generator


def fragments(numbers: IntArray, positions: FloatArray) -> int:
    """Number of pieces of a geometry [A, 3] in Å that hold together (see `APART_RATIO`)."""
    radii = covalent_radii[numbers]
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    return int(connected_components(distance < APART_RATIO * (radii[:, None] + radii[None]))[0])


def write_trajectory(path: Path, trajectory: Trajectory) -> None:
    """Write a trajectory and its state, complete or not at all."""
    assert trajectory.now is not None
    with new_file(path) as temporary, temporary.open("wb") as target:
        np.savez(
            target,
            positions=np.array(trajectory.positions),
            energy=np.array(trajectory.energy),
            forces=np.array(trajectory.forces),
            label_cpu_s=np.array(trajectory.label_cpu_s),
            step=trajectory.step,
            cpu_s=trajectory.cpu_s,
            now=np.array(trajectory.now),
            generator=np.array(json.dumps(trajectory.generator)),
        )


def read_trajectory(path: Path) -> Trajectory:
    """What `write_trajectory` wrote; an empty trajectory where there is no file."""
    if not path.exists():
        return Trajectory()
    with np.load(path, allow_pickle=False) as stored:
        return Trajectory(
            positions=list(stored["positions"]),
            energy=stored["energy"].tolist(),
            forces=list(stored["forces"]),
            label_cpu_s=stored["label_cpu_s"].tolist(),
            step=int(stored["step"]),
            cpu_s=float(stored["cpu_s"]),
            now=(stored["now"][0], stored["now"][1]),
            generator=json.loads(str(stored["generator"])),
        )


def _refuse_unstable(atoms: Any, settings: Dynamics, pieces: int, where: str) -> None:
    """Refuse a geometry that no thermostat at this temperature allows, or that has come apart."""
    found = atoms.get_temperature()
    hot = settings.temperature_k * (1 + HOT_SIGMAS * float(np.sqrt(2 / (3 * len(atoms)))))
    if not (np.isfinite(atoms.positions).all() and found < hot):
        raise InputError(
            f"{where} has {found:,.0f} K, more than a thermostat at {settings.temperature_k:g} K allows "
            f"({hot:,.0f} K): use a shorter --timestep, or start from a relaxed geometry"
        )
    now = fragments(atoms.numbers, atoms.positions)
    if now > pieces:
        raise InputError(
            f"{where} has fallen apart ({now} pieces, {pieces} at the start): lower --temperature, or choose another "
            "level"
        )


def _ps(step: int, settings: Dynamics) -> str:
    return f"{step * settings.timestep_fs / 1000:.3g} ps"
