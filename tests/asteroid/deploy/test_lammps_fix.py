"""Forces handed to LAMMPS: in its own order of atoms, with the energy; other systems are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from exported_methanol import force_field, frames

from asteroid.deploy.folder import write_force_field
from asteroid.deploy.lammps_fix import use_in_lammps
from asteroid.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


class FakeLammps:
    """What of LAMMPS's Python interface is called."""

    def __init__(self, natoms: int = 6, units: str = "metal") -> None:
        self.natoms, self.units = natoms, units
        self.commands: list[str] = []
        self.energy = 0.0
        self.callback: Any = None

    def extract_global(self, name: str) -> str:
        assert name == "units"
        return self.units

    def get_natoms(self) -> int:
        return self.natoms

    def command(self, line: str) -> None:
        self.commands.append(line)

    def set_fix_external_callback(self, _: str, callback: Any, __: Any) -> None:
        self.callback = callback

    def fix_external_set_energy_global(self, _: str, energy: float) -> None:
        self.energy = energy


def test_forces_come_back_in_the_order_of_the_tags(tmp_path: Path) -> None:
    field, known = force_field(1), frames()
    write_force_field(field, tmp_path / "model")
    lammps = FakeLammps()
    use_in_lammps(lammps, tmp_path / "model")
    order = np.array([3, 0, 5, 1, 2, 4])
    found = np.zeros((6, 3))
    lammps.callback(None, 0, 6, order + 1, known.positions[2][order], found)
    energy, forces = field.predict(known.numbers, known.positions[2:3])
    assert np.array_equal(found, forces[0][order])
    assert lammps.energy == energy[0]
    assert lammps.commands[0] == "fix asteroid_forces all external pf/callback 1 1"
    for other in (FakeLammps(natoms=7), FakeLammps(units="real")):
        with pytest.raises(InputError, match=r"one molecule in a box|units metal"):
            use_in_lammps(other, tmp_path / "model")
