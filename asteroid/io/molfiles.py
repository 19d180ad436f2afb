"""Molfiles (V2000) and SD files: every molecule of them, with the charges that stand in the table of atoms."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import ase.io

from asteroid.errors import InputError
from asteroid.io.electrons import Electrons
from asteroid.io.xyz_text import open_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

#: ASE's names of these formats.
MOLFILES = ("mol", "sdf")
_LINE_MAX = 1_000_000
#: Charges of atoms and their radicals: 1 is a singlet, 2 a doublet, 3 a triplet.
_PROPERTY = re.compile(r"^M  (CHG|RAD)\s*\d+((?:\s+\d+\s+-?\d+)+)\s*$")
#: The same in the table of atoms, which counts where there are no such lines: 4 is a doublet.
_CHARGE_CODES = {1: 3, 2: 2, 3: 1, 5: -1, 6: -2, 7: -3}
_DOUBLET = 4


def molecules_in(path: Path) -> Iterator[Atoms]:
    """The molecules of a file, of which ASE's reader takes the first.

    Raises:
        InputError: one is a drawing in two dimensions.
    """
    for number, lines in enumerate(_molecules(path)):
        if len(lines) > 1 and lines[1][20:22] == "2D":
            raise InputError(
                f"geometries must have three dimensions, found a drawing (2D) as molecule {number} of {path.name}: "
                "make a geometry of it first, with hydrogens"
            )
        yield from ase.io.iread(io.StringIO("".join(lines)), format="mol")


def electrons_of(path: Path) -> Electrons | None:
    """Charge and multiplicity of the first molecule; None where nothing is said of them.

    Raises:
        InputError: another molecule has another charge.
    """
    every = [_of_lines(lines) for lines in _molecules(path)]
    if every and any(other != every[0] for other in every):
        found = ", ".join(dict.fromkeys("nothing" if one is None else str(one) for one in every))
        raise InputError(f"molecules of {path.name} must have one charge and spin, found {found}: split the file")
    return every[0] if every else None


def _of_lines(lines: list[str]) -> Electrons | None:
    charge = unpaired = None
    for line in lines:
        match = _PROPERTY.match(line)
        if match is None:
            continue
        values = [int(word) for word in match.group(2).split()[1::2]]
        if match.group(1) == "CHG":
            charge = (charge or 0) + sum(values)
        else:
            unpaired = (unpaired or 0) + sum(max(value - 1, 0) for value in values)
    if charge is None and unpaired is None:
        codes = [code for line in lines[4 : 4 + _n_atoms(lines)] if (code := _whole(line[36:39]))]
        charge = sum(_CHARGE_CODES.get(code, 0) for code in codes) if codes else None
        unpaired = codes.count(_DOUBLET) or None
    if charge is None and unpaired is None:
        return None
    return Electrons(charge, None if unpaired is None else unpaired + 1)


def _n_atoms(lines: list[str]) -> int:
    return _whole(lines[3][:3]) if len(lines) > 3 else 0


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"\s*\d+\s*", text) else 0


def _molecules(path: Path) -> Iterator[list[str]]:
    """The lines of each molecule, without the data behind it."""
    lines: list[str] = []
    ended = False
    with open_text(path) as stream:
        while line := stream.readline(_LINE_MAX):
            if line.startswith("$$$$"):
                yield lines
                lines, ended = [], False
            elif not ended:
                lines.append(line)
                ended = line.startswith("M  END")
    if any(line.strip() for line in lines):
        yield lines
