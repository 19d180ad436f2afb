"""Sweep files, and study files of purchases, that ship with the package; a preset's name works in place of a file."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError

if TYPE_CHECKING:
    from os import PathLike

    from study.config.buying import BuyStudy
    from study.config.sweep import Sweep

#: Endings of the files here.
_SWEEP, _PURCHASE = ".yaml", ".buy.yaml"


def preset_names() -> list[str]:
    """Names of all presets that are sweeps."""
    return [name for name in _named(_SWEEP) if not f"{name}{_SWEEP}".endswith(_PURCHASE)]


def purchase_names() -> list[str]:
    """Names of all presets that are purchases."""
    return _named(_PURCHASE)


def load_sweep(sweep: str | PathLike[str] | Sweep) -> Sweep:
    """Read a sweep file, or a preset by its name; a sweep is taken as it is.

    Raises:
        InputError: there is neither, or the sweep breaks a rule.
    """
    from study.config.sweep import Sweep  # loads torch
    from study.config.sweep_text import parse_sweep, read_sweep  # loads torch

    if isinstance(sweep, Sweep):
        return sweep
    if Path(sweep).is_file():
        return read_sweep(Path(sweep))
    text = _text(str(sweep), preset_names(), _SWEEP, "a sweep")
    return parse_sweep(text, f"preset {sweep}", Path.cwd())


def load_purchase(study: str | PathLike[str] | BuyStudy) -> BuyStudy:
    """Read the study file of a purchase, or a preset by its name; a study is taken as it is.

    Raises:
        InputError: there is neither, or the study breaks a rule.
    """
    from study.config.buying import BuyStudy, parse_buy_study, read_buy_study  # loads torch

    if isinstance(study, BuyStudy):
        return study
    if Path(study).is_file():
        return read_buy_study(Path(study))
    text = _text(str(study), purchase_names(), _PURCHASE, "a study")
    return parse_buy_study(text, f"preset {study}", Path.cwd())


def _named(ending: str) -> list[str]:
    files = resources.files(__package__).iterdir()
    return sorted(file.name.removesuffix(ending) for file in files if file.name.endswith(ending))


def _text(name: str, names: list[str], ending: str, what: str) -> str:
    """The text of a preset.

    Raises:
        InputError: there is none of that name.
    """
    if name in names:
        return resources.files(__package__).joinpath(f"{name}{ending}").read_text(encoding="utf-8")
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"presets are {', '.join(names)}"
    raise InputError(f"{what} is a file or a preset's name, found neither for {name!r}: {hint}")
