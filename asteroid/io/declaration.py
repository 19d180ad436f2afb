"""What the user of a label file says of it, where the file itself does not: level, units, keys, signs and orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from asteroid.errors import InputError
from asteroid.io.method_names import refuse_keys_of_two_methods

if TYPE_CHECKING:
    from pathlib import Path

ForcesAre = Literal["forces", "gradients"]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What is declared of a label file; every field may be left out where the file states it or has no need of it.

    Attributes:
        level: level of theory.
        energy_unit: unit of the energies.
        length_unit: unit of the positions.
        force_unit: unit of the forces where it is not energy per length (Hartree/Bohr with positions in Å).
        energy_key: where the energies are, when not under a usual key; goes with forces_key.
        forces_key: where the forces are.
        group_key: where the group (replica, time block) of each frame is.
        numbers_key: where the atomic numbers of an npz file are, when not under a usual key.
        positions_key: where its positions are.
        forces: "none" where labels are energies alone; forces that are there are read all the same.
        forces_are: "gradients" where the file holds dE/dx, the negative of the forces.
        vacuum_box: take a molecule out of its periodic box (files that ASE reads).
        atom_order: for each atom its place in the file, where the atoms are to be reordered.
        data_folder: where sets of MD17 are kept; default in the user's cache.
    """

    level: str | None = None
    energy_unit: str | None = None
    length_unit: str | None = None
    force_unit: str | None = None
    energy_key: str | None = None
    forces_key: str | None = None
    group_key: str | None = None
    numbers_key: str | None = None
    positions_key: str | None = None
    forces: Literal["none"] | None = None
    forces_are: ForcesAre = "forces"
    vacuum_box: bool = False
    atom_order: tuple[int, ...] | None = None
    data_folder: Path | None = None

    @property
    def energies_alone(self) -> bool:
        """Whether labels need no forces."""
        return self.forces == "none"

    def label_keys(self, source: str) -> tuple[str, str | None] | None:
        """Keys of energies and forces; None where the usual ones are to be looked for.

        Args:
            source: the file's name for messages.

        Raises:
            InputError: only one of them is named, and labels need both; or they are named after two methods.
        """
        if self.energies_alone and self.energy_key is not None:
            return self.energy_key, self.forces_key
        if self.energy_key is not None and self.forces_key is not None:
            refuse_keys_of_two_methods(self.energy_key, self.forces_key, source)
            return self.energy_key, self.forces_key
        if self.energy_key is None and self.forces_key is None:
            return None
        raise InputError(
            f"energies and forces of {source} must be of one level, only {self.energy_key or self.forces_key} is "
            "named: name both keys, or declare forces: none for energies alone"
        )
