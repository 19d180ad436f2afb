"""Networks from positions: the sum of models as single precision has it, whatever goes together, and its own slope."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors.describe import describe
from asteroid.descriptors.layout import DescriptorSettings, make_layout
from asteroid.models.mlp import MLPSettings
from asteroid.models.mlp_positions import sum_of_mlps
from asteroid.models.network import Scaling


@pytest.mark.parametrize(("layers", "sites"), [(1, None), (2, (2, 3, 0, 0, 0, 1)), (3, None)])
def test_a_sum_of_networks(layers: int, sites: tuple[int, ...] | None) -> None:
    labels = load_methanol().accurate
    layout = make_layout(labels.numbers, DescriptorSettings(n_radial=4, n_angular=2, l_max=2, sites=sites))
    settings = MLPSettings(hidden=8, layers=layers)
    network = settings.network(layout)
    parameters = torch.stack([network.initial_parameters(seed) for seed in range(2)])
    descriptors, jacobians = describe(layout, labels.positions[:70])
    scaling = Scaling(
        descriptors.mean(0)[None].repeat(2, 1) * torch.tensor([[1.0], [0.5]]),
        torch.stack([torch.full((layout.width,), 2.0), torch.full((layout.width,), 1.5)]),
        torch.tensor([0.5, 2.0]),
    )
    expected = network.energy_and_forces(parameters, scaling, (descriptors[None], jacobians[None]))
    summed = sum_of_mlps(layout, settings, parameters, scaling)
    energy, forces = summed(labels.positions[:70])
    assert energy == pytest.approx(expected[0].sum(0).numpy(), abs=1e-4)
    assert forces.reshape(70, -1) == pytest.approx(expected[1].sum(0).numpy(), abs=1e-3)
    assert summed(labels.positions[:1])[0] == pytest.approx(energy[:1], abs=1e-11)
    x, direction = labels.positions[:1], np.random.default_rng(0).standard_normal((1, 6, 3))
    slope = (summed(x + 1e-5 * direction)[0] - summed(x - 1e-5 * direction)[0]) / 2e-5
    assert -(forces[0] * direction).sum() == pytest.approx(float(slope[0]), rel=1e-6)
