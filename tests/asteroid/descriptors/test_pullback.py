"""Products and their gradient by positions, against the descriptors and their Jacobians."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from asteroid.datasets import load_methanol
from asteroid.descriptors.layout import DescriptorSettings, make_layout
from asteroid.descriptors.pullback import pair_plan, products_of, pull_back

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = (
    DescriptorSettings(n_radial=3, n_angular=2, l_max=3),
    DescriptorSettings(n_radial=4, n_angular=1, l_max=0, cutoff_ang=2.0),
    DescriptorSettings(n_radial=1, n_angular=3, l_max=2, sites=(2, 3, 0, 0, 0, 1)),
)


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_gradient_is_that_of_the_jacobians(
    settings: DescriptorSettings, describe_float64: Callable[..., Any]
) -> None:
    labels = load_methanol().accurate
    layout = make_layout(labels.numbers, settings)
    positions = labels.positions[:4]
    values, jacobians = (tensor.numpy() for tensor in describe_float64(layout, positions))
    plan = pair_plan(layout)
    products, tape = products_of(plan, positions)
    assert np.concatenate([products[i][:, own] for i, own in enumerate(plan.channels)], 1) == pytest.approx(values)
    assert products == pytest.approx(products[:, :, plan.mirrored])
    by_values = np.random.default_rng(0).standard_normal(values.shape)
    gradient, start = np.zeros(products.shape), 0
    for centre, own in enumerate(plan.channels):
        gradient[centre][:, own] = by_values[:, start : (start := start + len(own))]
    gradient = 0.5 * (gradient + gradient[:, :, plan.mirrored])
    expected = np.einsum("nw,nwx->nx", by_values, jacobians).reshape(positions.shape)
    assert pull_back(plan, tape, gradient) == pytest.approx(expected, abs=1e-10)
