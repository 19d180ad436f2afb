from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from random_mlps import SMALL

from asteroid.models.mlp import MLPSettings
from asteroid.models.mlp_parameters import initial_parameters, parameter_count, trainable_mask

if TYPE_CHECKING:
    from asteroid.descriptors.layout import Layout


def test_initial_weights_are_the_seeds(layout: Layout) -> None:
    settings = MLPSettings(hidden=32, layers=2)
    first = initial_parameters(layout, settings, 1)
    assert first.shape == (parameter_count(layout, settings),)
    assert torch.equal(first, initial_parameters(layout, settings, 1))
    assert not torch.equal(first, initial_parameters(layout, settings, 2))
    widths = [len(block.channels) for block in layout.blocks]
    assert first.numel() == sum(w * 32 + 32 + 32 * 32 + 32 + 32 for w in widths)
    matrix = first[: widths[0] * 32]
    assert float(matrix.std()) == pytest.approx(0.2 * widths[0] ** -0.5, rel=0.1)
    square = first[widths[0] * 32 + 32 :][: 32 * 32]
    assert float(square.std()) == pytest.approx(32**-0.5, rel=0.1)
    before = torch.random.get_rng_state()
    initial_parameters(layout, settings, 5)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_frozen_layers_are_counted_from_the_descriptors(layout: Layout, frozen: int) -> None:
    mask = trainable_mask(layout, SMALL, frozen)
    assert mask.shape == (parameter_count(layout, SMALL),)
    start = 0
    for block in layout.blocks:
        still = sum((width + 1) * 7 for width in (len(block.channels), 7)[:frozen])
        size = (len(block.channels) + 1) * 7 + 8 * 7 + 7
        assert not mask[start : start + still].any()
        assert (mask[start + still : start + size] == 1).all()
        start += size
    assert start == mask.numel()
