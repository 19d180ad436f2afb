"""Label files in, `LabelSet` out. Units are converted here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.extxyz_labels import read_extxyz
from asteroid.file_labels import decide_units, unit_doubts
from asteroid.labels import LabelSet, normalise_level
from asteroid.npz_labels import read_npz, read_sidecar
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG, force_unit_in_ev_ang

if TYPE_CHECKING:
    import numpy.typing as npt

    from asteroid.file_labels import FileLabels, FileUnits


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
) -> LoadedLabels:
    """Read the labels of one molecule at one level.

    Reads npz (sGDML and MD17; revised MD17; this project's own with a `<stem>.meta.json`; arrays under named keys) and
    extended XYZ. The numbers are not judged here: pass the result to `asteroid.guards.check_labels`.

    Args:
        path: a file ending in .npz, .xyz or .extxyz.
        level: level of theory; may be None where the file states it.
        energy_unit: declared unit of the energies; None to trust the file.
        length_unit: declared unit of the positions; None to trust the file.
        force_unit: declared unit of the forces where it is not energy per length (Hartree/Bohr with positions in Å).
        energy_key: where the energies are, when not under a usual key; goes with forces_key.
        forces_key: where the forces are.
        group_key: where the group (replica, time block) of each frame is.

    Raises:
        InputError: the file is missing or unreadable, labels or keys are missing, units or level are neither declared
            nor recognised, or declarations contradict the file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"a label file must exist, found no file {str(path)!r}: correct the path")
    keys = {"energy_key": energy_key, "forces_key": forces_key, "group_key": group_key}
    suffix = path.suffix.lower()
    if suffix == ".npz":
        with path.open("rb") as source:
            file = read_npz(source, path.name, read_sidecar(path), **keys)
    elif suffix in (".xyz", ".extxyz"):
        file = read_extxyz(path, **keys)
    else:
        raise InputError(f"labels are read from .npz, .xyz or .extxyz, found {path.name!r}: convert the file")
    units = decide_units(file, path.name, energy_unit, length_unit, force_unit)
    return convert(file, units, path.name, level)


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
    return LoadedLabels(labels=labels, units=units.sentence(), notes=file.notes + notes + unit_doubts(file, units))


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
