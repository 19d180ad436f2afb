"""The loss of a pack against labels: energies and forces, weighted by bias, with or without a base to add to.

Labels that are energies alone are learned and judged by energies; a pack has labels of one kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.models.energy_zero import EnergyZero, fit_zero
from asteroid.models.network import stack_scalings
from asteroid.models.predict import predict, same_rows
from asteroid.training.losses import weighted_loss
from asteroid.training.objective import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asteroid.descriptors.frame_bank import FrameTensors
    from asteroid.models.network import Inputs, Network
    from asteroid.training.objective import Member

#: Frames that an energy constant is taken from: a pass over more costs more than it tells.
_SHIFT_FRAMES = 4096


class LabelObjective:
    """Energy and force loss of K models on their own batches (`asteroid.training.objective.Objective`).

    Args:
        network: the architecture.
        frames: one level's frames.
        members: the K models.
        places: [K, steps, M] places of the batches in each model's list of training frames.
        rows: [K, steps, M] the same as rows of the frame tensors.
        share_batches: all models draw the same batches.
    """

    def __init__(
        self,
        network: Network,
        frames: FrameTensors,
        members: list[Member],
        places: Tensor,
        rows: Tensor,
        share_batches: bool,
    ) -> None:
        self._network, self._frames, self._members = network, frames, members
        self._scaling = stack_scalings([m.scaling for m in members])
        self._rho = torch.tensor([m.schedule.rho for m in members], device=frames.device)
        self._rows = rows[:1] if share_batches else rows
        self._batch_rows = self._rows.unbind(1)
        self._energies_alone = members[0].energies_alone
        self._weights = _batch_weights(frames, members, places, rows)
        self._energies, self._forces = _labels(frames, members)
        # Not the median: it would put one frame on the kink of |dE|, where rounding decides the sign of the gradient.
        self.start_zeros = self._zeros(torch.stack([m.parameters for m in members]), Tensor.mean)
        # [K, steps, M], shifted in float64.
        shifted = [
            own[r] - zero.of(frames.numbers_of(r))
            for own, zero, r in zip(self._energies, self.start_zeros, rows, strict=True)
        ]
        self._batch_energy = torch.stack(shifted).float()

    def batches(self) -> Iterator[Inputs]:
        """Inputs of one batch after another."""
        return self._network.batches(self._frames, self._batch_rows)

    def batch(self, step: int) -> Batch:
        """What a step needs besides its inputs."""
        weights = None if self._weights is None else self._weights[:, step]
        return Batch(self._batch_rows[step], self._batch_energy[:, step], weights)

    def batch_at(self, step: Tensor) -> tuple[Inputs, Batch]:
        """Inputs of a step whose number [1] lies on the device, and what it needs besides."""
        steps = (self._rows, self._batch_energy, self._weights)
        batch = Batch(*(None if own is None else own.index_select(1, step).squeeze(1) for own in steps))  # type: ignore[arg-type]
        return next(iter(self._network.batches(self._frames, [batch.rows]))), batch

    def loss(self, parameters: Tensor, inputs: Inputs, batch: Batch) -> Tensor:
        """Loss [K] of one batch in units of each model's force scale."""
        energy, forces = self._network.energy_and_forces(parameters, self._scaling, inputs)
        assert batch.energy is not None
        if self._energies_alone:
            return (energy - batch.energy).abs().mean(-1) / self._scaling.force_scale_ev_ang
        loss = weighted_loss(
            energy - batch.energy,
            forces - self._labelled_forces(batch.rows),
            batch.weights,
            self._rho,
            self._members[0].schedule.force_loss,
        )
        return loss / self._scaling.force_scale_ev_ang

    def validate(self, parameters: Tensor) -> Tensor:
        """Force MAE [K] on each member's held-out frames, in eV/Å; weighted as its training is.

        Of energies alone it is their MAE in eV, the energy's constant being that of the training frames.
        """
        errors = torch.empty(len(self._members), device=self._frames.device)
        for group in same_rows([m.val_rows for m in self._members]):
            rows = self._members[group[0]].val_rows
            energy, forces = predict(self._network, self._frames, rows, self._scaling.rows(group), parameters[group])
            if self._energies_alone:
                for model, own in zip(group, energy.double(), strict=True):
                    zero = self.start_zeros[model].of(self._frames.numbers_of(rows))
                    errors[model] = (own - (self._energies[model][rows] - zero)).abs().mean()
                continue
            for model, own in zip(group, forces, strict=True):
                difference = own - self._forces[model if len(self._forces) > 1 else 0][rows]
                per_frame = self._frames.component_mean(difference.abs(), rows)
                weights = self._members[model].val_weights
                errors[model] = per_frame.mean() if weights is None else (per_frame * weights).sum() / weights.sum()
        return errors

    def energy_zeros(self, parameters: Tensor) -> list[EnergyZero]:
        """Median residual of the training frames' energies, beyond that of the elements of several molecules."""
        return self._zeros(parameters, Tensor.median)

    def _labelled_forces(self, batch: Tensor) -> Tensor:
        """Labels [K or 1, M, 3A] of a batch [K or 1, M]; members with bases of their own have labels of their own."""
        if len(self._forces) == 1:
            shared: Tensor = self._forces[0].index_select(0, batch.flatten()).unflatten(0, batch.shape)
            return shared
        return self._forces[torch.arange(len(self._forces), device=batch.device)[:, None], batch]

    def _zeros(self, parameters: Tensor, middle: Callable[[Tensor], Tensor]) -> list[EnergyZero]:
        """What each member's energies miss on its training frames, or on many of them."""
        zeros = [EnergyZero(0.0)] * len(self._members)
        sampled = [m.train_rows[:_SHIFT_FRAMES] for m in self._members]  # at random: the order is that of hashes
        for group in same_rows(sampled):
            rows = sampled[group[0]]
            energy, _ = predict(self._network, self._frames, rows, self._scaling.rows(group), parameters[group])
            for model, own in zip(group, energy.double(), strict=True):
                zeros[model] = fit_zero(self._energies[model][rows] - own, self._frames, rows, middle)
        return zeros


def _labels(frames: FrameTensors, members: list[Member]) -> tuple[list[Tensor], Tensor]:
    """What each model is to learn: energies [N] by model (float64) and forces [K or 1, N, 3A]."""
    if all(m.base is None for m in members):
        return [frames.energy] * len(members), frames.forces[None]
    energies = [frames.energy if m.base is None else frames.energy - m.base.energy for m in members]
    forces = [frames.forces if m.base is None else frames.forces - m.base.forces for m in members]
    return energies, torch.stack(forces)


def _batch_weights(frames: FrameTensors, members: list[Member], places: Tensor, rows: Tensor) -> Tensor | None:
    """Factor [K, steps, M] of each frame's force term: its bias weight and, of several molecules, its padding_factor.

    None where all are one.
    """
    padding_factor = frames.padding_factor(rows)
    if padding_factor is None and all(m.train_weights is None for m in members):
        return None
    weights = [
        torch.ones(own.shape, device=own.device) if member.train_weights is None else member.train_weights[own]
        for member, own in zip(members, places, strict=True)
    ]
    return torch.stack(weights) if padding_factor is None else torch.stack(weights) * padding_factor
