"""The loss of a pack on frames without labels: score matching against how often geometries occur."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.models.energy_zero import EnergyZero
from asteroid.models.mlp import DescriptorMLP, curvature
from asteroid.models.network import stack_scalings
from asteroid.training.score_matching import score_loss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asteroid.descriptors.frame_bank import FrameTensors, Probes
    from asteroid.models.network import Inputs, Network, Scaling
    from asteroid.training.objective import Member

_CHUNK = 128


class ScoreObjective:
    """Score-matching loss of K models on their own batches (`asteroid.training.objective.Objective`).

    Args:
        network: the architecture; only the descriptor model has the curvature in a form that is cheap to train.
        frames: one level's frames, with probes.
        members: the K models, each with a temperature.
        rows: [K, steps, M] rows of the batches.
        share_batches: all models draw the same batches.
    """

    def __init__(
        self, network: Network, frames: FrameTensors, members: list[Member], rows: Tensor, share_batches: bool
    ) -> None:
        if not isinstance(network, DescriptorMLP) or frames.probes is None:
            raise ValueError("score matching needs the descriptor model and frames with probes")
        self._network: DescriptorMLP = network
        self._frames, self._members, self._probes = frames, members, frames.probes
        self._scaling = stack_scalings([m.scaling for m in members])
        self._kt_ev = torch.tensor([m.kt_ev for m in members])
        self._batch_rows = (rows[:1] if share_batches else rows).unbind(1)
        self.start_zeros = [EnergyZero(0.0)] * len(members)

    def batches(self) -> Iterator[Inputs]:
        """Inputs of one batch after another: descriptors, Jacobians, and derivatives along the probes."""
        return self._inputs(list(self._batch_rows))

    def loss(self, parameters: Tensor, inputs: Inputs, step: int) -> Tensor:  # noqa: ARG002
        """Loss [K] of one batch, per force component and in units of each model's squared force scale."""
        loss = _loss(self._network, parameters, self._scaling, inputs, self._kt_ev)
        return loss / (self._scaling.force_scale_ev_ang**2 * 3 * len(self._network.layout.numbers))

    def validate(self, parameters: Tensor) -> Tensor:
        """Score-matching loss [K] on each member's held-out frames, in eV²/Å²; the lower, the nearer to the forces."""
        losses = torch.zeros(len(self._members))
        with torch.no_grad():
            for model, member in enumerate(self._members):
                scaling, kt_ev = self._scaling.rows(torch.tensor([model])), self._kt_ev[model : model + 1]
                chunks = [rows[None] for rows in member.val_rows.split(_CHUNK)]
                for chunk, inputs in zip(chunks, self._inputs(chunks), strict=True):
                    own = _loss(self._network, parameters[model : model + 1], scaling, inputs, kt_ev)
                    losses[model] += own[0] * chunk.shape[1] / len(member.val_rows)
        return losses

    def energy_zeros(self, parameters: Tensor) -> list[EnergyZero]:
        """Nothing: the score does not tell the constant of the energy, which the fine-tuning finds."""
        return [EnergyZero(0.0)] * len(parameters)

    def _inputs(self, rows: list[Tensor]) -> Iterator[Inputs]:
        for batch, inputs in zip(rows, self._network.batches(self._frames, rows), strict=True):
            yield (*inputs, *_gather(self._probes, batch))


def _gather(probes: Probes, rows: Tensor) -> tuple[Tensor, Tensor]:
    flat = rows.flatten()
    return (
        probes.first.index_select(0, flat).unflatten(0, rows.shape),
        probes.laplacian.index_select(0, flat).unflatten(0, rows.shape),
    )


def _loss(network: DescriptorMLP, parameters: Tensor, scaling: Scaling, inputs: Inputs, kt_ev: Tensor) -> Tensor:
    descriptors, jacobians, first, laplacian = inputs
    _, forces = network.energy_and_forces(parameters, scaling, (descriptors, jacobians))
    bent = curvature(network.layout, network.settings, parameters, scaling, descriptors, first, laplacian[:, :, None])
    return score_loss(forces, bent, kt_ev)
