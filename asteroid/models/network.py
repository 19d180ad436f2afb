"""What the fit loop asks of a network: K models of one architecture as functions of flat weights.

One file per architecture implements `Network`; `asteroid.models.make_network` names them. The next architecture is one
file and one line more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from asteroid.descriptors.frame_bank import FrameTensors

#: What an architecture reads of a batch of frames.
Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class Scaling:
    """Fixed numbers that bring inputs and forces to order one; taken from the frames a chain starts on.

    Attributes:
        mean: [K, W] mean of each input.
        inverse_std: [K, W] inverse of its spread.
        force_scale_ev_ang: [K] mean absolute force component, eV/Å.
    """

    mean: Tensor
    inverse_std: Tensor
    force_scale_ev_ang: Tensor

    def rows(self, index: Tensor) -> Scaling:
        """Scaling of some of the models."""
        return Scaling(self.mean[index], self.inverse_std[index], self.force_scale_ev_ang[index])


def stack_scalings(scalings: Sequence[Scaling]) -> Scaling:
    """Scaling of K models from those of its members."""
    return Scaling(
        torch.cat([s.mean for s in scalings]),
        torch.cat([s.inverse_std for s in scalings]),
        torch.cat([s.force_scale_ev_ang for s in scalings]),
    )


class Network(Protocol):
    """K models of one architecture, side by side. P weights each, in one flat tensor [K, P]."""

    def parameter_count(self) -> int:
        """Number of weights P of one model."""
        ...

    def initial_parameters(self, seed: int) -> Tensor:
        """Random weights [P] of one model."""
        ...

    def trainable_mask(self, frozen_layers: int) -> Tensor:
        """Zero [P] for weights of the first layers, counted from the inputs; one for the others."""
        ...

    def measure_scaling(self, frames: FrameTensors, rows: Tensor, forces: Tensor) -> Scaling:
        """Scaling of one model (K = 1) from its training frames [n] and the forces [n, 3A] that it is to learn."""
        ...

    def batches(self, frames: FrameTensors, rows: Iterable[Tensor]) -> Iterator[Inputs]:
        """Inputs of one batch after another.

        Args:
            frames: the frames.
            rows: of each batch, the rows [K, M] of every model's own frames, or [1, M] where all models share them.
        """
        ...

    def energy_and_forces(self, parameters: Tensor, scaling: Scaling, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Energies [K, M] in eV up to a constant and forces [K, M, 3A] in eV/Å; differentiable by the weights."""
        ...
