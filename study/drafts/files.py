"""What a draft says of label files: what the user has declared, in the words of the sweep file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from asteroid.errors import InputError
from asteroid.io.md17 import is_md17
from study.config.label_files import LabelFile
from study.config.messages import one_line
from study.config.strict_yaml import load_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping


def declared(role: str, path: str, said: Mapping[str, str], folder: Path) -> LabelFile:
    """A label file with what the user says of it.

    Args:
        role: accurate or cheap, for messages.
        path: of the file, or the name of a set of MD17.
        said: keys of a label file in a sweep file, and their values as text ("28s", "true").
        folder: that relative paths count from.

    Raises:
        InputError: a key is unknown or its value is not possible; or the file is not there.
    """
    try:
        values = {key: load_yaml(value) for key, value in said.items()}
        given = LabelFile.model_validate({"file": path, **values})
    except ValidationError as error:
        raise InputError(f"--set {role}: {one_line(error, LabelFile)}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"--set {role} needs a value, found {dict(said)}: write for instance price=28s") from error
    if is_md17(given.file):
        return given
    resolved = (folder / given.file.expanduser()).resolve()
    if not resolved.is_file():
        raise InputError(f"--{role} is a file of labels, found none at {path!r}: correct the path")
    return given.model_copy(update={"file": resolved})


def flow_mapping(given: LabelFile, folder: Path) -> str:
    """A label file as one line of a draft, with nothing in it that the file or its card tells itself."""
    plain: dict[str, Any] = given.model_dump(mode="json", exclude_defaults=True)
    plain |= {key: f"{plain[key]:g}s" for key in ("price", "sampling_price") if key in plain}
    if not is_md17(given.file):
        plain["file"] = Path(os.path.relpath(given.file, folder.resolve())).as_posix()
    text = yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return text.strip()
