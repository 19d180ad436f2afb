"""A label from a geometry: one energy and its forces at a level of theory, with the CPU seconds that they took.

Nothing here knows of files or of other processes: `study.labelling.label_run` keeps labels and spreads the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.labelling.electrons import check_electrons
from asteroid.labelling.levels import parse_level, refuse_missing_program

if TYPE_CHECKING:
    from asteroid.labelling.labeller import Labeller, Method
    from asteroid.labels.label_set import FloatArray, IntArray


def open_labeller(method: Method, numbers: IntArray, reference: FloatArray, *, each_anew: bool = True) -> Labeller:
    """Make the function that labels geometries of one molecule. Everything slow to load is loaded here.

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

        return ase_labeller(method, numbers, each_anew=each_anew)
    level = parse_level(method.level)
    refuse_missing_program(level)
    check_electrons(method, level, numbers)
    return level.program.labeller(method, level, numbers, reference)
