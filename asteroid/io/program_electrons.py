"""Charge and multiplicity in inputs and outputs of programs and in PDB files, which ASE's readers leave aside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.electrons import Electrons
from asteroid.io.molfiles import MOLFILES, electrons_of
from asteroid.io.xyz_text import open_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINE_MAX = 1_000_000
#: By ASE's name of the format: what states both, or one after the other.
_STATEMENTS = {
    "gaussian-in": (r"^\s*(?P<charge>[-+]?\d+)[\s,]+(?P<multiplicity>\d+)\s*$",),
    "gaussian-out": (r"Charge\s*=\s*(?P<charge>-?\d+)\s+Multiplicity\s*=\s*(?P<multiplicity>\d+)",),
    "orca-output": (
        r"Total Charge\s+Charge\s+\.+\s+(?P<charge>-?\d+)",
        r"Multiplicity\s+Mult\s+\.+\s+(?P<multiplicity>\d+)",
    ),
    "nwchem-out": (
        r"^\s*Charge\s+:\s+(?P<charge>-?\d+)\s*$",
        r"^\s*Spin multiplicity:\s+(?P<multiplicity>\d+)\s*$",
    ),
}
#: The charge of an atom in the last columns of a PDB file, 1+ or 2-.
_PDB_CHARGE = re.compile(r"(\d)([+-])")


def electrons_in_text(path: Path, name: str) -> Electrons | None:
    """Charge and multiplicity of the molecule of a file; None where its text says nothing of them.

    Args:
        path: the file.
        name: ASE's name of its format.

    Raises:
        InputError: jobs of one output state different ones.
    """
    if name in MOLFILES:
        return electrons_of(path)
    if name == "proteindatabank":
        return _of_pdb(path)
    statements = _STATEMENTS.get(name)
    if statements is None:
        return None
    found: dict[str, int] = {}
    for line in _lines(path):
        for statement in statements:
            match = re.search(statement, line)
            for key, text in match.groupdict().items() if match else ():
                if name == "gaussian-in" and key in found:
                    continue  # connectivity and basis sets have such lines as well
                if found.setdefault(key, int(text)) != int(text):
                    raise InputError(
                        f"jobs of {path.name} must be of one molecule, found {key} {found[key]} and {int(text)}: "
                        "split the file"
                    )
    return Electrons(found.get("charge"), found.get("multiplicity")) if found else None


def _of_pdb(path: Path) -> Electrons | None:
    """The charges of the first model's atoms together, where any has one."""
    charge = None
    for line in _lines(path):
        if line.startswith(("ENDMDL", "END ", "END\n")):
            break
        match = _PDB_CHARGE.fullmatch(line[78:80]) if line.startswith(("ATOM", "HETATM")) else None
        if match is not None:
            charge = (charge or 0) + int(match[2] + match[1])
    return None if charge is None else Electrons(charge)


def _lines(path: Path) -> Iterator[str]:
    with open_text(path) as stream:
        while line := stream.readline(_LINE_MAX):
            yield line
