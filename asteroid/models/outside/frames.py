"""Frames to an outside program and predictions back, as extended XYZ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import FloatArray, IntArray

#: Positions in a file of predictions may be rounded so far, Å.
_ROUNDED_ANG = 1e-3


def write_frames(
    path: Path,
    numbers: IntArray,
    positions: FloatArray,
    labels: tuple[FloatArray, FloatArray] | None = None,
    weights: FloatArray | None = None,
) -> None:
    """Write frames for an outside program.

    Args:
        path: the file.
        numbers: atomic numbers [N, A], zero where a frame has no atom.
        positions: [N, A, 3], Å.
        labels: energies [N] in eV and forces [N, A, 3] in eV/Å, as `REF_energy` and `REF_forces`.
        weights: factor of each frame in the loss [N], as `config_weight`.
    """
    import ase.io  # slow to load, and every worker that trains loads this module
    from ase import Atoms

    frames = []
    for place, (own, at) in enumerate(zip(numbers, positions, strict=True)):
        size = np.count_nonzero(own)
        atoms: Any = Atoms(own[:size], at[:size])
        if labels is not None:
            atoms.info["REF_energy"] = float(labels[0][place])
            atoms.arrays["REF_forces"] = labels[1][place, :size]
        if weights is not None:
            atoms.info["config_weight"] = float(weights[place])
        frames.append(atoms)
    ase.io.write(path, frames, format="extxyz")


def read_predictions(
    path: Path, numbers: IntArray, positions: FloatArray, keys: tuple[str, str], program: str
) -> tuple[FloatArray, FloatArray]:
    """Read what a program predicts.

    Args:
        path: the file that it wrote.
        numbers: atomic numbers [N, A] of the frames that it was given.
        positions: their positions [N, A, 3], Å.
        keys: where the energies and forces are.
        program: its name for messages.

    Returns:
        energies [N] in eV and forces [N, A, 3] in eV/Å, zero where a frame has no atom.

    Raises:
        InputError: there is no such file, it cannot be read, or it has other frames, or values that are not finite.
    """
    from asteroid.io.declaration import Declaration
    from asteroid.io.read import read_labels

    if not path.is_file():
        raise InputError(f"{program} must write {path.name}, found no such file: see its output, correct the command")
    found = read_labels(path, Declaration(level="outside", energy_key=keys[0], forces_key=keys[1]), several=True).labels
    assert found.energy is not None
    assert found.forces is not None
    if len(found) != len(numbers):
        raise InputError(
            f"{program} must predict the {len(numbers)} frames that it is given, found {len(found)}: write each once, "
            "in their order"
        )
    width = numbers.shape[1]
    own = np.zeros_like(numbers)
    at, forces = np.zeros(positions.shape), np.zeros(positions.shape)
    if found.positions.shape[1] <= width:
        size = found.positions.shape[1]
        own[:, :size], at[:, :size], forces[:, :size] = found.numbers, found.positions, found.forces
    others = (own != numbers).any(1) | ~(np.abs(at - positions) <= _ROUNDED_ANG).all((1, 2))
    if others.any():
        raise InputError(
            f"{program} must predict the geometries that it is given, in their order of frames and atoms, found "
            f"another one as frame {int(np.flatnonzero(others)[0])}: write the frames as they were read"
        )
    broken = ~(np.isfinite(found.energy) & np.isfinite(forces).all((1, 2)))
    if broken.any():
        raise InputError(
            f"{program} must predict finite energies and forces, found others for {int(broken.sum())} of {len(broken)} "
            f"frames (the first is frame {int(np.flatnonzero(broken)[0])}): the training may have "
            "diverged, lower its rate"
        )
    return np.array(found.energy), forces
