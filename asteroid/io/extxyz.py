"""Label files in extended XYZ, read through ASE; geometries in plain XYZ too."""

from __future__ import annotations

import io
import re
from contextlib import closing, contextmanager
from itertools import islice
from typing import IO, TYPE_CHECKING

import ase.io
import numpy as np
from ase.data import chemical_symbols

from asteroid.errors import InputError
from asteroid.io.ase_frames import ase_geometries, ase_labels, read_frames
from asteroid.io.electrons import Electrons, electrons_in, pairs_in, two_numbers
from asteroid.io.label_format import LabelFormat
from asteroid.io.said import Said
from asteroid.io.xyz_text import COMPRESSED_SUFFIXES, LINE_MAX, names_columns, open_text, scan
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.labels.selection_rule import KEY

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from ase import Atoms

    from asteroid.io.declaration import Declaration
    from asteroid.io.file_units import FileGeometries, FileLabels
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import IntArray, LabelSet
    from asteroid.labels.selection_rule import SelectionRule

#: 1.0D-05, as Fortran writes 1.0E-05.
_FORTRAN = re.compile(r"(\d\.?)[dD]([-+]?\d)")
_STATED_RULE = re.compile(rf'(?:^|\s){KEY}="?([^"\s]+)')


def _read(path: Path, declared: Declaration) -> FileLabels:
    frames = _frames(path, f"{path.name} must be extended XYZ", for_labels=True)
    convention = "recognised from extended XYZ, whose units are ASE's" if names_columns(_first_comment(path)) else None
    return ase_labels(frames, path.name, declared, convention)


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    return ase_geometries(_frames(path, f"{path.name} must be XYZ", for_labels=False), path.name, declared)


def _frames(path: Path, wanted: str, *, for_labels: bool) -> Generator[Atoms]:
    """The frames of an (extended) XYZ file, compressed or not, all of them or an error.

    ASE stops at a blank line without a word, and goes through a loop for every atom that a line claims: the lines are
    counted first.

    Args:
        path: the file.
        wanted: the rule for messages.
        for_labels: whether it must be extended XYZ; geometries may be plain XYZ.

    Raises:
        InputError: a frame is not whole or ASE cannot read it, there is more in the file than was read, or its last
            line is not ended.
    """
    if not path.stat().st_size:
        return
    text = scan(path)
    read = 0
    how = "extxyz" if for_labels or text.is_extended else "xyz"
    with open_text(path) as stream, _elements_named(path):
        # The reader of plain XYZ takes a blank line behind the last frame for a number of atoms.
        lines = stream if how == "extxyz" else io.StringIO("".join(islice(stream, text.n_lines)))
        if text.fortran:
            lines = io.StringIO(_FORTRAN.sub(r"\1E\2", lines.read()))
        for atoms in read_frames(ase.io.iread(lines, index=":", format=how), wanted):
            if how == "xyz" and read < len(text.comments):  # whose reader drops comments
                atoms.info |= {**pairs_in(text.comments[read]), "comment": text.comments[read]}
            read += 1
            yield atoms
    if read != len(text.comments):
        raise InputError(f"{path.name} has {len(text.comments)} frames, its reader found {read}: write it with ase.io")


@contextmanager
def _elements_named(path: Path) -> Iterator[None]:
    """Say of atoms that ASE does not know, such as C1, D or 6, what they should be called."""
    try:
        yield
    except InputError as error:
        cause = error.__cause__
        if not isinstance(cause, KeyError):
            raise
        raise InputError(
            f"atoms of {path.name} must be named by their elements, found {cause.args[0]!r}: write C for C1 or 6, and "
            "H for D"
        ) from error


def _electrons(path: Path) -> Electrons:
    """Charge and spin in the comment lines, of extended XYZ and of plain."""
    said, numbers = Said(path.name), np.zeros(1, dtype=np.int64)
    comments = scan(path).comments
    if len(set(comments)) == 1 and (pair := two_numbers(comments[0])) is not None:  # as in the inputs of programs
        return pair if pair.fits(int(_first_numbers(path).sum())) else Electrons()
    for i, comment in enumerate(comments):
        electrons = electrons_in(pairs_in(comment), path.name, i)
        if electrons.spin is not None and not numbers.any():
            numbers = _first_numbers(path)
        said.hear_electrons(electrons, numbers, i)
    return next((electrons for electrons, _ in said.electrons.values()), Electrons())


def _first_numbers(path: Path) -> IntArray:
    with closing(_frames(path, f"{path.name} must be XYZ", for_labels=False)) as frames:
        return np.asarray(next(frames).numbers, dtype=np.int64)


def _write(labels: LabelSet, path: Path, selection_rule: SelectionRule | None, electrons: ChargeAndSpin) -> None:
    with path.open("w", encoding="utf-8") as stream:
        _write_frames(labels, stream, selection_rule, electrons)


def _write_frames(
    labels: LabelSet, stream: IO[str], selection_rule: SelectionRule | None, electrons: ChargeAndSpin
) -> None:
    """One frame after the other; Python's repr of a float reads back to the same float."""
    columns = "species:S:1:pos:R:3" + (":REF_forces:R:3" if labels.forces is not None else "")
    atoms = np.broadcast_to(labels.numbers, labels.positions.shape[:2])
    for i, size in enumerate(labels.n_atoms.tolist()):
        symbols = [chemical_symbols[z] for z in atoms[i, :size]]
        words = [f"Properties={columns}"]
        if labels.energy is not None:
            words.append(f"REF_energy={float(labels.energy[i])!r}")
        words += [f'level="{labels.level}"', f"frame_id={labels.frame_id[i]}"]
        if labels.group is not None:
            words.append(f"group={labels.group[i]}")
        if labels.cpu_s is not None:
            words.append(f"cpu_s={float(labels.cpu_s[i])!r}")
        if selection_rule is not None:
            words.append(f"{KEY}={selection_rule}")
        if electrons != CLOSED_SHELL:
            words += [f"charge={electrons.charge}", f"multiplicity={electrons.unpaired + 1}"]
        stream.write(f'{size}\n{" ".join(words)} pbc="F F F"\n')
        columns_of = [values[i, :size] for values in (labels.positions, labels.forces) if values is not None]
        for symbol, row in zip(symbols, np.hstack(columns_of).tolist(), strict=True):
            stream.write(f"{symbol} {' '.join(map(repr, row))}\n")


def _selection_rule(path: Path) -> str:
    """What the comment of the first frame says."""
    match = _STATED_RULE.search(_first_comment(path))
    return match.group(1) if match else ""


def _first_comment(path: Path) -> str:
    with open_text(path) as text:
        text.readline(LINE_MAX)
        return text.readline(LINE_MAX)


_SUFFIXES = (".xyz", ".extxyz")

FORMAT = LabelFormat(
    name="extended XYZ",
    read=_read,
    read_geometries=_read_geometries,
    suffixes=_SUFFIXES,
    read_suffixes=(*_SUFFIXES, *(name + packed for name in _SUFFIXES for packed in COMPRESSED_SUFFIXES)),
    electrons=_electrons,
    write=_write,
    selection_rule=_selection_rule,
    length_unit="Angstrom",
)
