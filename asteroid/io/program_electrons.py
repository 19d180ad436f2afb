"""Charge and multiplicity in inputs and outputs of programs and in molfiles, which ASE's readers leave aside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.electrons import Electrons
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
_MOLFILES = ("mol", "sdf")
#: Charges of atoms in a molfile, and their radicals: 1 is a singlet, 2 a doublet, 3 a triplet.
_PROPERTY = re.compile(r"^M  (CHG|RAD)\s*\d+((?:\s+\d+\s+-?\d+)+)\s*$")


def electrons_in_text(path: Path, name: str) -> Electrons | None:
    """Charge and multiplicity of the molecule of a file; None where its text says nothing of them.

    Args:
        path: the file.
        name: ASE's name of its format.

    Raises:
        InputError: jobs of one output state different ones.
    """
    if name in _MOLFILES:
        return _of_molfile(path)
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


def _of_molfile(path: Path) -> Electrons | None:
    """The charges of the first molecule's atoms together, and its unpaired electrons, where it states any."""
    charge = unpaired = None
    for line in _lines(path):
        if line.startswith("$$$$"):
            break
        match = _PROPERTY.match(line)
        if match is None:
            continue
        values = [int(word) for word in match.group(2).split()[1::2]]
        if match.group(1) == "CHG":
            charge = (charge or 0) + sum(values)
        else:
            unpaired = (unpaired or 0) + sum(max(value - 1, 0) for value in values)
    if charge is None and unpaired is None:
        return None
    return Electrons(charge, None if unpaired is None else unpaired + 1)


def _lines(path: Path) -> Iterator[str]:
    with open_text(path) as stream:
        while line := stream.readline(_LINE_MAX):
            yield line
