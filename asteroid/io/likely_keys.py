"""Which arrays of a file could be energies and forces, by their shapes and names: examples for the user to correct."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def likely_keys(shapes: Mapping[str, tuple[int, ...]], positions: str) -> dict[str, str]:
    """Keys that could be named for energies and forces.

    Args:
        shapes: of every array of numbers with a fraction, by key.
        positions: the key of the positions.

    Returns:
        an example each of energy_key and forces_key; empty unless there is one of both.
    """
    of_positions = shapes.get(positions, ())
    if not of_positions:
        return {}
    n = of_positions[0]
    energies = [key for key, shape in shapes.items() if shape in {(n,), (n, 1)}]
    forces = [key for key, shape in shapes.items() if shape == of_positions and key != positions]
    if not (energies and forces):
        return {}
    return {"energy_key": _first_named(energies, "e"), "forces_key": _first_named(forces, "f")}


def _first_named(keys: list[str], letter: str) -> str:
    return min(keys, key=lambda key: (not key.lower().startswith(letter), key))
