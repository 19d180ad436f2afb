"""Input files of other programs, one for each geometry, from a template of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jinja2
from ase.data import chemical_symbols

from asteroid.errors import InputError
from asteroid.units import LENGTH_IN_ANG

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import FloatArray, IntArray

_TEMPLATE_ENDINGS = (".jinja", ".jinja2", ".j2", ".template", ".tmpl")
#: What an input file cannot do without: one of these must stand in the template.
_GEOMETRY = ("elements_and_positions_ang", "elements_and_positions_bohr", "atoms_ang")


def input_suffix(template: Path) -> str:
    """Ending of the input files: the template's own, an ending that says "template" taken off ("orca.inp.jinja")."""
    name = template.name
    for ending in _TEMPLATE_ENDINGS:
        name = name.removesuffix(ending)
    suffix = name[name.rfind(".") :] if "." in name else ""
    return suffix or ".inp"


def read_template(path: Path) -> jinja2.Template:
    """Read a template in Jinja's language.

    Raises:
        InputError: it cannot be read, its language is broken, or no geometry is asked for in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"a template must be readable text, found {str(path)!r}: {error}") from error
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - no HTML
    try:
        template = environment.from_string(text)
    except jinja2.TemplateSyntaxError as error:
        raise InputError(
            f"{path.name} must be a template with placeholders such as {{{{ charge }}}}, line {error.lineno}: "
            f"{error.message}: correct it"
        ) from error
    if not any(name in text for name in _GEOMETRY):
        raise InputError(
            f"{path.name} must say where the geometry goes, found none of {', '.join(_GEOMETRY)}: add for instance "
            "{{ elements_and_positions_ang }}"
        )
    return template


def render_input(
    template: jinja2.Template, name: str, numbers: IntArray, positions: FloatArray, charge: int, unpaired: int
) -> str:
    """The input file of one geometry.

    Args:
        template: of `read_template`.
        name: of the geometry; its files begin with it.
        numbers: atomic numbers [A].
        positions: [A, 3] in Å.
        charge: total charge.
        unpaired: unpaired electrons; the multiplicity is one more.

    Raises:
        InputError: the template names a placeholder that there is not.
    """
    symbols = [chemical_symbols[number] for number in numbers.tolist()]
    known: dict[str, Any] = {
        "name": name,
        "charge": charge,
        "multiplicity": unpaired + 1,
        "unpaired": unpaired,
        "n_atoms": len(symbols),
        "elements_and_positions_ang": _lines(symbols, positions),
        "elements_and_positions_bohr": _lines(symbols, positions / LENGTH_IN_ANG["Bohr"]),
        "atoms_ang": [(symbol, *at) for symbol, at in zip(symbols, positions.tolist(), strict=True)],
    }
    try:
        return template.render(known)
    except jinja2.UndefinedError as error:
        raise InputError(f"the template names something unknown ({error.message}): use {', '.join(known)}") from error


def _lines(symbols: list[str], positions: FloatArray) -> str:
    rows = (" ".join(f"{value:16.10f}" for value in at) for at in positions.tolist())
    return "\n".join(f"{symbol:<2} {row}" for symbol, row in zip(symbols, rows, strict=True))
