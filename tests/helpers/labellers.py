"""Labellers of a rattled water or methanol, and the slope of their energies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase.build import molecule

from asteroid.labelling.labeller import Label, Method, label_frame
from asteroid.labelling.open_labeller import open_labeller

if TYPE_CHECKING:
    from asteroid.labelling.labeller import Labeller
    from asteroid.labels.label_set import FloatArray


WATER = molecule("H2O")
WATER.rattle(0.05, seed=1)


METHANOL = molecule("CH3OH")
METHANOL.rattle(0.05, seed=1)


def labeller_of(method: Method, atoms: object = WATER) -> Labeller:
    return open_labeller(method, atoms.numbers, atoms.positions[None])  # type: ignore[attr-defined]


def computed(labeller: Labeller, positions: FloatArray) -> Label:
    outcome = label_frame(labeller, positions)
    assert isinstance(outcome, Label), outcome
    return outcome


def slope(labeller: Labeller, positions: FloatArray, atom: int, axis: int, step: float = 1e-3) -> float:
    up, down = positions.copy(), positions.copy()
    up[atom, axis] += step
    down[atom, axis] -= step
    return (labeller(up)[0] - labeller(down)[0]) / (2 * step)
