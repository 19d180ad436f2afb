"""Whether numbers can be what their unit says: bounds from physics, wide enough for molecules, narrow enough for slips.

A slip of units changes lengths by 1.9 (Bohr) or 10 (nm), forces by 23 (kcal/mol), 51 (Hartree/Bohr) or more. A slip of
4.2 (kJ/mol for kcal/mol) is inside the bounds of the forces and shows only where total energies come out too large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from asteroid.errors import InputError
from asteroid.labels.compositions import by_composition, frame_name, listed, place_of, remedy_of
from asteroid.labels.fingerprints import pair_distances, rows_at_a_time
from asteroid.labels.molecules import split_molecules
from asteroid.labels.total_energy import all_electron_energy_ev, is_total_energy

if TYPE_CHECKING:
    from asteroid.labels.compositions import Composition
    from asteroid.labels.label_set import BoolArray, FloatArray, LabelSet


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


#: Frames from which the size of one molecule's forces tells their unit: a few may all be strained.
_FRAMES_MIN = 10


#: In a varied set so many more energies than molecules must be all the same to be no coincidence of rounded numbers.
_SAME_ENERGIES = 4


_NOBLE_GASES = (2, 10, 18, 36, 54, 86)


def check_lengths(labels: LabelSet, source: str, *, remedy: str = "") -> None:
    """Refuse positions that cannot be in Å.

    Args:
        labels: the frames; labels are not needed.
        source: a name for messages.
        remedy: what to do where lengths have another unit; empty: declare it.

    Raises:
        InputError: nuclei collide, or bonds of a molecule are too short or too long as a whole.
    """
    closest, bond = shortest_distances(labels)
    if np.isinf(closest).all():
        return
    judged = [c for c in by_composition(labels).values() if not np.isinf(bond[c.rows]).all()]
    ratios = [float(np.median(bond[composition.rows])) for composition in judged]
    found = [c for c, ratio in zip(judged, ratios, strict=True) if not BOND_RATIO[0] <= ratio <= BOND_RATIO[1]]
    if found:
        first, ratio = found[0], ratios[judged.index(found[0])]
        row = first.rows[int(closest[first.rows].argmin())]
        raise InputError(
            f"positions of {place_of(found, labels, source)} cannot be in Å: the shortest pair "
            f"({_shortest_pair(labels, row)}, frame {frame_name(labels, row)}) is {closest[row]:.3g} Å and bonds are "
            f"{ratio:.2g} of covalent radii (possible: {BOND_RATIO[0]} to {BOND_RATIO[1]}): "
            + remedy_of(found, judged, remedy or "declare the file's length unit (Angstrom, Bohr or nm)")
        )
    worst = int(closest.argmin())
    if closest[worst] < COLLISION_ANG:
        raise InputError(
            f"nuclei of {source} must stay {COLLISION_ANG} Å apart, found {closest[worst]:.3g} Å in frame "
            f"{frame_name(labels, worst)} ({_such_frames(closest < COLLISION_ANG)}): remove them, or set "
            "outliers: drop"
        )


def check_forces(labels: LabelSet, source: str) -> None:
    """Refuse forces that cannot be in eV/Å.

    Relaxed frames have next to none, so that of several molecules only all together can have too small forces.

    Raises:
        InputError: their root mean square over all atoms, or over those of a molecule with enough frames, is out of
            bounds, or a single one is.
    """
    if labels.forces is None or not len(labels):
        return
    where, remedy = source, "declare the file's units"
    # The median frame, not the mean over frames: a single broken one has a message of its own.
    of_frame = np.sqrt(np.square(labels.forces).sum(axis=(1, 2)) / (3 * labels.n_atoms))
    rms = float(np.median(of_frame))
    if labels.varied:
        of_atoms = labels.forces[labels.numbers > 0]
        rms = float(np.sqrt(np.square(of_atoms).mean()))
        many = [c for c in by_composition(labels).values() if len(c.rows) >= _FRAMES_MIN]
        if found := [c for c in many if np.median(of_frame[c.rows]) > FORCE_RMS_EV_ANG[1]]:
            remedy = remedy_of(found, many, remedy)
            where, rms = place_of(found, labels, source), float(np.median(of_frame[found[0].rows]))
    if not FORCE_RMS_EV_ANG[0] <= rms <= FORCE_RMS_EV_ANG[1]:
        raise InputError(
            f"forces of {where} cannot be right: their root mean square is {rms:.3g} eV/Å after conversion (thermal "
            f"molecules have {FORCE_RMS_EV_ANG[0]} to {FORCE_RMS_EV_ANG[1]:g}): {remedy}"
        )
    largest = np.abs(labels.forces).max(axis=(1, 2))
    worst = int(largest.argmax())
    if largest[worst] > FORCE_MAX_EV_ANG:
        raise InputError(
            f"forces of {source} must stay below {FORCE_MAX_EV_ANG:g} eV/Å, found {largest[worst]:.3g} eV/Å in frame "
            f"{frame_name(labels, worst)} ({_such_frames(largest > FORCE_MAX_EV_ANG)}): remove or relabel them, or "
            "set outliers: drop"
        )


def check_energies(labels: LabelSet, source: str) -> None:
    """Refuse energies that cannot be in eV.

    Raises:
        InputError: those of a molecule exceed what all its electrons can have, one lies far from the others of its
            molecule, or they are all the same.
    """
    if labels.energy is None or not len(labels):
        return
    compositions = list(by_composition(labels).values())
    energy = [float(np.median(np.abs(labels.energy[c.rows]))) for c in compositions]
    limit = [ENERGY_RATIO_MAX * abs(all_electron_energy_ev(c.numbers)) for c in compositions]
    if found := [i for i in range(len(compositions)) if energy[i] > limit[i]]:
        first, several = found[0], [compositions[i] for i in found]
        whose = f"the electrons of {several[0].formula}" if labels.varied else "the molecule's electrons"
        raise InputError(
            f"energies of {place_of(several, labels, source)} cannot be right: {energy[first]:.6g} eV after "
            f"conversion, and {whose} have at most {limit[first]:.3g} eV: "
            + remedy_of(several, compositions, "declare the file's energy unit")
        )
    constant = []
    for composition in compositions:
        own = labels.energy[composition.rows]
        distance = np.abs(own - np.median(own)) / len(composition.numbers)
        if distance.max() > ENERGY_SPREAD_EV:
            row = int(composition.rows[distance.argmax()])
            raise InputError(
                f"energies of {place_of([composition], labels, source)} must be of one molecule, found "
                f"{labels.energy[row]:.6g} eV in frame {frame_name(labels, row)} and a median of {np.median(own):.6g} "
                "eV: remove or relabel the frame, or set outliers: drop"
            )
        if len(own) > 1 and not distance.any():
            constant.append(composition)
    _refuse_constant_energies(labels, compositions, constant, source)


def energy_zero_notes(labels: LabelSet) -> tuple[str, ...]:
    """A note where some molecules of a set have total energies and others have not: two zeros learn as nonsense."""
    if not labels.varied or labels.energy is None:
        return ()
    # The estimate is 8 % off for H alone.
    known = [c for c in by_composition(labels).values() if c.numbers[-1] > 1]
    total = [is_total_energy(float(np.median(labels.energy[c.rows])), c.numbers) for c in known]
    others = [c.formula for c, is_total in zip(known, total, strict=True) if not is_total]
    if not others or len(others) == len(known):
        return ()
    n = len(known) - len(others)
    whose = [c.formula for c, is_total in zip(known, total, strict=True) if is_total]
    which = f"{n} molecules are total energies" if n > 1 else f"{whose[0]} are total energies"
    return (
        f"energies of {which}, those of {listed(others, len(others))} are not: all need one zero (core potentials "
        "would explain it too)",
    )


def _such_frames(found: BoolArray) -> str:
    n = int(found.sum())
    return f"{n} such frame{'s' if n > 1 else ''}"


def _refuse_constant_energies(
    labels: LabelSet, compositions: list[Composition], constant: list[Composition], source: str
) -> None:
    """Refuse energies that are the same in all frames, of the set or of a molecule with many frames."""
    assert labels.energy is not None
    found = constant if len(constant) == sum(len(c.rows) > 1 for c in compositions) else []
    if labels.varied:
        found = found or [c for c in constant if len(c.rows) > _SAME_ENERGIES]
        if len(compositions) > 1 and np.ptp(labels.energy) == 0:
            found = compositions
        if found is not compositions and sum(len(c.rows) - 1 for c in found) < _SAME_ENERGIES:
            found = []
    if found:
        raise InputError(
            f"energies of {place_of(found, labels, source)} must differ between frames, found "
            f"{labels.energy[found[0].rows[0]]:g} eV in all{_of_first(found)}: check the key"
        )


def _of_first(found: list[Composition]) -> str:
    return f" of {found[0].formula}" if len(found) > 1 else ""


def shortest_distances(labels: LabelSet) -> tuple[FloatArray, FloatArray]:
    """Each frame's shortest pair distance in Å and over covalent radii; infinite where there is none.

    Noble gases have no covalent distance.
    """
    closest, bond = np.full(len(labels), np.inf), np.full(len(labels), np.inf)
    for molecule in split_molecules(labels):
        closest[molecule.rows], bond[molecule.rows] = _shortest(molecule.labels)
    return closest, bond


def _shortest(labels: LabelSet) -> tuple[FloatArray, FloatArray]:
    """The same of one molecule."""
    first, second = np.triu_indices(len(labels.numbers), 1)
    if not len(labels) or not len(first):
        return np.full(len(labels), np.inf), np.full(len(labels), np.inf)
    bonded = ~np.isin(labels.numbers[first], _NOBLE_GASES) & ~np.isin(labels.numbers[second], _NOBLE_GASES)
    radii = covalent_radii[labels.numbers]
    covalent = (radii[first] + radii[second])[bonded]
    closest, bond = np.empty(len(labels)), np.empty(len(labels))
    rows = rows_at_a_time(len(first), len(labels))
    for at in range(0, len(labels), rows):
        block = slice(at, at + rows)
        distances = pair_distances(labels.positions[block], (first, second))
        closest[block] = distances.min(axis=1)
        bond[block] = (distances[:, bonded] / covalent).min(axis=1, initial=np.inf)
    return closest, bond


def _shortest_pair(labels: LabelSet, row: int) -> str:
    """Elements of the closest pair of a frame's atoms, such as O-H."""
    numbers = labels.numbers[row][labels.numbers[row] > 0] if labels.varied else labels.numbers
    first, second = np.triu_indices(len(numbers), 1)
    pair = int(pair_distances(labels.positions[row : row + 1], (first, second)).argmin())
    return "-".join(chemical_symbols[numbers[end[pair]]] for end in (first, second))
