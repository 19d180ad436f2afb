"""An exported force field as an ASE calculator: `asteroid_model("model/")`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from asteroid.deploy.folder import read_force_field
from asteroid.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

    from asteroid.deploy.force_field import ForceField, Spread


def asteroid_model(path: str | Path, *, spread: bool = False) -> AsteroidCalculator:
    """Read an exported force field for ASE.

    Args:
        path: folder that 'export' or 'buy' wrote.
        spread: compute the committee's spread at every geometry, as `results["energy_spread"]` in eV and
            `results["forces_spread"]` [A, 3] in eV/Å; else only `AsteroidCalculator.get_spread` does.

    Raises:
        InputError: the folder is none or damaged, its cheap method is not installed, or a spread is asked of a model
            without a committee.
    """
    return AsteroidCalculator(read_force_field(Path(path)), spread=spread)


class AsteroidCalculator(Calculator):
    """Energies in eV and forces in eV/Å of one molecule.

    The first geometry, and any after the atoms have changed, must be of a molecule that the model knows, with its order
    of atoms. Later ones may go where they like: `asteroid-study md` watches whether the model is to be trusted there.

    Args:
        force_field: what predicts.
        spread: compute the committee's spread with every energy.
    """

    implemented_properties = ["energy", "free_energy", "forces"]  # noqa: RUF012 - as ASE declares it

    def __init__(self, force_field: ForceField, *, spread: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if spread and not force_field.committee:
            raise InputError("a spread needs a committee, the model has none: export it with --committee 4")
        self.force_field = force_field
        self._spread = spread
        self._checked: tuple[int, ...] = ()

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = tuple(all_changes),
    ) -> None:
        """Compute energy and forces of a molecule.

        Raises:
            InputError: a periodic box, another molecule, another order of the atoms, atoms on top of each other.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        numbers, positions = self._frame(self.atoms)
        energy, forces = self.force_field.predict(numbers, positions)
        self.results = {"energy": float(energy[0]), "free_energy": float(energy[0]), "forces": forces[0]}
        if self._spread and (found := self.force_field.spread(numbers, positions)) is not None:
            self.results |= {"energy_spread": float(found.energy[0]), "forces_spread": found.forces[0]}

    def get_spread(self, atoms: Atoms) -> Spread | None:
        """How far the committee is apart at a geometry; None without a committee.

        Raises:
            InputError: as `calculate`.
        """
        return self.force_field.spread(*self._frame(atoms))

    def _frame(self, atoms: Any) -> tuple[Any, Any]:
        """Atomic numbers [A] and positions [1, A, 3], looked at where the atoms are new."""
        if np.any(atoms.pbc):
            raise InputError("the model knows free molecules, found a periodic box: set atoms.pbc = False")
        numbers, positions = atoms.numbers, atoms.positions[None]
        atoms_now = tuple(numbers.tolist())
        if atoms_now != self._checked:
            self.force_field.check(np.asarray(numbers, dtype=np.int64), positions)
            self._checked = atoms_now
        return numbers, positions
