"""Networks on descriptors with random weights and scalings, several at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.descriptors.layout import DescriptorSettings
from asteroid.models.mlp import MLPSettings
from asteroid.models.mlp_parameters import initial_parameters
from asteroid.models.network import Scaling

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from asteroid.descriptors.layout import Layout

    Describe = Callable[[Layout, np.ndarray], tuple[Tensor, Tensor]]

METHANOL = np.array([6, 8, 1, 1, 1, 1])
RESOLUTION = DescriptorSettings(n_radial=5, n_angular=2, l_max=2)
SMALL = MLPSettings(hidden=7, layers=2)


def random_mlps(layout: Layout, settings: MLPSettings, n_models: int) -> tuple[Tensor, Scaling]:
    """Random weights and scalings in float64: no two models and no two descriptors of an element scale alike."""
    parameters = torch.stack([initial_parameters(layout, settings, seed).double() for seed in range(n_models)])
    rng = np.random.default_rng(0)
    mean, inverse_std = np.empty((2, n_models, layout.width))
    for block in layout.blocks:
        shape = (n_models, len(block.channels))
        cut = slice(block.start, block.stop)
        mean[:, cut] = np.tile(rng.normal(size=shape), len(block.atoms))
        inverse_std[:, cut] = np.tile(rng.uniform(0.3, 3.0, size=shape), len(block.atoms))
    scale = torch.tensor(rng.uniform(0.5, 2.0, size=n_models))
    return parameters, Scaling(torch.tensor(mean), torch.tensor(inverse_std), scale)
