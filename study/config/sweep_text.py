"""Sweep and study files as text: read with one line for whatever is wrong, and written in full."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import ValidationError

from asteroid.errors import InputError
from asteroid.plain_text import one_line as plain_line
from study.config.messages import one_line
from study.config.strict_yaml import load_yaml
from study.config.sweep import Sweep

if TYPE_CHECKING:
    from pathlib import Path

_Kind = TypeVar("_Kind", bound=Sweep)


def read_sweep(path: Path) -> Sweep:
    """Read a sweep file; paths of label files count from the folder of the sweep file.

    Raises:
        InputError: the file is missing, is not YAML, or breaks a rule; one line that names the key and the remedy.
    """
    return parse_sweep(read_text(path), path.name, path.parent)


def read_text(path: Path) -> str:
    """The text of a sweep or study file.

    Raises:
        InputError: it is missing or no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"a sweep file must be readable text, found {str(path)!r}: {error}") from error


def parse_sweep(text: str, what: str, folder: Path) -> Sweep:
    """Read a sweep from YAML text.

    Args:
        text: the YAML text.
        what: its name in messages.
        folder: relative paths of label files count from here.

    Raises:
        InputError: as `read_sweep`.
    """
    sweep = parse_text(text, what, Sweep)
    start = sweep.start.in_folder(folder) if sweep.start is not None else sweep.pretrain
    return sweep.model_copy(update={"data": sweep.data.with_folder(folder), "pretrain": start})


def parse_text(text: str, what: str, kind: type[_Kind]) -> _Kind:
    """Read YAML text as a sweep or a kind of it; paths stay as they are written.

    Args:
        text: the YAML text.
        what: its name in messages.
        kind: what it is to be.

    Raises:
        InputError: as `read_sweep`.
    """
    try:
        data = load_yaml(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        raise InputError(f"{what} is not YAML: {plain_line(str(error), 300)}") from error
    if not isinstance(data, dict):
        raise InputError(f"{what} must hold keys and values, found {type(data).__name__}: start from a preset")
    if "buy" in data and "buy" not in kind.model_fields:
        raise InputError(f"{what} has a section 'buy', so it is a purchase's: use it with 'asteroid-study buy'")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{what}: {one_line(error, kind)}") from error
    except (RecursionError, OverflowError) as error:
        raise InputError(f"{what} holds a number or a nesting beyond all measure: correct it") from error


def sweep_yaml(sweep: Sweep) -> str:
    """The sweep in full, defaults included, as YAML that `parse_sweep` reads back."""
    return yaml.safe_dump(sweep.model_dump(mode="python") | {"data": _data_plain(sweep)}, sort_keys=False)


def sweep_plain(sweep: Sweep) -> dict[str, Any]:
    """The sweep in full as plain data for comparing and for the manifest; infinity becomes text."""
    plain: dict[str, Any] = _infinity_as_text(yaml.safe_load(sweep_yaml(sweep)))
    return plain


def _infinity_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _infinity_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_infinity_as_text(item) for item in value]
    return "inf" if value == math.inf else value


def _data_plain(sweep: Sweep) -> dict[str, Any]:
    data: dict[str, Any] = sweep.data.model_dump(mode="json", exclude_none=True)
    if not data["levels"]:  # so that folders of earlier versions are told to be of the same sweep
        del data["levels"]
    return data
