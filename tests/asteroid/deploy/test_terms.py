"""Models of every architecture to the record and back; tensors that do not fit their settings are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from exported_methanol import CARD, frames

from asteroid.datasets import load_methanol
from asteroid.deploy.folder import read_force_field, write_force_field
from asteroid.deploy.force_field import ForceField
from asteroid.deploy.terms import model_of, record_of
from asteroid.models.network import Scaling
from asteroid.models.schnet import SchNetSettings
from asteroid.models.sgdml.fit import fit_kernel
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.potential import Potential

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.models.sgdml.model import KernelModel


@pytest.fixture(scope="module")
def kernel() -> KernelModel:
    labels = load_methanol().accurate.select(np.arange(8))
    assert labels.energy is not None
    assert labels.forces is not None
    settings = KernelSettings(sigmas=(10,))
    return fit_kernel(labels.numbers, labels.positions, labels.energy, labels.forces, settings, 0).model


def test_a_kernel_in_a_folder_predicts_the_same(kernel: KernelModel, tmp_path: Path) -> None:
    field = ForceField("ccsd_t/cc-pvdz", None, Potential(None, (kernel,)), (), frames(), CARD)
    write_force_field(field, tmp_path / "model")
    assert "sgdml" in (tmp_path / "model" / "requirements.txt").read_text()
    found = read_force_field(tmp_path / "model")
    x = frames().positions[10:12]
    for a, b in zip(field.predict(frames().numbers, x), found.predict(frames().numbers, x), strict=True):
        assert np.array_equal(a, b)
    assert found.region is not None


def test_a_schnet_comes_back() -> None:
    settings = SchNetSettings(hidden=8, layers=1, n_gaussians=5)
    weights = settings.network(None).initial_parameters(0)
    model = TrainedNetwork(settings, weights, Scaling(torch.empty(1, 0), torch.empty(1, 0), torch.ones(1)), -3.0)
    record = record_of(model)
    assert record.packages == ("torch-geometric",)
    back = model_of(record, model.tensors(), None)
    assert isinstance(back, TrainedNetwork)
    assert back.settings == settings
    assert torch.equal(back.parameters, weights)
    broken = model.tensors() | {"element_energies_ev": torch.zeros(5)}
    with pytest.raises(ValueError, match="element energies"):
        model_of(record, broken, None)


@pytest.mark.parametrize(
    "change",
    [
        {"descriptors": torch.zeros(8, 3)},
        {"permutations": torch.zeros(2, 6, dtype=torch.int64)},
        {"numbers": torch.zeros(6)},
        {"sigma": 0},
    ],
)
def test_a_kernel_that_was_made_up_is_refused(kernel: KernelModel, change: dict[str, object]) -> None:
    made_up = replace(kernel, **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a kernel"):
        model_of(record_of(kernel), made_up.tensors(), None)
