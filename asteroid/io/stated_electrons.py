"""Charge and spin that label files state of their molecule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.formats import format_to_read
from asteroid.labels.charge_and_spin import ChargeAndSpin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def stated_electrons(path: Path) -> ChargeAndSpin | None:
    """Charge and spin as a file states them; None where it says nothing.

    Raises:
        InputError: there is no such file, or its frames state different ones.
    """
    found = format_to_read(path).electrons(path)
    charge = found.charge or 0
    unpaired = found.unpaired(charge)
    return None if found.charge is None and unpaired is None else ChargeAndSpin(charge, unpaired or 0)


def common_electrons(paths: Iterable[Path]) -> ChargeAndSpin | None:
    """Charge and spin of a molecule that several files have labels of; None where none states them.

    Raises:
        InputError: as `stated_electrons`, or two files differ.
    """
    stated = [(path.name, found) for path in paths if (found := stated_electrons(path)) is not None]
    for name, found in stated[1:]:
        if found != stated[0][1]:
            raise InputError(
                f"files of a study are of one molecule, {stated[0][0]} states {stated[0][1]}, {name} {found}: give "
                "labels of one charge and spin"
            )
    return stated[0][1] if stated else None
