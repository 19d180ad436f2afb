"""How the labels of a file were chosen among geometries: at random, by farthest-point sampling, or all of them.

The rule is kept under the key `selection_rule` in label files of this project and in the card beside them, because it
decides what a learning curve of these labels means: subsets of spread-out labels are spread out as well.
"""

from __future__ import annotations

import re
from pathlib import Path

from asteroid.errors import InputError
from asteroid.io.npz import read_sidecar
from asteroid.io.npz_arrays import open_arrays
from asteroid.labels.selection_rule import KEY, SelectionRule

_IN_XYZ = re.compile(rf'(?:^|\s){KEY}="?([^"\s]+)')


def selection_rule_of(path: str | Path) -> SelectionRule | None:
    """How the labels of a file were chosen: what its card `<stem>.meta.json` says, else the file; None: not stated.

    Args:
        path: a label file; names that are no files (md17:ethanol) state nothing.

    Raises:
        InputError: another rule than all, random or farthest, or the card or the file cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        return None
    card = read_sidecar(path) or {}
    if card.get(KEY) is not None:
        return _checked(card[KEY], str(card["sidecar"]))
    if path.suffix.lower() == ".npz":
        with path.open("rb") as source, open_arrays(source, path.name) as arrays:
            found = arrays.text(KEY)
    elif path.suffix.lower() in (".xyz", ".extxyz"):
        with path.open(encoding="utf-8", errors="replace") as text:
            text.readline()
            match = _IN_XYZ.search(text.readline())
        found = match.group(1) if match else ""
    else:
        found = ""
    return _checked(found, path.name) if found else None


def _checked(found: object, where: str) -> SelectionRule:
    if found == "farthest":
        return "farthest"
    if found == "random":
        return "random"
    if found == "all":
        return "all"
    raise InputError(f"{KEY} in {where} must be all, random or farthest, found {found!r}: correct it")
