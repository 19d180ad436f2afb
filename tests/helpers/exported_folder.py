"""A calibrated force field of methanol in a folder, and files of geometries and labels for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase import Atoms
from ase.io import write
from exported_methanol import force_field, frames

from asteroid.deploy.calibration import calibrated
from asteroid.deploy.folder import write_force_field
from asteroid.io.write import write_labels
from asteroid.labels.label_set import LabelSet

if TYPE_CHECKING:
    from pathlib import Path


def write_model(folder: Path) -> Path:
    """`folder/model`, with `geometry.xyz` and `labels.npz` (of the model itself, .1 eV/Å off) beside it."""
    field, known = calibrated(force_field(), frames(60)), frames(12)
    write_force_field(field, folder / "model")
    write(folder / "geometry.xyz", Atoms(known.numbers, known.positions[0]), format="extxyz")
    energy, forces = field.predict(known.numbers, known.positions)
    write_labels(LabelSet(known.numbers, known.positions, energy, forces + 0.1, known.level), folder / "labels.npz")
    return folder / "model"
