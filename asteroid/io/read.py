"""Label files in, `LabelSet` out. Units are converted here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from asteroid.errors import InputError
from asteroid.io.ase_files import read_ase
from asteroid.io.extxyz import read_extxyz
from asteroid.io.file_units import decide_units, refuse_several_molecules, single_precision, unit_doubts
from asteroid.io.md17 import is_md17, read_md17
from asteroid.io.npz import read_npz, read_sidecar
from asteroid.labels.label_set import LabelSet, normalise_level
from asteroid.labels.molecules import formulas, named_difference
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG, force_unit_in_ev_ang

if TYPE_CHECKING:
    import numpy.typing as npt

    from asteroid.io.file_units import FileLabels, FileUnits

ForcesAre = Literal["forces", "gradients"]


@dataclass(frozen=True, eq=False)
class LoadedLabels:
    """Labels of one file in internal units.

    Attributes:
        labels: the frames.
        units: a sentence that says the file's units and how they are known; always show it to the user.
        notes: what else the user should know, one line each.
    """

    labels: LabelSet
    units: str
    notes: tuple[str, ...] = ()


def read_labels(
    path: str | Path,
    *,
    level: str | None,
    energy_unit: str | None = None,
    length_unit: str | None = None,
    force_unit: str | None = None,
    energy_key: str | None = None,
    forces_key: str | None = None,
    group_key: str | None = None,
    forces_are: ForcesAre = "forces",
    vacuum_box: bool = False,
    data_folder: Path | None = None,
    several: bool = False,
) -> LoadedLabels:
    """Read the labels of one molecule, or of several, at one level.

    Reads npz (sGDML and MD17; revised MD17; the flattened layout of ASTEROID's reference code; this project's own;
    arrays under named keys), extended XYZ, ASE databases, every file that ASE reads, and sets of MD17 by name. The
    numbers are not judged here: pass the result to `asteroid.checks.guards.check_labels`.

    Args:
        path: a file, or "md17:" and a name of PyTorch Geometric's `MD17`.
        level: level of theory; may be None where the file states it.
        energy_unit: declared unit of the energies; None to trust the file.
        length_unit: declared unit of the positions; None to trust the file.
        force_unit: declared unit of the forces where it is not energy per length (Hartree/Bohr with positions in Å).
        energy_key: where the energies are, when not under a usual key; goes with forces_key.
        forces_key: where the forces are.
        group_key: where the group (replica, time block) of each frame is.
        forces_are: "gradients" where the file holds dE/dx, the negative of the forces.
        vacuum_box: take a molecule out of its periodic box (files that ASE reads).
        data_folder: where sets of MD17 are kept; default in the user's cache.
        several: take frames that differ in their atoms or in the order of them as a varied set (`LabelSet.varied`); a
            set of MD17 by name is always one molecule.

    Returns:
        The labels; those of one molecule have numbers of shape [A], however the file stores them.

    Raises:
        InputError: the file is missing or unreadable, labels or keys are missing, units or level are neither declared
            nor recognised, declarations contradict the file, or frames differ where one molecule is read.
    """
    keys = {"energy_key": energy_key, "forces_key": forces_key, "group_key": group_key}
    what = Path(path).name
    notes: tuple[str, ...] = ()
    if is_md17(path):
        file, usual_level = read_md17(str(path), data_folder, **keys)
        if level is None and file.level is None:
            level, notes = usual_level, (f"level {usual_level}: that of {what}",)
    else:
        file = _read_file(Path(path), keys, vacuum_box=vacuum_box)
    if forces_are == "gradients" and file.forces.dtype.kind in "fi":
        file = replace(file, forces=-file.forces)
        notes = (*notes, "gradients turned into forces")
    units = decide_units(file, what, energy_unit, length_unit, force_unit)
    loaded = convert(file, units, what, level)
    if not several or is_md17(path):
        refuse_several_molecules(loaded.labels, what)
    elif len(formulas(loaded.labels)) == 1 and (found := named_difference(loaded.labels)) is not None:
        notes = (*notes, f"atoms come in several orders: {found}")
    return replace(loaded, notes=loaded.notes + notes)


def _read_file(path: Path, keys: dict[str, str | None], *, vacuum_box: bool) -> FileLabels:
    if not path.is_file():
        raise InputError(f"a label file must exist, found no file {str(path)!r}: correct the path")
    suffix = path.suffix.lower()
    if suffix != ".npz":
        return (read_extxyz if suffix in (".xyz", ".extxyz") else read_ase)(path, **keys, vacuum_box=vacuum_box)
    if vacuum_box:
        raise InputError(f"vacuum_box is for files with a cell, found {path.name}: remove it")
    with path.open("rb") as source:
        return read_npz(source, path.name, read_sidecar(path), **keys)


def convert(file: FileLabels, units: FileUnits, what: str, level: str | None) -> LoadedLabels:
    """Convert a file's arrays to eV, Å and eV/Å.

    Raises:
        InputError: shapes disagree, values are no numbers, or the level is unknown or contradicts the file.
    """
    slug, notes = _level(file, what, level)
    try:
        labels = LabelSet(
            numbers=file.numbers,
            positions=_numbers(file.positions, "positions") * LENGTH_IN_ANG[units.length],
            energy=_numbers(file.energy, "energies") * ENERGY_IN_EV[units.energy],
            forces=_numbers(file.forces, "forces") * force_unit_in_ev_ang(units.force),
            level=slug,
            cpu_s=None if file.cpu_s is None else _numbers(file.cpu_s, "cpu_s"),
            group=None if file.group is None else file.group,
            **({} if file.frame_id is None else {"frame_id": file.frame_id}),
        )
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
    doubts = unit_doubts(file, units) + single_precision(file, units)
    return LoadedLabels(labels=labels, units=units.sentence(), notes=file.notes + notes + doubts)


def _level(file: FileLabels, what: str, level: str | None) -> tuple[str, tuple[str, ...]]:
    """Choose the level: the caller's, the file's, or what the file's free text says."""
    stated = normalise_level(file.level) if file.level else None
    if level is not None:
        slug = normalise_level(level)
        if stated is not None and stated != slug:
            raise InputError(f"level {slug} is declared for {what}, which states {stated}: correct one of them")
        return slug, ()
    if stated is not None:
        return stated, ()
    from_text = _level_in_text(file.theory)
    if from_text is None:
        raise InputError(f"{what} does not state its level of theory: declare level, for instance ccsd_t/cc-pvdz")
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
