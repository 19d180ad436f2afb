"""Whether numbers can be what their unit says: bounds from physics, wide enough for molecules, narrow enough for slips.

A slip of units changes lengths by 1.9 (Bohr) or 10 (nm), forces by 23 (kcal/mol), 51 (Hartree/Bohr) or more. A slip of
4.2 (kJ/mol for kcal/mol) is inside the bounds of the forces and shows only where total energies come out too large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from asteroid.errors import InputError
from asteroid.matching import pair_distances
from asteroid.units import ENERGY_IN_EV

if TYPE_CHECKING:
    from asteroid.labels import IntArray, LabelSet

#: Shortest pair distance of a frame over the sum of covalent radii (Cordero et al., Dalton Trans. 2008, 2832), median
#: over frames. Bonds lie between .77 (N2) and 1.2 (H2), sets of ethanol, aspirin, methanol and formaldehyde at .85-.97.
#: Å read as Bohr gives .45-.63, Bohr read as Å 1.45 or more.
BOND_RATIO = (0.65, 1.45)

#: No two nuclei come this close in a molecule near room temperature or a few thousand K (H2: .74 Å at rest).
COLLISION_ANG = 0.4

#: Root mean square force component of a set in eV/Å. In equilibrium <F^2> = kT <curvature> (integration by parts of the
#: Boltzmann factor); bonds have 10-60 eV/Å^2, so that 10 K gives .1-.2 and 3,000 K gives 1.6-4. The four molecules
#: above have .96-1.44: with Hartree/Bohr read as eV/Å .02-.03, with eV/Å read as kcal/mol/Å .04-.06, with kcal/mol/Å
#: read as eV/Å 20-35.
FORCE_RMS_EV_ANG = (0.1, 10.0)

#: Largest force component of a thermal molecule in eV/Å. The sets above stay below 16, also formaldehyde at 2,000 K.
FORCE_MAX_EV_ANG = 100.0

#: |energy| over the all-electron energy of the free atoms. It is 1.01 for total energies, less for valence-only methods
#: and for energies relative to atoms, and cannot be much more: kJ/mol read as kcal/mol gives 4.2, kcal/mol as eV 23.
ENERGY_RATIO_MAX = 1.5

#: Largest distance of a frame's energy from the median, eV per atom. Thermal energy is 3 kT = .26 eV an atom at
#: 1,000 K; a bond is 2-10 eV in all: beyond this a label is broken.
ENERGY_SPREAD_EV = 5.0

_NOBLE_GASES = (2, 10, 18, 36, 54, 86)


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


def check_lengths(labels: LabelSet, what: str) -> None:
    """Refuse positions that cannot be in Å.

    Raises:
        InputError: nuclei collide, or bonds are too short or too long as a whole.
    """
    first, second = np.triu_indices(len(labels.numbers), 1)
    if not len(labels) or not len(first):
        return
    distances = pair_distances(labels.positions, (first, second))
    bonded = ~np.isin(labels.numbers[first], _NOBLE_GASES) & ~np.isin(labels.numbers[second], _NOBLE_GASES)
    if bonded.any():
        radii = covalent_radii[labels.numbers]
        ratio = float(np.median((distances / (radii[first] + radii[second]))[:, bonded].min(axis=1)))
        if not BOND_RATIO[0] <= ratio <= BOND_RATIO[1]:
            row, pair = divmod(int(distances.argmin()), len(first))
            between = "-".join(chemical_symbols[labels.numbers[end[pair]]] for end in (first, second))
            raise InputError(
                f"positions of {what} cannot be in Å: the shortest pair ({between}, frame {labels.frame_id[row]}) is "
                f"{distances[row, pair]:.3g} Å and bonds are {ratio:.2g} of covalent radii (possible: {BOND_RATIO[0]} "
                f"to {BOND_RATIO[1]}): declare the file's length unit (Angstrom, Bohr or nm)"
            )
    closest = distances.min(axis=1)
    worst = int(closest.argmin())
    if closest[worst] < COLLISION_ANG:
        raise InputError(
            f"nuclei of {what} must stay {COLLISION_ANG} Å apart, found {closest[worst]:.3g} Å in frame "
            f"{labels.frame_id[worst]} ({int((closest < COLLISION_ANG).sum())} such frames): remove them"
        )


def check_forces(labels: LabelSet, what: str) -> None:
    """Refuse forces that cannot be in eV/Å.

    Raises:
        InputError: their root mean square is out of bounds, or a single one is.
    """
    if labels.forces is None or not len(labels):
        return
    rms = float(np.sqrt(np.square(labels.forces).mean()))
    if not FORCE_RMS_EV_ANG[0] <= rms <= FORCE_RMS_EV_ANG[1]:
        raise InputError(
            f"forces of {what} cannot be right: their root mean square is {rms:.3g} eV/Å after conversion (thermal "
            f"molecules have {FORCE_RMS_EV_ANG[0]} to {FORCE_RMS_EV_ANG[1]:g}): declare the file's units"
        )
    largest = np.abs(labels.forces).max(axis=(1, 2))
    worst = int(largest.argmax())
    if largest[worst] > FORCE_MAX_EV_ANG:
        raise InputError(
            f"forces of {what} must stay below {FORCE_MAX_EV_ANG:g} eV/Å, found {largest[worst]:.3g} eV/Å in frame "
            f"{labels.frame_id[worst]} ({int((largest > FORCE_MAX_EV_ANG).sum())} such frames): remove or relabel them"
        )


def check_energies(labels: LabelSet, what: str) -> None:
    """Refuse energies that cannot be in eV.

    Raises:
        InputError: they exceed what all electrons of the molecule can have.
    """
    if labels.energy is None or not len(labels):
        return
    energy = float(np.median(np.abs(labels.energy)))
    limit = ENERGY_RATIO_MAX * abs(all_electron_energy_ev(labels.numbers))
    if energy > limit:
        raise InputError(
            f"energies of {what} cannot be right: {energy:.6g} eV after conversion, and the molecule's electrons have "
            f"at most {limit:.3g} eV: declare the file's energy unit"
        )
    distance = np.abs(labels.energy - np.median(labels.energy)) / len(labels.numbers)
    if distance.max() > ENERGY_SPREAD_EV:
        row = int(distance.argmax())
        raise InputError(
            f"energies of {what} must be of one molecule, found {labels.energy[row]:.6g} eV in frame "
            f"{labels.frame_id[row]} and a median of {np.median(labels.energy):.6g} eV: remove or relabel the frame"
        )
    if len(labels) > 1 and not distance.any():
        raise InputError(
            f"energies of {what} must differ between frames, found {labels.energy[0]:g} eV in all: check the key"
        )
