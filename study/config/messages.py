"""What pydantic refuses, as one line for somebody who writes YAML."""

from __future__ import annotations

import difflib
import reprlib
from typing import TYPE_CHECKING

from pydantic import BaseModel

from study.config.label_files import FILE, LIST, MAPPING, NAME
from study.config.start import SCHEDULE, START, StartSection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError

#: Parts of a place that are for pydantic and not for people.
_FORMS = (FILE, NAME, LIST, MAPPING, START, SCHEDULE)
#: What pydantic's names for mistakes mean to somebody who writes YAML.
_PLAINER = {
    "missing": "this key is required: add it",
    "tuple_type": "a list in brackets is needed",
    "too_short": "the list is too short, at least {min_length} needed",
}


def one_line(error: ValidationError, model: type[BaseModel]) -> str:
    """The worst problem as one line; an unknown key comes first, as a misspelt key is often a missing one as well.

    Args:
        error: of the validation.
        model: what was validated, for the keys that are valid.
    """
    errors = error.errors()
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    place = [str(part) for part in first["loc"] if part not in _FORMS]
    where = ".".join(place)
    if first["type"] == "extra_forbidden":
        *parents, key = place
        valid = first.get("ctx", {}).get("valid") or (
            _keys(StartSection) if START in first["loc"] else _keys_at(model, [p for p in parents if not p.isdigit()])
        )
        near = difflib.get_close_matches(key[:100], valid, n=1, cutoff=0.0)
        hint = f"did you mean {near[0]!r}?" if near else "remove it"
        return f"unknown key {where!r}: {hint} (valid: {', '.join(valid)})"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] in _PLAINER:
        message = _PLAINER[first["type"]].format(**first.get("ctx", {}))
    found = "" if first["type"] in ("value_error", "missing") else f", found {_shown(first['input'])}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {message}{found}{more}" if where else f"{message}{more}"


def _shown(value: object) -> str:
    """What was found, as far as anybody wants to read it."""
    limited = reprlib.Repr()
    limited.maxstring, limited.maxother = 100, 100
    return limited.repr(value)


def _keys_at(model: type[BaseModel], parents: list[str]) -> list[str]:
    """Valid keys of the section that a path of keys leads to."""
    for parent in parents:
        field = model.model_fields.get(parent)
        if field is None:
            continue  # the name of a fine-tune schedule
        for candidate in _members(field.annotation):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
    return _keys(model)


def _keys(model: type[BaseModel]) -> list[str]:
    """As they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _members(annotation: object) -> Iterator[object]:
    """An annotation, and what it is made of."""
    yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _members(part)
