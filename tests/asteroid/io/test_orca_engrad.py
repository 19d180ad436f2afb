"""ORCA's engrad files: energy, forces and geometry in our units; parts of them are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule
from orca_like import engrad

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path

WATER = molecule("H2O")
GRADIENT = np.array([[0.0, 0.0, 0.02], [0.0, 0.03, -0.01], [0.0, -0.03, -0.01]])
LEVEL = Declaration(level="ccsd_t/cc-pvdz")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "g00000.engrad"
    path.write_text(engrad(WATER, -76.24, GRADIENT))
    return path


def test_it_is_read_in_ev_and_angstrom(file: Path) -> None:
    found = read_labels(file, LEVEL)
    assert "ORCA's engrad file" in found.units
    labels = found.labels
    assert labels.energy is not None
    assert labels.forces is not None
    assert labels.numbers.tolist() == [8, 1, 1]
    np.testing.assert_allclose(labels.positions[0], WATER.positions, atol=1e-7)
    assert labels.energy[0] == pytest.approx(-76.24 * 27.211386, rel=1e-7)
    np.testing.assert_allclose(labels.forces[0], -GRADIENT * 27.211386 / 0.52917721, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(read_geometries(file, LEVEL).positions[0], WATER.positions, atol=1e-7)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (0, "0 of 1 numbers of the number of atoms"),
        (4, "0 of 1 numbers of the energy"),
        (15, "4 of 9 numbers of the gradient"),
        (20, "0 of 12 numbers of the coordinates"),
        (25, "8 of 12 numbers of the coordinates"),
    ],
)
def test_a_part_of_it_is_refused(file: Path, lines: int, found: str) -> None:
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:lines]))
    with pytest.raises(InputError, match=rf"g00000\.engrad must be an engrad file of ORCA .* found {found} \(did"):
        read_labels(file, LEVEL)
