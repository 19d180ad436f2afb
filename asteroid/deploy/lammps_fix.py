"""Forces of an exported model in LAMMPS, through its `fix external`: https://docs.lammps.org/fix_external.html."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.deploy.folder import read_force_field
from asteroid.errors import InputError

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray


def use_in_lammps(lammps: Any, path: str | Path, fix: str = "asteroid_forces") -> None:
    """Make an exported model the force field of a LAMMPS instance, which has its atoms already.

    The box holds one molecule in `units metal` (eV, Å), whole and not wrapped; atom k of LAMMPS is the model's atom k.
    The energy counts as potential energy of the system.

    Args:
        lammps: a `lammps.lammps` object.
        path: folder of the exported model.
        fix: name of the fix that is made.

    Raises:
        InputError: other units, or another number of atoms than the model's.
    """
    force_field = read_force_field(Path(path))
    numbers = force_field.trained_on.numbers
    if numbers.ndim != 1:
        raise InputError("LAMMPS is driven with models of one molecule, found one of several: use ASE")
    if lammps.extract_global("units") != "metal":
        raise InputError(f"the model needs 'units metal', found {lammps.extract_global('units')}: change the input")
    if lammps.get_natoms() != len(numbers):
        raise InputError(f"the model has {len(numbers)} atoms, found {lammps.get_natoms()}: one molecule in a box")

    def give_forces(_: Any, __: int, ___: int, tag: IntArray, x: FloatArray, f: FloatArray) -> None:
        place = np.asarray(tag) - 1
        positions = np.empty(x.shape)
        positions[place] = x
        energy, forces = force_field.predict(numbers, positions[None])
        f[:] = forces[0][place]
        lammps.fix_external_set_energy_global(fix, float(energy[0]))

    lammps.command(f"fix {fix} all external pf/callback 1 1")
    lammps.set_fix_external_callback(fix, give_forces, None)
    lammps.command(f"fix_modify {fix} energy yes")
