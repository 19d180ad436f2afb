"""Units in mappings: comment lines, metadata of databases, and JSON inside them under keys of whatever name."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.io.stated_units import quantity_of, stated_in_pair, stated_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asteroid.io.stated_units import Statement

#: Levels of nesting, values at each, and characters of a text that are looked through.
_DEPTH, _VALUES, _CHARACTERS = 6, 200, 20_000
#: Characters of a text that is no JSON.
_WORDS = 200


def stated_in_mapping(values: Mapping[str, object], source: str, where: str) -> tuple[Statement, ...]:
    """Statements of keys with text, such as a comment line's or a database's metadata; numbers say nothing.

    Args:
        values: texts, and mappings and lists of them, also written as JSON.
        source: the file's name for messages.
        where: where they stand, for messages.

    Raises:
        InputError: a key says that its value is a unit of energies, lengths or forces, and it is none that is known.
    """
    found: list[Statement] = []
    for key, value in values.items():
        inner = _opened(value)
        if value is True:
            found += stated_in_pair(key, "", source, where)
        elif isinstance(inner, str):
            found += stated_in_pair(key, inner[:_WORDS], source, where)
        elif isinstance(inner, dict | list):
            found += stated_in_nested(key, inner, source, where)
    return tuple(found)


def stated_in_nested(key: str, value: dict[str, Any] | list[Any], source: str, where: str) -> tuple[Statement, ...]:
    """Statements inside a mapping or a list that stands under a key; arguments and errors as above."""
    return tuple(
        statement
        for path, text in _texts((key,), value, 0)
        for statement in _stated_at(path, text[:_WORDS], source, f"{where}, {'.'.join(path[:-1])}")
    )


def _opened(value: object) -> object:
    """A text of JSON (or of Python's notation of the same) as what it holds; other texts and values as they are."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "US" and value.size <= _VALUES:
        return value.tolist() if value.ndim else str(value)
    if not isinstance(value, str) or len(value) > _CHARACTERS:
        return value
    text = value.strip().removeprefix("_JSON").strip()
    if text[:1] not in ("{", "["):
        return value
    for written in (text, text.replace("'", '"')):
        try:
            return json.loads(written)
        except (ValueError, RecursionError):
            continue
    return value


def _texts(path: tuple[str, ...], value: object, depth: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """All texts with the keys that lead to them; a list of texts is one, with commas."""
    inner = _opened(value)
    if isinstance(inner, str):
        yield path, inner
    elif depth >= _DEPTH:
        return
    elif isinstance(inner, list) and inner and all(isinstance(item, str) for item in inner):
        yield path, ", ".join(inner[:_VALUES])
    elif isinstance(inner, list):
        for item in inner[:_VALUES]:
            yield from _texts(path, item, depth + 1)
    elif isinstance(inner, dict):
        for name in list(inner)[:_VALUES]:
            yield from _texts((*path, str(name)), inner[name], depth + 1)


def _stated_at(path: tuple[str, ...], text: str, source: str, where: str) -> tuple[Statement, ...]:
    """What a text says: {"energy": {"unit": "eV"}}, {"units": {"energy": "eV"}} and {"energy": "eV"} say the same."""
    key, above = path[-1], path[-2] if len(path) > 1 else ""
    if _says_unit(key):
        whole = f"{above}_{key}" if quantity_of(key) is None and quantity_of(above) is not None else key
        return stated_in_pair(whole, text, source, where)
    if _says_unit(above):
        return stated_in_pair(f"{key}_unit", text, source, where)
    return stated_quantity(key, text, where) or stated_in_pair(key, text, source, where)


def _says_unit(key: str) -> bool:
    return bool({"unit", "units"} & set(re.findall(r"[a-z]+", key.lower())))
