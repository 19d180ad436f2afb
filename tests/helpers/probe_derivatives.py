"""First and second derivatives of descriptors along probes, by finite differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor

    from asteroid.descriptors.layout import Layout

    Describe = Callable[[Layout, np.ndarray], tuple[Tensor, Tensor]]


def derivatives_along(
    describe_float64: Describe, layout: Layout, positions: np.ndarray, probes: np.ndarray
) -> tuple[Tensor, ...]:
    """Descriptors [1, M, W], J v and D''[v, v] [1, M, V, W] in float64, the latter from the hand-written Jacobians."""
    values, jacobians = describe_float64(layout, positions)
    flat = torch.tensor(probes).flatten(2)
    first = torch.einsum("mwa,mva->mvw", jacobians, flat)
    second = torch.zeros_like(first)
    for v in range(probes.shape[1]):
        # Fourth-order central differences.
        for step, share in ((5e-4, 4 / 3), (1e-3, -1 / 3)):
            up, down = (describe_float64(layout, positions + sign * step * probes[:, v])[1] for sign in (1, -1))
            second[:, v] += share * torch.einsum("mwa,ma->mw", up - down, flat[:, v]) / (2 * step)
    return values[None], first[None], second[None]
