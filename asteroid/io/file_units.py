"""Labels as a file holds them, and in which units: declared, or recognised for a stated reason, or refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError, UndeclaredError
from asteroid.labels.molecules import formulas, named_difference
from asteroid.labels.total_energy import all_electron_energy_ev, is_total_energy
from asteroid.units import ENERGY_IN_EV, energy_unit, force_unit_in_ev_ang, length_unit, plain_unit

if TYPE_CHECKING:
    import numpy.typing as npt

    from asteroid.io.declaration import Declaration
    from asteroid.io.electrons import Electrons
    from asteroid.labels.label_set import LabelSet

_FOR_EXAMPLE = {"energy_unit": "kcal/mol", "length_unit": "Angstrom"}
_REMEDY = f"declare them, for instance {', '.join(f'{key}: {unit}' for key, unit in _FOR_EXAMPLE.items())}"


@dataclass(frozen=True)
class FileUnits:
    """Units of a file's numbers and the reason to believe them.

    Attributes:
        energy: canonical name of the energy unit.
        length: canonical name of the length unit.
        force: unit of the forces, such as "kcal/mol/Angstrom".
        how: "declared ..." or "recognised ...".
    """

    energy: str
    length: str
    force: str
    how: str

    def sentence(self) -> str:
        """Say which units and how they are known."""
        return f"energies in {self.energy}, lengths in {self.length}, forces in {self.force}: {self.how}"


@dataclass(frozen=True)
class StatedUnits:
    """Units that a file states of some of its numbers (`asteroid.io.stated_units`).

    Attributes:
        energy: canonical name of the energy unit, or None where nothing is said.
        length: canonical name of the length unit, or None.
        force: unit of the forces, or None.
        where: where the file says so.
    """

    energy: str | None = None
    length: str | None = None
    force: str | None = None
    where: str = ""


@dataclass(frozen=True, eq=False)
class FileLabels:
    """Arrays as they stand in a file, in the file's units; those of several molecules are padded with zeros.

    Attributes:
        numbers: atomic numbers, shape [A]; where frames differ in their atoms or the order of them, one row for each,
            shape [N, A], with zeros behind the atoms of a smaller frame and A the atoms of the largest.
        positions: coordinates, shape [N, A, 3]; zero where a frame has no atom.
        energy: energies, shape [N].
        forces: forces, shape [N, A, 3]; zero where a frame has no atom; None where labels are energies alone.
        level: the level that the file states, or None.
        usual_level: level of the source that the file is from, where the file states none, or None.
        theory: free text about the level where there is no more, or "".
        declared: units that the file states, or None.
        stated: units that it states in passing and of some of its numbers only, or None.
        convention: units that files of this layout have by custom, or None.
        needs_total_energy: whether the custom holds only where the energies turn out to be total energies.
        frame_id: frame numbers, shape [N], or None.
        group: replica or time block, shape [N], or None.
        cpu_s: measured CPU seconds of each label, shape [N], or None.
        electrons: charge and spin that the file states of all its molecules, or None.
        notes: what else the reader should know.
    """

    numbers: npt.NDArray[Any]
    positions: npt.NDArray[Any]
    energy: npt.NDArray[Any]
    forces: npt.NDArray[Any] | None
    level: str | None = None
    usual_level: str | None = None
    theory: str = ""
    declared: FileUnits | None = None
    stated: StatedUnits | None = None
    convention: FileUnits | None = None
    needs_total_energy: bool = False
    frame_id: npt.NDArray[Any] | None = None
    group: npt.NDArray[Any] | None = None
    cpu_s: npt.NDArray[Any] | None = None
    electrons: Electrons | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class FileGeometries:
    """Geometries as they stand in a file; those of several molecules are padded with zeros.

    Attributes:
        numbers: atomic numbers, in the shapes of `FileLabels`.
        positions: coordinates, shape [N, A, 3]; zero where a frame has no atom.
        length_unit: unit of the positions.
        group: replica or time block, shape [N], or None.
    """

    numbers: npt.NDArray[Any]
    positions: npt.NDArray[Any]
    length_unit: str
    group: npt.NDArray[Any] | None = None


def one_row_for_all(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Atomic numbers as `FileLabels` has them: the one row, shape [A], where all of [N, A] are the same."""
    return np.asarray(rows[0]) if len(rows) and (rows == rows[0]).all() else rows


