"""What every key of a file means, taken from the docstrings that explain it, for JSON schemas."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ATTRIBUTES = re.compile(r"\n\nAttributes:\n(?P<lines>(?:[ ]{4}.*\n?)+)")
_LINE = re.compile(r"^ {4}(\w+): ", re.MULTILINE)


def attribute_meanings(docstring: str) -> dict[str, str]:
    """The section "Attributes" of a docstring in Google's style, by name."""
    found = _ATTRIBUTES.search(inspect.cleandoc(docstring))
    if found is None:
        return {}
    _, *pieces = _LINE.split(found["lines"])
    return {name: " ".join(text.split()) for name, text in zip(pieces[::2], pieces[1::2], strict=True)}


def add_meanings(definition: dict[str, Any], explained_by: Sequence[type] = ()) -> None:
    """Describe the properties of one object of a JSON schema; its own description keeps what stands before them.

    Args:
        definition: the object; its description is the docstring of its class, as pydantic puts it there.
        explained_by: classes whose docstrings explain further properties.
    """
    own = str(definition.get("description", ""))
    meanings: dict[str, str] = {}
    for docstring in (*(kind.__doc__ or "" for kind in reversed(explained_by)), own):
        meanings |= attribute_meanings(docstring)
    if own:
        definition["description"] = " ".join(_ATTRIBUTES.sub("", own).split())
    for name, value in definition.get("properties", {}).items():
        if name in meanings:
            value["description"] = meanings[name]


def add_all_meanings(schema: dict[str, Any], explained_by: Mapping[str, Sequence[type]] | None = None) -> None:
    """The same for a whole JSON schema.

    Args:
        schema: with its further objects in `$defs`.
        explained_by: by name of the object, as in `add_meanings`.
    """
    for name, definition in {schema.get("title", ""): schema, **schema.get("$defs", {})}.items():
        add_meanings(definition, (explained_by or {}).get(name, ()))
