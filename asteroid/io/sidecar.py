"""The sidecar `<stem>.meta.json` of a label file: units, level, prices and how the frames were chosen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from asteroid.io.foreign import foreign_parser

if TYPE_CHECKING:
    from pathlib import Path


def sidecar_path(path: Path) -> Path:
    """Where the sidecar of a label file lies, if it has one."""
    return path.with_name(path.stem + ".meta.json")


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Content of the sidecar of a label file, with its own name under `sidecar`; None where there is none.

    Raises:
        InputError: it is not a JSON object.
    """
    sidecar = sidecar_path(path)
    if not sidecar.exists():
        return None
    if not sidecar.is_file():
        raise InputError(f"{sidecar.name} must be a file, found another kind of entry: remove or rename it")
    with foreign_parser(f"{sidecar.name} must be JSON", "correct or remove it"):
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise InputError(
            f"{sidecar.name} must be a JSON object, found a {type(content).__name__}: write units and level"
        )
    _refuse_other_kinds(content, sidecar.name)
    return {**content, "sidecar": sidecar.name}


def _refuse_other_kinds(content: dict[str, Any], name: str) -> None:
    """Refuse values of another kind than their keys have: units are texts by array, level and charge what they say.

    Raises:
        InputError: there is one.
    """
    units = content.get("units", {})
    if not isinstance(units, dict) or not all(isinstance(unit, str) for unit in units.values()):
        raise InputError(f"units in {name} need one text for each array, found {units!r}: write the unit of each array")
    if not isinstance(content.get("level", ""), str):
        raise InputError(f"level in {name} must be a text, found {content['level']!r}: correct it")
    for key in ("charge", "unpaired_electrons"):
        if not isinstance(value := content.get(key, 0), int) or isinstance(value, bool):
            raise InputError(f"{key} in {name} must be a whole number, found {value!r}: correct it")
