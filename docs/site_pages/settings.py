"""The reference of sweep and study files, from their JSON schema."""

from __future__ import annotations

import json
from typing import Any

from site_pages.markdown import code, table
from study.config.schema import file_schema

#: Bounds of numbers in a JSON schema, as signs.
_BOUNDS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "nothing",
}
#: A bound beyond which nobody comes.
_NONE = 2**31
#: The order of sections: as a reader meets them.
_FIRST = ("Sweep", "BuyStudy", "BuySection")


def all_settings() -> str:
    """A section for each section of a file, and one for each architecture."""
    schema = file_schema()
    models = schema["$defs"].pop("ModelSection")["anyOf"]
    found = schema["$defs"]
    ordered = {name: found[name] for name in sorted(found, key=lambda name: (_place(name), name))}
    parts = [sections({"$defs": ordered}, level=2), "(section-modelsection)=\n## model"]
    for model in models:
        name = model["properties"]["architecture"].get("const", "module:factory")
        parts += [f"### architecture: {name}", *_section(model)]
    return "\n\n".join(parts)


def _place(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def sections(schema: dict[str, Any], level: int) -> str:
    """A section for each object of a JSON schema, the outermost one first.

    Args:
        schema: with its definitions in `$defs`.
        level: of the headings.
    """
    parts = []
    whole = {} if "properties" not in schema else {schema["title"]: schema}
    for name, found in (whole | schema.get("$defs", {})).items():
        if "properties" in found:
            parts += [f"{_label(name)}\n{'#' * level} {_heading(name)}", *_section(found)]
    return "\n\n".join(parts)


def _section(found: dict[str, Any]) -> list[str]:
    required = found.get("required", ())
    rows = []
    for key, value in found["properties"].items():
        default = "required" if key in required else _default(value)
        rows.append((code(key), _kind(value), default, value.get("description", "")))
    return [found.get("description", ""), table(("key", "value", "default", "meaning"), rows)]


def _default(value: dict[str, Any]) -> str:
    default = value.get("default")
    if default in (None, [], {}):
        return "none"
    if isinstance(default, dict):
        return "as there"  # the section's own defaults
    # JSON has no infinity: pydantic writes null in a list of numbers.
    return code(json.dumps(default, ensure_ascii=False).replace('"', "").replace("null", "inf"))


def _kind(value: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{_heading(name)}](#{_label(name)[1:-2]})"
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_kind(one) for one in value["anyOf"] if one != {"type": "null"}))
    if "const" in value:
        return code(value["const"])
    if "enum" in value:
        return ", ".join(code(one) for one in value["enum"])
    if value.get("type") == "array":
        items = value.get("items") or (value.get("prefixItems") or [{}])[0]
        return f"list: {_kind(items)}"
    if value.get("type") == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"name: {_kind(value['additionalProperties'])}"
    bounds = [f"{sign} {value[bound]:g}" for bound, sign in _BOUNDS.items() if abs(value.get(bound, _NONE)) < _NONE]
    kind = "path" if value.get("format") == "path" else _TYPES.get(value.get("type", ""), "any")
    return f"{kind} {', '.join(bounds)}".strip()


def _heading(name: str) -> str:
    """The section's name as a heading: ScheduleSection is a schedule."""
    plain = name.strip("_").removesuffix("Section").removesuffix("Record")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in plain).strip()


def _label(name: str) -> str:
    return f"(section-{name.strip('_').lower()})="
