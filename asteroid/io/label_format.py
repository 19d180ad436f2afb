"""What a format of label files is: which names it has, how it is read and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.io.electrons import Electrons

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.io.declaration import Declaration
    from asteroid.io.file_units import FileGeometries, FileLabels
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import LabelSet
    from asteroid.labels.selection_rule import SelectionRule


@dataclass(frozen=True, kw_only=True)
class LabelFormat:
    """A format; all that the rest of the project knows of it.

    Attributes:
        name: what messages call it.
        read: labels as they stand in a file, from its path and what its user declares.
        read_geometries: the same for frames whose labels are left aside.
        suffixes: endings of file names, in lower case with their dots; none for `prefix` and for what ASE recognises.
        read_suffixes: endings that are read beside these, such as those of compressed files.
        prefix: beginning of names that are no paths.
        write: writes labels, how they were chosen where that is known, and charge and spin to a path, replacing what
            is there; None for formats that are only read.
        selection_rule: how the frames of a file were chosen, as the file states it; "" where it does not.
        length_unit: the unit of length that every file has; None where files differ.
        sidecar_states_units: whether a sidecar `<stem>.meta.json` of such a file states its units and level.
        electrons: charge and multiplicity that a file of geometries states.
        several_molecules: whether a file can hold several molecules.
    """

    name: str
    read: Callable[[Path, Declaration], FileLabels]
    read_geometries: Callable[[Path, Declaration], FileGeometries]
    suffixes: tuple[str, ...] = ()
    read_suffixes: tuple[str, ...] = ()
    prefix: str | None = None
    write: Callable[[LabelSet, Path, SelectionRule | None, ChargeAndSpin], None] | None = None
    selection_rule: Callable[[Path], str] = lambda _: ""
    length_unit: str | None = None
    sidecar_states_units: bool = False
    electrons: Callable[[Path], Electrons] = lambda _: Electrons()
    several_molecules: bool = True

    def has_name(self, path: Path) -> bool:
        """Whether a file of that name is of this format."""
        if self.prefix is not None:
            return str(path).startswith(self.prefix)
        return path.suffix.lower() in self.suffixes or path.name.lower().endswith(self.read_suffixes)
