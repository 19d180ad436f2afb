"""Labels of water in the npz layouts that are read, and what they are refused with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.labels.total_energy import all_electron_energy_ev
from asteroid.units import ENERGY_IN_EV

if TYPE_CHECKING:
    from pathlib import Path


WATER = np.array([8, 1, 1])


REST = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])


RNG = np.random.default_rng(0)


R = REST + 0.05 * RNG.normal(size=(4, 3, 3))


E = all_electron_energy_ev(WATER) + RNG.normal(size=4)


F = RNG.normal(size=(4, 3, 3))


KCAL = ENERGY_IN_EV["kcal/mol"]


def sgdml(**changes: Any) -> dict[str, Any]:
    """The keys and types of the CCSD(T) files published with sGDML."""
    content = {
        "z": WATER.astype(np.uint8),
        "R": R,
        "E": E[:, None] / KCAL,
        "F": F / KCAL,
        "type": np.array(b"d"),
        "md5": np.array(b"0123456789abcdef0123456789abcdef"),
        "name": np.array(b"water_ccsd_t"),
        "theory": np.array("Psi4: CCSD(T), cc-pVTZ"),
        **changes,
    }
    return {key: value for key, value in content.items() if value is not None}


def revised(**changes: Any) -> dict[str, Any]:
    content = {
        "nuclear_charges": WATER.astype(np.uint8),
        "coords": R,
        "energies": E / KCAL,
        "forces": F / KCAL,
        "old_indices": np.array([5, 9, 1, 2]),
        "old_energies": E,
        "old_forces": F,
        **changes,
    }
    return {key: value for key, value in content.items() if value is not None}


def plain(**changes: Any) -> dict[str, Any]:
    return {"z": WATER, "R": R, "E": E, "F": F, **changes}


def saved(folder: Path, content: dict[str, Any], name: str = "labels.npz") -> Path:
    np.savez(folder / name, **content)
    return folder / name


def check_values(labels: Any) -> None:
    assert labels.numbers.tolist() == [8, 1, 1]
    np.testing.assert_allclose(labels.positions, R, rtol=1e-12)
    np.testing.assert_allclose(labels.energy, E, rtol=1e-12)
    np.testing.assert_allclose(labels.forces, F, rtol=1e-12)


def refused(path: Path, level: str | None = "mp2", **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_labels(path, Declaration(level=level, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def flattened(**changes: Any) -> dict[str, Any]:
    """The layout of the reference code: one row per atom."""
    content = {"R": R.reshape(-1, 3), "Z": np.tile(WATER, 4), "N": np.full(4, 3), "E": E, "F": F.reshape(-1, 3)}
    return {**content, "id": np.array([3, 1, 4, 15]), **changes}
