"""A label from a geometry: one energy and its forces at a level of theory, with the CPU seconds that they took.

Nothing here knows of files or of other processes: `study.labelling.label_run` keeps labels and spreads the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.labelling.electrons import check_electrons
from asteroid.labelling.levels import parse_parts, refuse_missing_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.labelling.labeller import Labeller, Method
    from asteroid.labelling.program import Level
    from asteroid.labels.label_set import FloatArray, IntArray


def open_labeller(method: Method, numbers: IntArray, reference: FloatArray, *, each_anew: bool = True) -> Labeller:
    """Make the function that labels geometries of one molecule. Everything slow to load is loaded here.

    Of a sum of levels (`asteroid.labels.level_names`) every part is computed, and charge and settings are all parts'.

    Args:
        method: level, charge and settings.
        numbers: atomic numbers [A].
        reference: frames [N, A, 3] in Å off which force fields read the bonds.
        each_anew: an ASE calculator for each geometry, so that no label depends on the one before; else one for all.

    Raises:
        InputError: no such level, its program is missing, it does not suit the molecule, or the calculator cannot be
            imported.
    """
    if method.calculator is not None:
        from asteroid.labelling.ase_labeller import ase_labeller

        return _as_asked(method, ase_labeller(method, numbers, each_anew=each_anew))
    parts = parse_parts(method.level)
    for part in parts:
        refuse_missing_program(part.level)
        check_electrons(method, part.level, numbers)
    labellers = [_of_level(method, part.level, numbers, reference, each_anew=each_anew) for part in parts]
    return _as_asked(method, labellers[0] if len(parts) == 1 else _sum([part.sign for part in parts], labellers))


def _as_asked(method: Method, labeller: Labeller) -> Labeller:
    """A labeller that leaves out the forces of programs that compute them all the same, where energies are wanted."""
    return (lambda positions: (labeller(positions)[0], None)) if method.energies_alone else labeller


def _of_level(method: Method, level: Level, numbers: IntArray, reference: FloatArray, *, each_anew: bool) -> Labeller:
    of_steps = level.program.labeller_of_steps
    if each_anew or of_steps is None:
        return level.program.labeller(method, level, numbers, reference)
    return of_steps(method, level, numbers)


def _sum(signs: Sequence[int], labellers: Sequence[Labeller]) -> Labeller:
    """Energies and forces of several levels, added up; one that does not converge leaves no label."""

    def label(positions: FloatArray) -> tuple[float, FloatArray | None]:
        energy, forces = 0.0, np.zeros_like(positions)
        alone = False
        for sign, labeller in zip(signs, labellers, strict=True):
            own_energy, own_forces = labeller(positions)
            energy += sign * own_energy
            if own_forces is None:
                alone = True
            else:
                forces = forces + sign * own_forces
        return energy, None if alone else forces

    return label
