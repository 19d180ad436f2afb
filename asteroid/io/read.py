"""Label files in, `LabelSet` out. Units are converted here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError, UndeclaredError
from asteroid.io.declaration import Declaration
from asteroid.io.file_units import decide_units, refuse_several_molecules, unit_notes
from asteroid.io.formats import format_to_read
from asteroid.io.precision import precision_notes
from asteroid.io.stated_units import names_gradients
from asteroid.labels.atom_order import reorder_atoms
from asteroid.labels.label_set import LabelSet
from asteroid.labels.level_names import normalise_level
from asteroid.labels.molecules import formulas, named_difference, one_molecule_without_single_atoms, single_atom_notes
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG, force_unit_in_ev_ang

if TYPE_CHECKING:
    import numpy.typing as npt

    from asteroid.io.electrons import Electrons
    from asteroid.io.file_units import FileLabels, FileUnits


@dataclass(frozen=True, eq=False)
class LoadedLabels:
    """Labels of one file in internal units.

    Attributes:
        labels: the frames.
        units: a sentence that says the file's units and how they are known; always show it to the user.
        notes: what else the user should know, one line each.
        electrons: charge and spin that the file states of all its molecules, or None.
    """

    labels: LabelSet
    units: str
    notes: tuple[str, ...] = ()
    electrons: Electrons | None = None


def read_labels(path: str | Path, declared: Declaration | None = None, *, several: bool = False) -> LoadedLabels:
    """Read the labels of one molecule, or of several, at one level.

    The numbers are not judged here: pass the result to `asteroid.checks.guards.check_labels`.

    Args:
        path: a file of any format of `asteroid.io.formats`, or "md17:" and a name of PyTorch Geometric's `MD17`.
        declared: what the file's user says of it; nothing where the file states all.
        several: take frames that differ in their atoms or in the order of them as a varied set (`LabelSet.varied`).
            Formats that hold one molecule are read as one all the same.

    Returns:
        The labels; those of one molecule have numbers of shape [A], however the file stores them.

    Raises:
        InputError: the file is missing or unreadable, labels or keys are missing, units or level are neither declared
            nor recognised, declarations contradict the file, or frames differ where one molecule is read.
    """
    path, declared = Path(path), declared or Declaration()
    known, source = format_to_read(path), path.name
    notes: tuple[str, ...] = ()
    if declared.forces_are == "forces" and names_gradients(declared.forces_key):
        raise InputError(
            f"forces_key {declared.forces_key!r} of {source} names gradients, the negatives of forces: set forces_are: "
            "gradients, or give the key another name if these are forces"
        )
    file = known.read(path, declared)
    if declared.forces_are == "gradients" and file.forces is not None and file.forces.dtype.kind in "fi":
        file = replace(file, forces=-file.forces)
        notes = (*notes, "gradients turned into forces")
    loaded = convert(file, decide_units(file, source, declared), source, declared.level)
    labels, single = one_molecule_without_single_atoms(loaded.labels)
    notes += single_atom_notes(single)
    if not (several and known.several_molecules):
        refuse_several_molecules(labels, source)
    elif len(formulas(labels)) == 1 and (found := named_difference(labels)) is not None:
        notes = (*notes, f"atoms come in several orders: {found}")
    if declared.atom_order is not None:
        labels = reorder_atoms(labels, declared.atom_order, source)
        notes = (*notes, f"atoms reordered: {list(declared.atom_order)}")
    return replace(loaded, labels=labels, notes=loaded.notes + notes)


def convert(file: FileLabels, units: FileUnits, source: str, level: str | None) -> LoadedLabels:
    """Convert a file's arrays to eV, Å and eV/Å.

    Raises:
        InputError: shapes disagree, values are no numbers, or the level is unknown or contradicts the file.
    """
    slug, notes = _level(file, source, level)
    try:
        labels = LabelSet(
            numbers=file.numbers,
            positions=_numbers(file.positions, "positions") * LENGTH_IN_ANG[units.length],
            energy=_numbers(file.energy, "energies") * ENERGY_IN_EV[units.energy],
            forces=None if file.forces is None else _numbers(file.forces, "forces") * force_unit_in_ev_ang(units.force),
            level=slug,
            cpu_s=None if file.cpu_s is None else _numbers(file.cpu_s, "cpu_s"),
            group=None if file.group is None else file.group,
            **({} if file.frame_id is None else {"frame_id": file.frame_id}),
        )
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    notes += unit_notes(file, units) + precision_notes(file, units)
    return LoadedLabels(labels, units.sentence(), file.notes + notes, file.electrons)


def _level(file: FileLabels, source: str, level: str | None) -> tuple[str, tuple[str, ...]]:
    """Choose the level: the user's, the file's, its source's, or what the file's free text says."""
    stated = normalise_level(file.level) if file.level else None
    from_text = _level_in_text(file.theory)
    if level is not None:
        slug, stated = normalise_level(level), stated or from_text
        if stated is not None and stated != slug:
            raise InputError(f"level {slug} is declared for {source}, which states {stated}: correct one of them")
        return slug, ()
    if stated is not None:
        return stated, ()
    if file.usual_level is not None:
        return file.usual_level, (f"level {file.usual_level}: that of {source}",)
    if from_text is None:
        raise UndeclaredError(
            f"{source} does not state its level of theory: declare level, for instance ccsd_t/cc-pvdz",
            {"level": "ccsd_t/cc-pvdz"},
        )
    return from_text, (f"level {from_text} read from {file.theory!r}",)


def _level_in_text(theory: str) -> str | None:
    """Read "Psi4: CCSD(T), cc-pVTZ" as ccsd_t/cc-pvtz; None where the text has another form."""
    parts = [part.strip() for part in theory.rpartition(":")[2].split(",")]
    if len(parts) != 2 or not all(parts):
        return None
    try:
        return normalise_level("/".join(parts))
    except InputError:
        return None


def _numbers(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.float64]:
    if values.dtype.kind not in "fiu":
        raise InputError(f"{name} must be numbers, found {values.dtype}: check the key")
    return values.astype(np.float64)
