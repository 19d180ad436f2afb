"""Weights of per-atom multilayer perceptrons: their shapes, first values and views in one flat tensor [K, P]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asteroid.descriptors.layout import ElementBlock, Layout


class NetworkSize(Protocol):
    """Size of each element's network, as `asteroid.models.mlp.MLPSettings` has it."""

    @property
    def hidden(self) -> int:
        """Units per hidden layer."""
        ...

    @property
    def layers(self) -> int:
        """Hidden layers."""
        ...


#: Spread of the first layer's weights over that of unit variance. Measured on ethanol: .05-.3 are alike, 1 is worse.
_FIRST_LAYER_GAIN = 0.2


def parameter_count(layout: Layout, settings: NetworkSize) -> int:
    """Number of weights P of one model."""
    return sum(math.prod(shape) for block in layout.blocks for shape in _shapes(len(block.channels), settings))


def initial_parameters(layout: Layout, settings: NetworkSize, seed: int) -> Tensor:
    """Random weights [P] of one model: small on the descriptors, unit variance through the other layers.

    Small first weights make the untrained function smooth, and what the labels do not determine stays so.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for block in layout.blocks:
        for place, shape in enumerate(_shapes(len(block.channels), settings)):
            spread = 1.0 / math.sqrt(shape[0]) if len(shape) == 2 else 0.5
            spread *= _FIRST_LAYER_GAIN if place == 0 else 1.0
            parts.append((spread * torch.randn(shape, generator=generator)).flatten())
    return torch.cat(parts)


def trainable_mask(layout: Layout, settings: NetworkSize, frozen_layers: int) -> Tensor:
    """Zero [P] for the weights of the first layers of every element's network, one for the others."""
    parts = []
    for block in layout.blocks:
        for place, shape in enumerate(_shapes(len(block.channels), settings)):
            parts.append(torch.full((math.prod(shape),), float(place >= 2 * frozen_layers)))
    return torch.cat(parts)


def _shapes(n_channels: int, settings: NetworkSize) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []
    width = n_channels
    for _ in range(settings.layers):
        shapes += [(width, settings.hidden), (settings.hidden,)]
        width = settings.hidden
    return [*shapes, (settings.hidden,)]


def unpack_parameters(layout: Layout, settings: NetworkSize, parameters: Tensor) -> Iterator[Tensor]:
    """The weights of each block in the order of `_shapes`, as views [K, ...]."""
    runs = one_by_one(layout)
    for (block,), part in zip(runs, parameters_by_run(runs, settings, parameters), strict=True):
        yield from unpack_networks(len(block.channels), settings, part[:, 0])


def one_by_one(layout: Layout) -> tuple[tuple[ElementBlock, ...], ...]:
    """Every block as a run of its own (`Layout.runs` has those of one size together)."""
    return tuple((block,) for block in layout.blocks)


def parameters_by_run(
    runs: tuple[tuple[ElementBlock, ...], ...], settings: NetworkSize, parameters: Tensor
) -> tuple[Tensor, ...]:
    """The weights of each run of G blocks of one size, one network after the other, as views [K, G, ...]."""
    counts = [sum(map(math.prod, _shapes(len(run[0].channels), settings))) for run in runs]
    parts = parameters.split([len(run) * count for run, count in zip(runs, counts, strict=True)], 1)
    return tuple(own.view(len(own), -1, count) for own, count in zip(parts, counts, strict=True))


def unpack_networks(n_channels: int, settings: NetworkSize, networks: Tensor) -> list[Tensor]:
    """The weights of B networks of one size [B, ...] in the order of `_shapes`, as views [B, ...]."""
    shapes = _shapes(n_channels, settings)
    # One split has one gradient; as many slices would each fill a tensor of all weights with zeros.
    parts = networks.split([math.prod(shape) for shape in shapes], 1)
    return [part.view(-1, *shape) for shape, part in zip(shapes, parts, strict=True)]
