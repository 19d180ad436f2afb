"""Names of levels of theory: `method[/basis]`, calculators of the user's, and sums and differences of such levels.

    level = part { (" + " | " - ") part }
    part  = method | method "/" basis | method "/(" basis { (" + " | " - ") basis } ")" | module ":" function

The blanks around + and - are needed: names of bases contain both (6-31+G*, aug-cc-pVDZ). A bracket is short for its
parts, `mp2/(cc-pvtz - cc-pvdz)` for `mp2/cc-pvtz - mp2/cc-pvdz`, and written out in the slug.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from asteroid.errors import InputError

_NAME = re.compile(r"[a-z0-9][a-z0-9_+.\-]*(/[a-z0-9][a-z0-9_+.\-]*)?")
#: The blanks set it apart from the + and - of names.
_OPERATOR = re.compile(r"\s+([+-])\s+")
_BRACKET = re.compile(r"\s*(?P<method>[^/\s]+)/\((?P<bases>.+)\)\s*")
_EXAMPLE = "ccsd_t/cc-pvdz + mp2/(cc-pvtz - cc-pvdz)"


_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


class SignedLevel(NamedTuple):
    """A part of a level: +1 or -1, and the slug of one method with its basis."""

    sign: int
    level: str


def is_import_path(level: str) -> bool:
    """Whether a part of a level names a function that makes an ASE calculator, `package.module:function`."""
    return _IMPORT_PATH.fullmatch(level) is not None


def normalise_level(text: str) -> str:
    """Write a level of theory as a slug: "CCSD(T)/cc-pVDZ" becomes "ccsd_t/cc-pvdz".

    Lower case, but for the names of modules and functions; "(x)" becomes "_x"; Pople's stars are spelt out (6-31G* is
    6-31G(d), 6-31G** is 6-31G(d,p)); brackets of a sum are multiplied out. The order of the parts is kept.

    Raises:
        InputError: what is left is not `method[/basis]` of letters, digits and _ + . -, or a sum of levels has a part
            twice or more or fewer levels than one.
    """
    parts = level_parts(text)
    signs = {1: " + ", -1: " - "}
    return parts[0].level + "".join(signs[part.sign] + part.level for part in parts[1:])


def level_parts(text: str) -> tuple[SignedLevel, ...]:
    """The parts of a level, in their order; of an ordinary level itself.

    Raises:
        InputError: as `normalise_level`.
    """
    parts = [
        SignedLevel(sign * inner, _one(name, text)) for sign, part in _split(text) for inner, name in _written_out(part)
    ]
    if len(parts) == 1:
        return tuple(parts)
    names = [part.level for part in parts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"a sum of levels has every part once, found {twice} twice in {text!r}: leave it out")
    total = sum(part.sign for part in parts)
    if total != 1:
        raise InputError(
            "a sum of levels has one more level with + than with -, so that every energy counts once, found "
            f"{total:+d} in {text!r}: write for instance {_EXAMPLE}"
        )
    return tuple(parts)


def _split(text: str) -> list[tuple[int, str]]:
    """Parts between the operators outside of brackets, with their signs; the first has +1."""
    parts, sign, start = [], 1, 0
    for operator in _OPERATOR.finditer(text):
        before = text[: operator.start()]
        if before.count("(") == before.count(")"):
            parts.append((sign, before[start:]))
            sign, start = (1 if operator[1] == "+" else -1), operator.end()
    return [*parts, (sign, text[start:])]


def _written_out(part: str) -> list[tuple[int, str]]:
    """`method/(a - b)` as (1, method/a) and (-1, method/b); anything else as it is."""
    bracket = _BRACKET.fullmatch(part)
    bases = _split(bracket["bases"]) if bracket else []
    if bracket is None or len(bases) == 1:
        return [(1, part)]
    return [(sign, f"{bracket['method']}/{basis}") for sign, basis in bases]


def _one(name: str, text: str) -> str:
    if is_import_path(name.strip()):
        return name.strip()
    slug = name.strip().lower().replace("ω", "w")
    slug = re.sub(r"\*\*$", "(d,p)", slug)
    slug = re.sub(r"\*$", "(d)", slug)
    slug = re.sub(r"\(([^()]*)\)", lambda found: "_" + found.group(1).replace(",", "_"), slug)
    if _NAME.fullmatch(slug):
        return slug
    if _OPERATOR.search(text) or text.count("/") > 1:
        found = text if name == text else f"{name.strip()} in {text}"
        raise InputError(
            f"a level is method[/basis] or a sum of such levels with blanks around + and -, found {found!r}: write for "
            f"instance {_EXAMPLE}"
        )
    raise InputError(f"a level is method[/basis], found {text!r}: write for instance ccsd_t/cc-pvdz or gfn2-xtb")
