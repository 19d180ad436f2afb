"""How the labels of a file were chosen among geometries: at random, by farthest-point sampling, or all of them.

The rule is kept under the key `selection_rule` in label files of this project and in their sidecars, because it
decides what a learning curve of these labels means: subsets of spread-out labels are spread out as well.
"""

from __future__ import annotations

from pathlib import Path

from asteroid.errors import InputError
from asteroid.io.formats import format_by_name
from asteroid.io.sidecar import read_sidecar
from asteroid.labels.selection_rule import KEY, SelectionRule


def selection_rule_of(path: str | Path) -> SelectionRule | None:
    """How the labels of a file were chosen: what its sidecar `<stem>.meta.json` says, else the file; None: not stated.

    Args:
        path: a label file; names that are no files (md17:ethanol) state nothing.

    Raises:
        InputError: another rule than all, random or farthest, or the sidecar or the file cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        return None
    sidecar = read_sidecar(path) or {}
    if sidecar.get(KEY) is not None:
        return _checked(sidecar[KEY], str(sidecar["sidecar"]))
    known = format_by_name(path)
    found = "" if known is None else known.selection_rule(path)
    return _checked(found, path.name) if found else None


def _checked(found: object, where: str) -> SelectionRule:
    if found == "farthest":
        return "farthest"
    if found == "random":
        return "random"
    if found == "all":
        return "all"
    raise InputError(f"{KEY} in {where} must be all, random or farthest, found {found!r}: correct it")
