"""Molecular dynamics with an exported force field, watched: does the molecule hold, is the model where it has been.

The integrators are ASE's: Langevin with `fixcm=False` (Vanden-Eijnden and Ciccotti, Chem. Phys. Lett. 429, 310 (2006),
eq. 23) and velocity Verlet. All that the next step needs is in `State`, so a trajectory goes on to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet

from asteroid.deploy.calculator import AsteroidCalculator
from asteroid.deploy.known_molecules import bond_ratios, one_molecule
from asteroid.errors import InputError
from asteroid.labels.sites import BROKEN_RATIO_MIN, bonds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asteroid.deploy.force_field import ForceField
    from asteroid.labels.label_set import FloatArray, IntArray


@dataclass(frozen=True)
class Settings:
    """Settings of a trajectory.

    Attributes:
        temperature_k: of the thermostat, and of the first velocities.
        timestep_fs: time step in fs.
        steps: steps to take after the equilibration.
        every_steps: steps from one observation to the next.
        equilibration_steps: steps with the thermostat before anything is observed.
        thermostat: whether the thermostat stays on; else the energy is conserved (NVE).
        friction_per_fs: of the thermostat.
        seed: of the first velocities and the noise.
    """

    temperature_k: float
    timestep_fs: float
    steps: int
    every_steps: int
    equilibration_steps: int
    thermostat: bool
    friction_per_fs: float
    seed: int


@dataclass(frozen=True, eq=False)
class State:
    """What the next step starts from: steps taken (the equilibration counts as negative), positions, momenta, noise."""

    step: int
    positions: FloatArray
    momenta: FloatArray
    generator: dict[str, Any]


@dataclass(frozen=True)
class Observation:
    """A frame of a trajectory.

    Attributes:
        time_ps: since the end of the equilibration.
        potential_ev: potential energy.
        kinetic_ev: kinetic energy.
        temperature_k: kinetic temperature, all 3A degrees of freedom.
        distance: from the training frames (`asteroid.deploy.region`); NaN where there is none.
        outside: whether that is unusual; False where it is not known.
        force_error_ev_ang: largest error of a force component that the committee lets expect; NaN without one.
        longest_bond: largest length of a bond over the sum of its covalent radii.
        broken: whether that is longer than any bond.
    """

    time_ps: float
    potential_ev: float
    kinetic_ev: float
    temperature_k: float
    distance: float
    outside: bool
    force_error_ev_ang: float
    longest_bond: float
    broken: bool

    @property
    def total_ev(self) -> float:
        """Total energy."""
        return self.potential_ev + self.kinetic_ev


def first_state(numbers: IntArray, positions: FloatArray, settings: Settings) -> State:
    """A geometry [A, 3] in Å with velocities of Maxwell and Boltzmann, the centre of mass at rest."""
    generator = np.random.default_rng(settings.seed)
    atoms: Any = Atoms(numbers, positions)
    spread = np.sqrt(atoms.get_masses() * units.kB * settings.temperature_k)
    momenta = spread[:, None] * generator.standard_normal(positions.shape)
    share = atoms.get_masses() / atoms.get_masses().sum()
    momenta -= share[:, None] * momenta.sum(axis=0)
    return State(-settings.equilibration_steps, positions, momenta, dict(generator.bit_generator.state))


def run(
    force_field: ForceField, numbers: IntArray, state: State, settings: Settings
) -> Iterator[tuple[State, Observation]]:
    """Integrate to the end; control returns after every observation.

    Args:
        force_field: what the forces come from.
        numbers: atomic numbers [A].
        state: of `first_state`, or the last one that an earlier call gave.
        settings: of the trajectory.

    Yields:
        the state, and what was observed.

    Raises:
        InputError: another molecule than the model's, or the integration fails.
    """
    atoms: Any = Atoms(numbers, state.positions)
    atoms.calc = AsteroidCalculator(force_field)
    atoms.set_momenta(state.momenta)
    generator = np.random.default_rng()
    generator.bit_generator.state = state.generator
    bonded = bonds(force_field_numbers(force_field, numbers), one_molecule(force_field.trained_on).positions)
    step = state.step
    while step < settings.steps:
        equilibrating = step < 0
        integrator = _integrator(atoms, settings, generator, thermostat=equilibrating or settings.thermostat)
        for _ in range(-step if equilibrating else min(settings.every_steps, settings.steps - step)):
            integrator.step()
            step += 1
        if not np.isfinite(atoms.positions).all():
            raise InputError(
                f"the dynamics fails near {step * settings.timestep_fs / 1000:.3g} ps (positions are no numbers any "
                "more): use a shorter --timestep, or a model that knows such geometries"
            )
        now = State(step, atoms.get_positions(), atoms.get_momenta(), dict(generator.bit_generator.state))
        yield now, _observe(force_field, atoms, bonded, step * settings.timestep_fs / 1000)


def force_field_numbers(force_field: ForceField, numbers: IntArray) -> IntArray:
    """Atomic numbers of the training frames that bonds are read off.

    Raises:
        InputError: the model was trained on several molecules.
    """
    if force_field.trained_on.varied:
        raise InputError("dynamics is watched for models of one molecule, found one of several: use ASE's own dynamics")
    return numbers


def _integrator(atoms: Any, settings: Settings, generator: np.random.Generator, *, thermostat: bool) -> Any:
    timestep = settings.timestep_fs * units.fs
    if not thermostat:
        return VelocityVerlet(atoms, timestep)
    return Langevin(
        atoms,
        timestep,
        temperature_K=settings.temperature_k,
        friction=settings.friction_per_fs / units.fs,
        fixcm=False,
        rng=generator,
    )


def _observe(force_field: ForceField, atoms: Any, bonded: list[tuple[int, int]], time_ps: float) -> Observation:
    positions = atoms.get_positions()[None]
    region, outside = force_field.region, force_field.is_outside(positions)
    expected = force_field.expected_force_error(atoms.numbers, positions)
    ratio = float(bond_ratios(atoms.numbers, positions, bonded).max()) if bonded else 0.0
    return Observation(
        time_ps=time_ps,
        potential_ev=float(atoms.get_potential_energy()),
        kinetic_ev=float(atoms.get_kinetic_energy()),
        temperature_k=float(atoms.get_kinetic_energy() / (1.5 * len(atoms) * units.kB)),
        distance=float("nan") if region is None else float(region.distances(positions)[0]),
        outside=bool(outside is not None and outside[0]),
        force_error_ev_ang=float("nan") if expected is None else float(expected[0].max()),
        longest_bond=ratio,
        broken=ratio > BROKEN_RATIO_MIN,
    )
