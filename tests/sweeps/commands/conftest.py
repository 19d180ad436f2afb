"""Molecules and geometries for the commands that label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ase.build import molecule
from ase.io import write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def water(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with water.xyz, ethanol.xyz and frames.xyz, 12 geometries of water."""
    folder = tmp_path_factory.mktemp("water")
    write(folder / "water.xyz", molecule("H2O"))
    write(folder / "ethanol.xyz", molecule("CH3CH2OH"))
    frames = []
    for seed in range(12):
        frames.append(molecule("H2O"))
        frames[-1].rattle(0.05, seed=seed)
    write(folder / "frames.xyz", frames)
    return folder