def refuse_several_molecules(labels: LabelSet, source: str) -> None:
    """Refuse a file of several molecules, or of one in several orders of its atoms, where one molecule is read.

    Raises:
        InputError: the frames differ; the message names two of them and how many frames each formula has.
    """
    found = named_difference(labels)
    if found is None:
        return
    remedy = "write the atoms of every frame in one order" if len(formulas(labels)) == 1 else "write one file for each"
    raise InputError(f"frames of {source} must be one molecule with one order of atoms, found {found}: {remedy}")


def named_units(energy: str, length: str, force: str | None, how: str) -> FileUnits:
    """Units by their canonical names; forces are in energy per length where nothing else is said.

    Raises:
        InputError: a unit is not known.
    """
    energy, length = energy_unit(energy), length_unit(length)
    if force is None:
        return FileUnits(energy, length, f"{energy}/{length}", how)
    force_unit_in_ev_ang(force)
    force_energy, _, force_length = plain_unit(force).rpartition("/")
    return FileUnits(energy, length, f"{energy_unit(force_energy)}/{length_unit(force_length)}", how)


def decide_units(file: FileLabels, source: str, declared: Declaration) -> FileUnits:
    """Choose the units of a file: the user's declaration, else the file's own, else the custom of its layout.

    Args:
        file: the labels and what is known of their units.
        source: the file's name for messages.
        declared: what the file's user says of it.

    Raises:
        InputError: nothing is declared or recognised, a unit is unknown, or two declarations differ.
    """
    energy, length, force = declared.energy_unit, declared.length_unit, declared.force_unit
    known = file.declared or _recognised(file)
    if file.stated is not None and file.declared is None:
        known = _with_stated(known, file.stated, source, declared)
    if energy is None and length is None and force is None:
        if known is None:
            raise UndeclaredError(f"{source} states no units{_why_not_recognised(file)}: {_REMEDY}", _FOR_EXAMPLE)
        _refuse_contradiction(known, file.stated, source)
        if known == file.convention:
            _refuse_another_total(file, known, source)
        return known
    if known is None and (energy is None or length is None):
        missing = "energy" if energy is None else "length"
        key = f"{missing}_unit"
        raise UndeclaredError(
            f"{source} needs an energy and a length unit, no {missing} unit is declared: {_REMEDY}",
            {key: _FOR_EXAMPLE[key]},
        )
    if force is None and file.stated is not None:
        force = file.stated.force
    given = named_units(
        energy or (known.energy if known else ""), length or (known.length if known else ""), force, "declared"
    )
    _refuse_contradiction(given, file.stated, source)
    if file.declared is not None and replace(given, how="") != replace(file.declared, how=""):
        raise InputError(
            f"units of {source} are stated twice and differ: {file.declared.energy}, {file.declared.length}, "
            f"{file.declared.force} ({file.declared.how}) or {given.energy}, {given.length}, {given.force}: correct one"
        )
    return given


def _with_stated(known: FileUnits | None, stated: StatedUnits, source: str, declared: Declaration) -> FileUnits | None:
    """Units of a file that states some of them, the others by its custom as far as that still holds.

    Raises:
        InputError: only the forces' unit is stated, and it is not the custom's.
    """
    energy, length = stated.energy, stated.length
    if energy is None and length is None:
        if known is None or known.force == stated.force or declared.energy_unit is not None:
            return known
        raise InputError(
            f"{source} states forces in {stated.force} ({stated.where}) and no unit of its energies: declare "
            "energy_unit and length_unit"
        )
    if known is not None:
        length = length or known.length
        if energy is None and (length == known.length or stated.force is not None):
            energy = known.energy  # of the custom, or told by a unit of forces that is checked below
    energy, length = energy or declared.energy_unit, length or declared.length_unit
    if energy is None or length is None:
        return None
    return named_units(energy, length, stated.force, f"stated in {stated.where}")


