"""Whether energies are total energies of all electrons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.units import ENERGY_IN_EV

if TYPE_CHECKING:
    from asteroid.labels.label_set import IntArray


def all_electron_energy_ev(numbers: IntArray) -> float:
    """Estimate the total electronic energy of free atoms in eV, from their atomic numbers, shape [A].

    The statistical atom with corrections for strongly bound electrons, exchange and gradients: in Hartree
    E = -.768745 Z^(7/3) + Z^2 / 2 - .269900 Z^(5/3) (Schwinger, Phys. Rev. A 24, 2353 (1981)). Within .7 % of the
    exact energies of C, N, O, F, S, Cl, 8 % for H, under 2 % for organic molecules: ample to tell units apart.
    """
    z = numbers.astype(np.float64)
    hartree = -0.768745 * z ** (7 / 3) + 0.5 * z**2 - 0.2699 * z ** (5 / 3)
    return float(hartree.sum()) * ENERGY_IN_EV["Hartree"]


def is_total_energy(energy_ev: float, numbers: IntArray) -> bool:
    """Tell whether an energy is the all-electron total energy of these atoms, to 5 %."""
    return abs(energy_ev / all_electron_energy_ev(numbers) - 1.0) < 0.05
