"""Sweep files that ship with the package; a preset's name works in place of a file."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError

if TYPE_CHECKING:
    from study.config.sweep import Sweep


def preset_names() -> list[str]:
    """Names of all presets."""
    files = resources.files(__package__).iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def load_sweep(name_or_file: str) -> Sweep:
    """Read a sweep file, or a preset by its name.

    Raises:
        InputError: there is neither, or the sweep breaks a rule.
    """
    from study.config.sweep import parse_sweep, read_sweep  # loads torch

    path = Path(name_or_file)
    if path.is_file():
        return read_sweep(path)
    names = preset_names()
    if name_or_file in names:
        text = resources.files(__package__).joinpath(f"{name_or_file}.yaml").read_text(encoding="utf-8")
        return parse_sweep(text, f"preset {name_or_file}", Path.cwd())
    near = difflib.get_close_matches(name_or_file, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"presets are {', '.join(names)}"
    raise InputError(f"a sweep is a file or a preset's name, found neither for {name_or_file!r}: {hint}")