def _refuse_contradiction(units: FileUnits, stated: StatedUnits | None, source: str) -> None:
    """Refuse units that are not those that the file states.

    Raises:
        InputError: one of them differs.
    """
    if stated is None:
        return
    pairs = ((stated.energy, units.energy), (stated.length, units.length), (stated.force, units.force))
    for said, taken in pairs:
        if said is not None and said != taken:
            raise InputError(
                f"units of {source} are stated twice and differ: {said} in {stated.where}, {taken} ({units.how}): "
                "correct or remove one"
            )


def _refuse_another_total(file: FileLabels, units: FileUnits, source: str) -> None:
    """Refuse the custom of a layout where the energies would be total energies in another unit.

    Raises:
        UndeclaredError: they would.
    """
    fitting = _other_totals(file, units)
    if fitting:
        raise UndeclaredError(
            f"energies of {source} would be total energies in {fitting[0]}, and {units.energy} is {units.how}: declare "
            f"energy_unit ({fitting[0]}, or {units.energy} if they are no total energies)",
            {"energy_unit": fitting[0]},
        )


def _other_totals(file: FileLabels, units: FileUnits) -> list[str]:
    """Units in which the energies would be total energies, unless they are in the one that they are read in."""
    energy, numbers = _typical(file)
    if is_total_energy(energy * ENERGY_IN_EV[units.energy], numbers):
        return []
    return [unit for unit, ev in ENERGY_IN_EV.items() if is_total_energy(energy * ev, numbers)]


def unit_notes(file: FileLabels, units: FileUnits) -> tuple[str, ...]:
    """Note where the energies would be total energies in a unit other than the one they are read in.

    This is how kcal/mol read as kJ/mol shows, a slip too small for the guards; for a method without core electrons it
    can be a coincidence, hence a note and no error.
    """
    return tuple(
        f"energies are read in {units.energy} but would be total energies in {unit}: check"
        for unit in _other_totals(file, units)
    )


def _recognised(file: FileLabels) -> FileUnits | None:
    custom = file.convention
    if custom is None or not file.needs_total_energy:
        return custom
    total, numbers = _typical(file)
    if not is_total_energy(total * ENERGY_IN_EV[custom.energy], numbers):
        return None
    return replace(custom, how=f"{custom.how} and from total energies of {total:,.0f} {custom.energy}")


def _typical(file: FileLabels) -> tuple[float, npt.NDArray[Any]]:
    """An energy and the atoms that have it, to judge the unit by: the median energy of one molecule.

    Frames of several molecules have electrons of their own, so that the median energy may lie between two kinds: theirs
    is the frame with the median of energy over all-electron energy.
    """
    if file.numbers.ndim != 2 or file.energy.shape != file.numbers.shape[:1]:
        return _median(file), file.numbers
    rows = np.flatnonzero(_finite(file.energy))
    if not rows.size:
        return float("nan"), file.numbers[0]
    kinds, which = np.unique(file.numbers, return_inverse=True)
    of_kind = np.array([all_electron_energy_ev(np.array([kind])) for kind in kinds])
    ratio = file.energy[rows] / of_kind[which.reshape(file.numbers.shape)].sum(axis=1)[rows]
    row = rows[np.argsort(ratio, kind="stable")[(len(rows) - 1) // 2]]
    return float(file.energy[row]), file.numbers[row]


def _median(file: FileLabels) -> float:
    """Median energy over the finite ones; broken labels are the guards' business."""
    finite = file.energy[_finite(file.energy)]
    return float(np.median(finite)) if finite.size else float("nan")


def _finite(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which values are finite numbers; of text, none."""
    return np.isfinite(values) if values.dtype.kind in "fiu" else np.zeros(values.shape, dtype=np.bool_)


def _why_not_recognised(file: FileLabels) -> str:
    """Say why a layout's custom was not trusted."""
    if file.convention is None:
        return ""
    total, _ = _typical(file)
    return f" and energies of {total:,.6g} are no total energies in {file.convention.energy}, its layout's custom"
