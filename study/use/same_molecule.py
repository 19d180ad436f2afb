"""Whether a file speaks of the molecule that a model knows: its charge and spin, which its elements do not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.electrons import charge_and_spin
from asteroid.io.formats import format_to_read

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.deploy.force_field import ForceField


def refuse_other_electrons(force_field: ForceField, path: Path) -> None:
    """Refuse a file whose molecule has another charge or spin than the model's; one that states none passes.

    Args:
        force_field: the model.
        path: a file of geometries or labels.

    Raises:
        InputError: it states another, or cannot be read.
    """
    stated = charge_and_spin([format_to_read(path).electrons(path)])
    if stated is not None and stated != force_field.electrons:
        raise InputError(
            f"the model is of a molecule with {force_field.electrons}, {path.name} states {stated}: give the file of "
            "that molecule, or correct what it states"
        )
