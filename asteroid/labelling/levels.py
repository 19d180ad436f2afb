"""Levels of theory that can be computed here: their names, what they need installed, how their cost grows."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from asteroid.errors import InputError
from asteroid.labels.label_set import normalise_level

Family = Literal["force field", "xtb", "wave function"]

#: Names that RDKit and tblite have for the levels without a basis.
FORCE_FIELDS = {"uff": "UFF", "mmff94": "MMFF94"}
XTB = {"gfn1-xtb": "GFN1-xTB", "gfn2-xtb": "GFN2-xTB", "ipea1-xtb": "IPEA1-xTB"}
#: Methods that take a basis, computed by PySCF.
WITH_BASIS = ("hf", "pbe", "b3lyp", "mp2", "ccsd", "ccsd_t")
#: How the cost grows with the number n of basis functions once n is large: cost ~ n^k. Textbook values (Helgaker,
#: Jørgensen, Olsen, Molecular Electronic-Structure Theory, 2000); DFT with density fitting and xTB are bound by their
#: diagonalisation, force fields by their pairs of atoms. Small molecules have smaller exponents.
FORMAL_EXPONENT = {
    **dict.fromkeys(FORCE_FIELDS, 2),
    **dict.fromkeys(XTB, 3),
    "hf": 4,
    "pbe": 3,
    "b3lyp": 4,
    "mp2": 5,
    "ccsd": 6,
    "ccsd_t": 7,
}
#: Bases to name when a name is wrong; PySCF knows more.
COMMON_BASES = (
    *("sto-3g", "3-21g", "6-31g", "6-31g_d", "6-31g_d_p", "6-31+g_d", "6-311g_d_p", "6-311++g_d_p"),
    *("cc-pvdz", "cc-pvtz", "cc-pvqz", "aug-cc-pvdz", "aug-cc-pvtz", "aug-cc-pvqz"),
    *("def2-svp", "def2-svpd", "def2-tzvp", "def2-tzvpp", "def2-tzvpd", "def2-qzvp"),
)
#: By family, the module that computes its levels and what messages call it.
PROGRAMS: dict[Family, tuple[str, str]] = {
    "force field": ("rdkit", "RDKit"),
    "xtb": ("tblite", "tblite"),
    "wave function": ("pyscf", "PySCF"),
}


@dataclass(frozen=True)
class Level:
    """A level of theory by its parts.

    Attributes:
        slug: `method[/basis]` as in `asteroid.labels.label_set`.
        family: what kind of method it is, which decides on the program.
        method: the method alone.
        basis: name of the basis, or "" where the method has none of its own.
    """

    slug: str
    family: Family
    method: str
    basis: str

    @property
    def formal_exponent(self) -> int:
        """Power k of cost ~ n^k, for n basis functions (atoms, for force fields)."""
        return FORMAL_EXPONENT[self.method]


def parse_level(text: str) -> Level:
    """Read a level such as "CCSD(T)/cc-pVDZ" or gfn2-xtb. Whether the basis exists is for PySCF to say.

    Raises:
        InputError: no such method (the nearest one is named), a basis is missing or there is one too many.
    """
    slug = normalise_level(text)
    method, _, basis = slug.partition("/")
    if method in WITH_BASIS:
        if not basis:
            raise InputError(f"{method} needs a basis, found {text!r}: write for instance {method}/cc-pvdz")
        return Level(slug, "wave function", method, basis)
    family: Family | None = "force field" if method in FORCE_FIELDS else "xtb" if method in XTB else None
    if family is None:
        raise InputError(
            f"no level {text!r} can be computed here: did you mean {_nearest(method, basis)}? (levels: "
            f"{', '.join((*FORCE_FIELDS, *XTB))}, and {', '.join(WITH_BASIS)} with /BASIS)"
        )
    if basis:
        raise InputError(f"{method} has no basis to choose, found {text!r}: write {method}")
    return Level(slug, family, method, "")


def refuse_missing_program(level: Level) -> None:
    """Refuse a level whose program is not installed.

    Raises:
        InputError: it is not; the message names the command that installs it.
    """
    module, program = PROGRAMS[level.family]
    if find_spec(module) is None:
        raise InputError(
            f'{level.slug} is computed by {program}, which is not installed: pip install "asteroid-study[labels]"'
        )


def _nearest(method: str, basis: str) -> str:
    known = [*FORCE_FIELDS, *XTB, *WITH_BASIS]
    near = difflib.get_close_matches(method, known, n=1, cutoff=0.0)[0]
    return f"{near}/{basis or 'cc-pvdz'}" if near in WITH_BASIS else near
