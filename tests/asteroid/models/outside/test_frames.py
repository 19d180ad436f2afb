"""Frames to an outside program and predictions back: the same frames, or a line that says which are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase.io
import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.models.outside.frames import read_predictions, write_frames

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet

KEYS = ("REF_energy", "REF_forces")


def several(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Numbers, positions, energies and forces of a water, a hydrogen molecule and another water, padded."""
    numbers = np.array([[8, 1, 1], [1, 1, 0], [8, 1, 1]])
    random = np.random.default_rng(seed)
    positions, forces = random.normal(size=(2, 3, 3, 3)) * (numbers > 0)[None, ..., None]
    return numbers, positions, random.normal(size=3), forces


def test_what_is_written_is_read(tmp_path: Path) -> None:
    numbers, positions, energy, forces = several()
    write_frames(tmp_path / "a.xyz", numbers, positions, (energy, forces), np.array([0.5, 1.0, 1.5]))
    read = ase.io.read(tmp_path / "a.xyz", index=":")
    assert [atoms.info["config_weight"] for atoms in read] == [0.5, 1.0, 1.5]
    assert [len(atoms) for atoms in read] == [3, 2, 3]
    found = read_predictions(tmp_path / "a.xyz", numbers, positions, KEYS, "it")
    np.testing.assert_allclose(found[0], energy, atol=1e-7)
    np.testing.assert_allclose(found[1], forces, atol=1e-7)


def test_one_molecule_comes_back_padded_as_it_went(methanol_sets: tuple[LabelSet, LabelSet], tmp_path: Path) -> None:
    labels = methanol_sets[0].select(np.arange(3))
    numbers = np.pad(np.broadcast_to(labels.numbers, (3, 6)), ((0, 0), (0, 2)))
    positions, forces = (np.pad(values, ((0, 0), (0, 2), (0, 0))) for values in (labels.positions, labels.forces))
    write_frames(tmp_path / "a.xyz", numbers, positions, (labels.energy, forces))
    assert "config_weight" not in (tmp_path / "a.xyz").read_text()
    energy, found = read_predictions(tmp_path / "a.xyz", numbers, positions, KEYS, "it")
    np.testing.assert_allclose(energy, labels.energy)
    np.testing.assert_allclose(found, forces, atol=1e-7)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("none", "it must write a.xyz, found no such file: see its output, correct the command"),
        ("fewer", "it must predict the 3 frames that it is given, found 2: write each once, in their order"),
        (
            "swapped",
            "it must predict the geometries that it is given, .* found another one as frame 1: write the frames",
        ),
        ("moved", "it must predict the geometries that it is given, .* found another one as frame 2"),
        ("nan", r"it must predict finite energies and forces, found others for 1 of 3 frames \(the first is frame 0\)"),
        ("inf", r"it must predict finite energies and forces, found others for 3 of 3 frames"),
        ("key", "REF_energy"),
        ("cut", "it is cut off, fetch or write it again"),
    ],
)
def test_other_frames_and_other_values_are_refused(tmp_path: Path, fault: str, message: str) -> None:
    numbers, positions, energy, forces = several()
    path, written = tmp_path / "a.xyz", [numbers, positions.copy(), energy, forces]
    if fault == "fewer":
        written = [values[:2] for values in written]
    if fault == "swapped":
        written = [values[[0, 2, 1]] for values in written]
    if fault == "moved":
        written[1][2, 1, 0] += 0.01
    if fault == "nan":
        forces[0, 1, 2] = np.nan
    if fault == "inf":
        energy[:] = np.inf
    if fault != "none":
        write_frames(path, written[0], written[1], (written[2], written[3]))
    if fault == "key":
        path.write_text(path.read_text().replace("REF_energy", "energy_of_mine"))
    if fault == "cut":
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match=message):
        read_predictions(path, numbers, positions, KEYS, "it")
