"""ORCA's `.engrad` files: energy, gradient and geometry of one calculation, in atomic units and to the last digit.

ORCA writes one where a calculation with `EnGrad` ends well, for analytic and for numerical gradients (CCSD(T)) alike.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.io.file_units import FileGeometries, FileLabels, FileUnits
from asteroid.io.foreign import foreign_parser
from asteroid.io.label_format import LabelFormat

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.io.declaration import Declaration
    from asteroid.labels.label_set import FloatArray, IntArray

#: Beginnings of the titles of its four parts, and what their numbers are.
_PARTS = {
    "number of atoms": "the number of atoms",
    "the current total energy": "the energy",
    "the current gradient": "the gradient",
    "the atomic numbers and current coord": "the coordinates",
}
_UNITS = FileUnits("Hartree", "Bohr", "Hartree/Bohr", "recognised from ORCA's engrad file, which has atomic units")


def _read(path: Path, declared: Declaration) -> FileLabels:
    del declared  # there is nothing to choose
    numbers, positions, energy, forces = _parsed(path)
    return FileLabels(numbers, positions[None], np.array([energy]), forces[None], convention=_UNITS)


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    del declared
    numbers, positions, _, _ = _parsed(path)
    return FileGeometries(numbers, positions[None], _UNITS.length)


def _parsed(path: Path) -> tuple[IntArray, FloatArray, float, FloatArray]:
    """Atomic numbers [A], positions [A, 3], energy and forces [A, 3] in atomic units.

    Raises:
        InputError: it is no such file, or it ends early.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    rule = f"{path.name} must be an engrad file of ORCA with energy, gradient and coordinates of all atoms"
    with foreign_parser(rule, "run the calculation again"):
        # "#", "# title", "#", then the numbers up to the next "#".
        bodies = [re.search(rf"^# {title}.*\n#\n([^#]*)", text, re.MULTILINE | re.IGNORECASE) for title in _PARTS]
        found = [np.array(body[1].split(), dtype=float) if body is not None else np.empty(0) for body in bodies]
        count, energy, gradient, atoms = found
        n = int(count[0]) if len(count) else 0
        for what, part, size in zip(_PARTS.values(), found, (1, 1, 3 * n, 4 * n), strict=True):
            if len(part) != max(size, 1):
                raise InputError(
                    f"{rule}, found {len(part)} of {max(size, 1)} numbers of {what} (did the job end early?): "
                    "run the calculation again"
                )
        table = atoms.reshape(n, 4)
        numbers = table[:, 0].astype(int)
        if n < 1 or not np.isin(numbers, range(1, 119)).all() or (numbers != table[:, 0]).any():
            raise InputError(f"{rule}, found no atomic numbers: run the calculation again")
        return numbers, table[:, 1:], float(energy[0]), -gradient.reshape(n, 3)


FORMAT = LabelFormat(
    name="engrad file of ORCA",
    read=_read,
    read_geometries=_read_geometries,
    suffixes=(".engrad",),
    length_unit="Bohr",
    several_molecules=False,
)
