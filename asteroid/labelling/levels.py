"""Levels of theory that can be computed here, by name, and what they need installed."""

from __future__ import annotations

import difflib
import re
from importlib.util import find_spec
from typing import NamedTuple

from asteroid.errors import InputError
from asteroid.labelling import ase_labeller, pyscf_labeller, rdkit_labeller, so3lr_labeller, xtb_labeller
from asteroid.labelling.program import Level
from asteroid.labels.level_names import is_import_path, level_parts, normalise_level

#: The programs that compute labels, one file each: a new one is written beside these and added here.
PROGRAMS = (rdkit_labeller.PROGRAM, xtb_labeller.PROGRAM, so3lr_labeller.PROGRAM, pyscf_labeller.PROGRAM)


_COMMA = re.compile(r",(?![^()]*\))")


class Part(NamedTuple):
    """A level that counts with its sign in a sum of levels."""

    sign: int
    level: Level


def computable_level(text: str) -> str:
    """The slug of a level or of a sum of levels, all of which can be computed here.

    Raises:
        InputError: as `parse_parts`.
    """
    parse_parts(text)
    return normalise_level(text)


def listed_levels(text: str) -> list[str]:
    """Slugs of levels with commas between them, each once; a comma in brackets is part of a name, 6-31G(d,p).

    Raises:
        InputError: as `parse_parts`.
    """
    return list(dict.fromkeys(computable_level(name) for name in _COMMA.split(text) if name.strip()))


def parse_parts(text: str) -> tuple[Part, ...]:
    """Read a level such as "CCSD(T)/cc-pVDZ", gfn2-xtb or "ccsd_t/cc-pvdz + mp2/(cc-pvtz - cc-pvdz)".

    Whether the basis exists is for PySCF to say.

    Returns:
        the parts of a sum in their order; of an ordinary level itself.

    Raises:
        InputError: no such method (the nearest one is named), a basis is missing or there is one too many, or the sum
            makes no level (`asteroid.labels.level_names`).
    """
    parts = level_parts(text)
    return tuple(Part(part.sign, _one_level(part.level, text if len(parts) == 1 else part.level)) for part in parts)


def _one_level(slug: str, text: str) -> Level:
    if is_import_path(slug):
        return Level(slug, ase_labeller.program_of(slug), slug, "")
    method, _, basis = slug.partition("/")
    program = next((known for known in PROGRAMS if method in known.formal_exponents), None)
    if program is None:
        alone = ", ".join(name for known in PROGRAMS if not known.takes_basis for name in known.formal_exponents)
        with_basis = ", ".join(name for known in PROGRAMS if known.takes_basis for name in known.formal_exponents)
        raise InputError(
            f"no level {text!r} can be computed here: did you mean {_nearest(method, basis)}? (levels: {alone}, "
            f"{with_basis} with /BASIS, and calculators of yours, module:function)"
        )
    if program.takes_basis and not basis:
        raise InputError(f"{method} needs a basis, found {text!r}: write for instance {method}/cc-pvdz")
    if basis and not program.takes_basis:
        raise InputError(f"{method} has no basis to choose, found {text!r}: write {method}")
    return Level(slug, program, method, basis)


def refuse_missing_program(level: Level) -> None:
    """Refuse a level whose program is not installed.

    Raises:
        InputError: it is not; the message names the command that installs it.
    """
    if find_spec(level.program.module) is None:
        raise InputError(
            f"{level.slug} is computed by {level.program.name}, which is not installed: {level.program.install}"
        )


def _nearest(method: str, basis: str) -> str:
    takes_basis = {name: known.takes_basis for known in PROGRAMS for name in known.formal_exponents}
    near = difflib.get_close_matches(method, takes_basis, n=1, cutoff=0.0)[0]
    return f"{near}/{basis or 'cc-pvdz'}" if takes_basis[near] else near
