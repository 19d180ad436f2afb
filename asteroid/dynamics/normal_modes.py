"""Relaxed geometries and harmonic frequencies, of a model or of a level of theory alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms, units
from ase.data import atomic_masses
from ase.optimize import BFGS

from asteroid.errors import InputError
from asteroid.labelling.ase_labeller import LabellerCalculator

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.labelling.labeller import Labeller
    from asteroid.labels.label_set import FloatArray, IntArray

#: Displacements of the finite differences, Å; forces at which a geometry counts as relaxed, eV/Å; most steps to it.
_STEP_ANG, FORCE_TOL_EV_ANG, _MOST_STEPS = 0.005, 1e-3, 500
#: Atoms that lie so near to an axis, root mean square in Å by mass, are a linear molecule: relaxed to the forces above,
#: one is bent by some thousandths; water has .18, an atom of iodine with a hydrogen at its side .07.
_LINEAR_ANG = 0.03


@dataclass(frozen=True, eq=False)
class Relaxed:
    """A minimum of the energy.

    Attributes:
        positions: [A, 3] in Å.
        energy_ev: energy.
        frequencies: harmonic wave numbers in cm^-1, rising, without translations and rotations; imaginary ones
            negative.
    """

    positions: FloatArray
    energy_ev: float
    frequencies: FloatArray


def relax(labeller: Labeller, numbers: IntArray, start: FloatArray) -> FloatArray:
    """Relax a geometry [A, 3] in Å.

    Args:
        labeller: positions [A, 3] -> energy in eV, forces in eV/Å.
        numbers: atomic numbers [A].
        start: where to begin.

    Raises:
        InputError: no minimum is found.
    """
    atoms: Any = Atoms(numbers, start)
    atoms.calc = LabellerCalculator(labeller)
    optimiser: Any = BFGS(atoms, logfile=None)
    if not optimiser.run(fmax=FORCE_TOL_EV_ANG, steps=_MOST_STEPS):
        raise InputError(f"no relaxed geometry is found in {_MOST_STEPS} steps: start from another geometry")
    found: FloatArray = atoms.get_positions()
    return found


def relaxed_with_modes(
    labeller: Labeller, numbers: IntArray, start: FloatArray, on_label: Callable[[], None] = lambda: None
) -> Relaxed:
    """Relax a geometry and find its harmonic frequencies by central differences of the forces.

    Args:
        labeller: positions [A, 3] -> energy in eV, forces in eV/Å.
        numbers: atomic numbers [A].
        start: where to begin, [A, 3] in Å.
        on_label: called after every label of the differences, 6A of them.

    Raises:
        InputError: no minimum is found.
    """
    at = relax(labeller, numbers, start)
    hessian = np.empty((at.size, at.size))
    for k in range(at.size):
        forces = []
        for sign in (1.0, -1.0):
            moved = at.ravel().copy()
            moved[k] += sign * _STEP_ANG
            own = labeller(moved.reshape(-1, 3))[1]
            assert own is not None  # a minimum is not found without
            forces.append(own.ravel())
            on_label()
        hessian[k] = (forces[1] - forces[0]) / (2 * _STEP_ANG)
    return Relaxed(at, labeller(at)[0], frequencies_of(hessian, numbers, at))


def frequencies_of(hessian: FloatArray, numbers: IntArray, positions: FloatArray) -> FloatArray:
    """Harmonic wave numbers in cm^-1 of a molecule, rising; imaginary ones negative.

    Args:
        hessian: second derivatives of the energy [3A, 3A] in eV/Å^2, at a minimum.
        numbers: atomic numbers [A].
        positions: the minimum [A, 3] in Å; its translations and rotations are projected out, of a linear one two.
    """
    root = np.sqrt(np.repeat(atomic_masses[numbers], 3))
    rigid = _rigid_motions(positions, root)
    _, values, axes = np.linalg.svd(rigid)
    is_linear = values[-1] < _LINEAR_ANG * np.sqrt((root[::3] ** 2).sum())
    inner = axes[len(values) - int(is_linear) :]
    weighted = 0.5 * (hessian + hessian.T) / np.outer(root, root)
    squared = np.linalg.eigvalsh(inner @ weighted @ inner.T)
    found: FloatArray = np.sign(squared) * np.sqrt(np.abs(squared)) * units._hbar * _WAVE_NUMBER  # noqa: SLF001
    return found


#: From sqrt(eV / (Å^2 u)) over hbar to cm^-1.
_WAVE_NUMBER = np.sqrt(units._e / units._amu) * 1e10 / units._e / units.invcm  # noqa: SLF001


def _rigid_motions(positions: FloatArray, root_mass: FloatArray) -> FloatArray:
    """Mass-weighted translations and rotations, [6, 3A]."""
    mass = root_mass[::3] ** 2
    centred = positions - (mass @ positions) / mass.sum()
    motions = [np.tile(axis, len(positions)) for axis in np.eye(3)]
    motions += [np.cross(axis, centred).ravel() for axis in np.eye(3)]
    return np.array(motions) * root_mass
