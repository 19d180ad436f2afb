"""PaiNN in dense layout, eager, as an opponent for `training_speed.py`.

Written from the paper (Schütt, Unke and Gastegger, ICML 2021, arXiv 2102.03150): all pairs of atoms of a frame in one
[B, A, A] grid, scalar features [B, A, F] and vector features [B, A, 3, F].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class DensePaiNN(nn.Module):
    """Energy of frames [B, A, 3] of one composition."""

    def __init__(self, features: int = 64, layers: int = 3, n_radial: int = 20, cutoff_ang: float = 5.0) -> None:
        super().__init__()
        self.features, self.n_radial, self.cutoff_ang = features, n_radial, cutoff_ang
        self.embedding = nn.Embedding(100, features)
        self.filters = nn.ModuleList(nn.Linear(n_radial, 3 * features) for _ in range(layers))
        self.messages = nn.ModuleList(_two_layers(features, features, 3 * features) for _ in range(layers))
        self.mixers = nn.ModuleList(nn.Linear(features, 2 * features, bias=False) for _ in range(layers))
        self.updates = nn.ModuleList(_two_layers(2 * features, features, 3 * features) for _ in range(layers))
        self.readout = _two_layers(features, features // 2, 1)

    def forward(self, numbers: Tensor, positions: Tensor) -> Tensor:
        """Energies [B] of numbers [A] at positions [B, A, 3]."""
        n_frames, n_atoms, _ = positions.shape
        apart = ~torch.eye(n_atoms, dtype=torch.bool)
        offset = positions[:, None] - positions[:, :, None]
        distance = (offset.square().sum(-1) + (~apart).float()).sqrt()[..., None]
        direction = offset / distance
        order = torch.arange(1, self.n_radial + 1) * (math.pi / self.cutoff_ang)
        envelope = 0.5 * (torch.cos(math.pi * distance / self.cutoff_ang) + 1.0)
        envelope = envelope * (apart[..., None] & (distance < self.cutoff_ang))
        radial = torch.sin(order * distance) / distance
        scalars = self.embedding(numbers).expand(n_frames, -1, -1)
        vectors = torch.zeros(n_frames, n_atoms, 3, self.features)
        for filters, message, mixer, update in zip(self.filters, self.messages, self.mixers, self.updates, strict=True):
            weights = filters(radial) * envelope * message(scalars)[:, None]
            by_scalar, by_vector, by_direction = weights.chunk(3, -1)
            scalars = scalars + by_scalar.sum(2)
            moved = torch.einsum("bijf,bjxf->bixf", by_vector, vectors)
            vectors = vectors + moved + torch.einsum("bijf,bijx->bixf", by_direction, direction)
            left, right = mixer(vectors).chunk(2, -1)
            length = (left.square().sum(2) + 1e-8).sqrt()
            from_scalar, from_both, scale = update(torch.cat([scalars, length], -1)).chunk(3, -1)
            scalars = scalars + from_scalar + from_both * (left * right).sum(2)
            vectors = vectors + scale[:, :, None] * right
        energy: Tensor = self.readout(scalars).sum((1, 2))
        return energy


def _two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))
