"""The loss of a pack on frames without labels: score matching against how often geometries occur."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from asteroid.models.energy_zero import EnergyZero
from asteroid.models.network import ScoreNetwork, stack_scalings
from asteroid.training.objective import Batch
from asteroid.training.score_matching import score_loss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from asteroid.descriptors.frame_bank import FrameTensors
    from asteroid.models.network import Inputs, Network
    from asteroid.training.objective import Member

_CHUNK = 128


class ScoreObjective:
    """Score-matching loss of K models on their own batches (`asteroid.training.objective.Objective`).

    Args:
        network: the architecture, one that matches scores.
        frames: one level's frames, with probes.
        members: the K models, each with a temperature.
        rows: [K, steps, M] rows of the batches.
        share_batches: all models draw the same batches.
    """

    def __init__(
        self, network: Network, frames: FrameTensors, members: list[Member], rows: Tensor, share_batches: bool
    ) -> None:
        if not isinstance(network, ScoreNetwork) or frames.probes is None:
            raise ValueError("score matching needs a network with second derivatives and frames with probes")
        self._network: ScoreNetwork = network
        self._frames, self._members, self._probes = frames, members, frames.probes
        self._scaling = stack_scalings([m.scaling for m in members])
        self._kt_ev = torch.tensor([m.kt_ev for m in members], device=frames.device)
        self._rows = rows[:1] if share_batches else rows
        self._batch_rows = self._rows.unbind(1)
        self.start_zeros = [EnergyZero(0.0)] * len(members)

    def batches(self) -> Iterator[Inputs]:
        """Inputs of one batch after another: descriptors, Jacobians, and derivatives along the probes."""
        return self._inputs(list(self._batch_rows))

    def batch(self, step: int) -> Batch:
        """Nothing is needed besides the inputs."""
        return Batch(self._batch_rows[step])

    def batch_at(self, step: Tensor) -> tuple[Inputs, Batch]:
        """Inputs of a step whose number [1] lies on the device."""
        batch = Batch(self._rows.index_select(1, step).squeeze(1))
        return next(iter(self._inputs([batch.rows]))), batch

    def loss(self, parameters: Tensor, inputs: Inputs, batch: Batch) -> Tensor:  # noqa: ARG002
        """Loss [K] of one batch, per force component and in units of each model's squared force scale."""
        forces, curvature = self._network.forces_and_curvature(parameters, self._scaling, inputs)
        loss = score_loss(forces, curvature, self._kt_ev)
        return loss / (self._scaling.force_scale_ev_ang**2 * 3 * self._frames.positions.shape[1])

    def validate(self, parameters: Tensor) -> Tensor:
        """Score-matching loss [K] on each member's held-out frames, in eV²/Å²; the lower, the nearer to the forces."""
        losses = torch.zeros(len(self._members), device=self._frames.device)
        with torch.no_grad():
            for model, member in enumerate(self._members):
                scaling, kt_ev = self._scaling.rows([model]), self._kt_ev[model : model + 1]
                chunks = [rows[None] for rows in member.val_rows.split(_CHUNK)]
                for chunk, inputs in zip(chunks, self._inputs(chunks), strict=True):
                    found = self._network.forces_and_curvature(parameters[model : model + 1], scaling, inputs)
                    losses[model] += score_loss(*found, kt_ev)[0] * chunk.shape[1] / len(member.val_rows)
        return losses

    def energy_zeros(self, parameters: Tensor) -> list[EnergyZero]:
        """Nothing: the score does not tell the constant of the energy, which the fine-tuning finds."""
        return [EnergyZero(0.0)] * len(parameters)

    def _inputs(self, rows: list[Tensor]) -> Iterator[Inputs]:
        return self._network.score_batches(self._frames, self._probes, rows)
