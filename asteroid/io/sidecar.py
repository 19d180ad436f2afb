"""The sidecar `<stem>.meta.json` of a label file: units, level, prices and how the frames were chosen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError

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
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError as error:
        where = " ".join(str(error).split())
        raise InputError(f"{sidecar.name} must be JSON, found a mistake at {where}: correct it") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{sidecar.name} must be a JSON object, found a {type(content).__name__}: write units and level"
        )
    return {**content, "sidecar": sidecar.name}
