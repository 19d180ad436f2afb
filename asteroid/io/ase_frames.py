"""ASE's frames, one after the other, into arrays: whatever ASE reads becomes labels or bare geometries here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.file_units import FileGeometries, FileLabels, FileUnits
from asteroid.io.foreign import foreign_parser
from asteroid.io.said import Said
from asteroid.io.stated_units import merged, stated_in_names
from asteroid.io.vacuum_box import free_positions
from asteroid.labels.molecules import pad
from asteroid.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    from ase import Atoms

    from asteroid.io.declaration import Declaration
    from asteroid.io.stated_units import Statement

#: Keys that mark reference labels, by the custom of MACE and others; without them, ASE's own energy and forces count.
REF_KEYS = ("REF_energy", "REF_forces")

_SHOWN_NUMBER = re.compile(r"np\.float\d+\((.+)\)")
#: The further remedy where forces are missing.
_ALONE = "; for energies alone declare forces: none"
#: What `asteroid.io.write` writes into every frame.
_OWN_KEYS = ("level", "frame_id", "group", "cpu_s")


@dataclass(frozen=True, eq=False)
class Gathered:
    """Frames and the values that each carries.

    Attributes:
        numbers: atomic numbers, shape [A]; [N, A] with zeros behind the atoms of smaller frames where frames differ.
        positions: coordinates in Å, shape [N, A, 3], zero where a frame has no atom.
        values: by key, one value per frame.
    """

    numbers: npt.NDArray[Any]
    positions: npt.NDArray[Any]
    values: dict[str, list[npt.NDArray[Any]]]


def read_frames(frames: Iterable[Atoms], wanted: str) -> Iterator[Atoms]:
    """Pass frames on, with ASE's many ways to fail turned into one.

    Args:
        frames: from `ase.io.iread`.
        wanted: the rule for the message, such as "a.xyz must be extended XYZ".

    Raises:
        InputError: ASE cannot read a frame.
    """
    iterator = iter(frames)
    while True:
        # ASE has some hundred readers, each with exceptions and warnings of its own.
        with foreign_parser(f"{wanted}, ASE cannot read it", "repair it, or write it with ase.io"):
            atoms = next(iterator, None)
        if atoms is None:
            return
        yield atoms


def gather(frames: Iterable[Atoms], source: str, keys: Sequence[str], *, vacuum_box: bool = False) -> Gathered:
    """Collect positions and values of all frames.

    Args:
        frames: frames of one molecule or of several.
        source: the file's name for messages.
        keys: values wanted of every frame: of its comment line, a column, or its calculator's results.
        vacuum_box: take the molecule out of its periodic box.

    Raises:
        InputError: there are no frames, a value is missing, a place has no element, or frames are periodic.
    """
    numbers: list[npt.NDArray[Any]] = []  # the first frame's own array for every frame that has the same atoms
    positions = []
    values: dict[str, list[npt.NDArray[Any]]] = {key: [] for key in keys}
    for i, atoms in enumerate(frames):
        if numbers and np.array_equal(atoms.numbers, numbers[0]):
            numbers.append(numbers[0])
        else:
            numbers.append(_elements(atoms, i, source))
        positions.append(free_positions(atoms, i, source, vacuum_box=vacuum_box))
        for key in keys:
            values[key].append(_value(atoms, key, i, source))
    if not numbers:
        raise InputError(f"{source} needs frames, found none: check the file")
    if all(own is numbers[0] for own in numbers):
        return Gathered(numbers[0], np.array(positions), values)
    return Gathered(pad(numbers), pad(positions), values)


def one_of_each(values: list[npt.NDArray[Any]], key: str, source: str) -> npt.NDArray[Any]:
    """One value of each frame as an array.

    Raises:
        InputError: they have different shapes, as columns of different molecules do.
    """
    shapes = list(dict.fromkeys(np.shape(value) for value in values))
    if len(shapes) > 1:
        raise InputError(
            f"{key} of {source} must be one value for each frame, found the shapes {list(shapes[0])} and "
            f"{list(shapes[1])}: name another key"
        )
    return np.array(values)


def ase_labels(
    frames: Iterator[Atoms],
    source: str,
    declared: Declaration,
    convention: str | None,
    stated: Sequence[Statement] = (),
) -> FileLabels:
    """Labels of ASE's frames, in eV and Å unless something else is declared.

    Energies and forces are those under the declared keys; else REF_energy and REF_forces; else the calculator's, with
    its free energy, to which forces belong, before its energy. Forces are taken as stored: ASE's constraints, which
    zero them in `Atoms.get_forces`, are not applied.

    Args:
        frames: frames of one molecule or of several.
        source: the file's name for messages.
        declared: what the file's user says of it.
        convention: why the units are ASE's, for the data card; None where they need not be.
        stated: units that the file states outside its frames; `keys_of` may have more to say.

    Raises:
        InputError: as `gather`, frames of one molecule have different charges, or a label is not a number or not one
            for each atom.
    """
    declared_keys = declared.label_keys(source)
    said = Said(source)
    frames = said.listen(frames)
    head = list(_until_a_molecule(frames))
    if not head:
        raise InputError(f"{source} needs frames, found none: check the file")
    first = head[-1]
    keys = declared_keys or _label_keys(first, energies_alone=declared.energies_alone)
    if declared.energies_alone and keys[1] is not None and not _has(first, keys[1]):
        keys = (keys[0], None)
    own = {name for name in _OWN_KEYS if name in first.info} if _is_own(first) else set()
    group_key = declared.group_key or ("group" if "group" in own else None)
    wanted = [
        *(key for key in keys if key is not None),
        *([group_key] if group_key else []),
        *sorted(own - {group_key}),
    ]
    found = gather(chain(head, frames), source, list(dict.fromkeys(wanted)), vacuum_box=declared.vacuum_box)
    try:
        energy = np.array([_number(value) for value in found.values[keys[0]]])
        forces = None if keys[1] is None else _forces(found, keys[1], source)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        wrong = _no_number(found.values, keys)
        raise InputError(
            f"labels of {source} must be numbers, found {wrong}: repair the file or name other keys"
        ) from error
    return FileLabels(
        numbers=found.numbers,
        positions=found.positions,
        energy=energy,
        forces=forces,
        level=_one_level(found.values["level"], source) if "level" in own else None,
        stated=merged([*stated, *stated_in_names(declared_keys), *said.units], source),
        convention=None if convention is None else FileUnits("eV", "Angstrom", "eV/Angstrom", convention),
        frame_id=one_of_each(found.values["frame_id"], "frame_id", source) if "frame_id" in own else None,
        group=one_of_each(found.values[group_key], group_key, source) if group_key else None,
        cpu_s=one_of_each(found.values["cpu_s"], "cpu_s", source) if "cpu_s" in own else None,
        electrons=said.common(),
        notes=(f"labels from {keys[0]} and {keys[1]}" if keys[1] else f"energies from {keys[0]}, no forces",)
        + ((f"groups from key {group_key}",) if group_key else ())
        + said.charge_notes(),
    )


def ase_geometries(
    frames: Iterable[Atoms], source: str, declared: Declaration, stated: Sequence[Statement] = ()
) -> FileGeometries:
    """Geometries of ASE's frames, in Å unless the file states something else.

    Raises:
        InputError: as `gather`.
    """
    key = declared.group_key
    said = Said(source)
    found = gather(said.listen(iter(frames)), source, () if key is None else (key,), vacuum_box=declared.vacuum_box)
    group = None if key is None else one_of_each(found.values[key], key, source)
    # What a file says of energies and forces does not matter here, though it contradicted itself.
    units = merged([statement for statement in (*stated, *said.units) if statement.about == "length"], source)
    length = (units.length if units is not None else None) or declared.length_unit or "Angstrom"
    return FileGeometries(found.numbers, found.positions, length, group)


def _number(value: npt.NDArray[Any]) -> float:
    """A number, also where a script wrote it as NumPy shows it: np.float64(-115.4)."""
    if value.dtype.kind in "US" and value.size == 1:
        found = _SHOWN_NUMBER.fullmatch(str(value.reshape(-1)[0]).strip())
        return float(found[1]) if found else float(value.reshape(-1)[0])
    return float(np.squeeze(value))


def _no_number(values: Mapping[str, list[npt.NDArray[Any]]], keys: tuple[str, str | None]) -> str:
    """The first label that is no number."""
    for key in keys:
        for i, value in enumerate(values.get(key or "", ())):
            if value.dtype.kind not in "fiu":
                return f"{key}={one_line(str(value), 40)} in frame {i}"
            if key == keys[0] and value.size != 1:
                return f"{value.size} numbers as {key} in frame {i}"
    return "something else"


def _elements(atoms: Atoms, i: int, source: str) -> npt.NDArray[Any]:
    if not len(atoms) or (atoms.numbers < 1).any():
        found = str(atoms.symbols) or "no atoms"
        raise InputError(
            f"frames of {source} must consist of elements, found {found} in frame {i}: remove what is none"
        )
    return np.array(atoms.numbers)


def _forces(found: Gathered, key: str, source: str) -> npt.NDArray[np.float64]:
    """Forces of each frame, shape [N, A, 3]."""
    sizes = np.broadcast_to(np.count_nonzero(found.numbers, axis=-1), len(found.positions)).tolist()
    for i, (value, size) in enumerate(zip(found.values[key], sizes, strict=True)):
        if value.shape != (size, 3):
            raise InputError(
                f"{key} of {source} must have one row of 3 for each atom, found the shape {list(value.shape)} in frame "
                f"{i} of {size} atoms: repair the file or name other keys"
            )
    return np.array(pad(found.values[key]), dtype=np.float64)


def _has(atoms: Atoms, key: str) -> bool:
    results = atoms.calc.results if atoms.calc is not None else {}
    return any(key in values for values in (atoms.info, atoms.arrays, results))


def _label_keys(atoms: Atoms, *, energies_alone: bool = False) -> tuple[str, str | None]:
    if all(key in atoms.info or key in atoms.arrays for key in REF_KEYS[: 1 if energies_alone else 2]):
        return REF_KEYS
    results = atoms.calc.results if atoms.calc is not None else {}
    return ("free_energy" if "free_energy" in results else "energy"), "forces"


def _is_own(atoms: Atoms) -> bool:
    """Whether this project wrote the frame: then its keys mean what they say."""
    return {"level", "frame_id"} <= set(atoms.info)


def _one_level(values: list[npt.NDArray[Any]], source: str) -> str:
    levels = {str(value) for value in values}
    if len(levels) > 1:
        raise InputError(f"frames of {source} must be of one level, found {', '.join(sorted(levels))}: split the file")
    return levels.pop()


def _until_a_molecule(frames: Iterator[Atoms]) -> Iterator[Atoms]:
    """The frames up to the first with more than one atom: isolated atoms often stand first, and without forces."""
    for atoms in frames:
        yield atoms
        if len(atoms) != 1:
            return


def _value(atoms: Atoms, key: str, i: int, source: str) -> npt.NDArray[Any]:
    """Find a frame's value under a key: of the comment line, a column, or ASE's calculator results."""
    results = atoms.calc.results if atoms.calc is not None else {}
    for values in (atoms.info, atoms.arrays, results):
        if key in values:
            return np.asarray(values[key])
    if len(atoms) == 1 and key not in _OWN_KEYS:  # is set aside, and nobody asks for the forces of an isolated atom
        return np.zeros((1, 3)) if "force" in key.lower() else np.array(0.0)
    found = sorted({*atoms.info, *atoms.arrays, *results} - {"numbers", "positions"})
    alone = "force" in key.lower() or REF_KEYS[0] in found
    raise InputError(
        f"{source} needs {key} in every frame, frame {i} has {', '.join(found) or 'no labels'}: name the key that has "
        f"it (energy_key and forces_key, group_key) or label the frame{_ALONE if alone else ''}"
    )
