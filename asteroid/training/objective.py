"""What the fit loop trains: members of a pack and their objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from asteroid.descriptors.frame_bank import Prediction
    from asteroid.models.energy_zero import EnergyZero
    from asteroid.models.network import Inputs, Scaling
    from asteroid.training.schedule import Schedule


@dataclass(frozen=True)
class Member:
    """One model of a pack: what it starts from and what it learns from.

    Attributes:
        parameters: [P] weights to start from.
        scaling: its scaling (K = 1).
        train_rows: [n] rows of the frame tensors, in the stage's order.
        val_rows: [m] rows for keeping the best weights.
        train_weights: [n] bias weights with mean 1, or None.
        val_weights: [m] the same for the held-out frames, or None.
        schedule: steps, batch size and force loss must be the pack's.
        batch_seed: seed of the order of batches.
        base: prediction for all N rows of the frame tensors that the model is added to, or None.
        kt_ev: temperature k_B T of frames without labels, whose score is matched instead; None for labels.
        energies_alone: whether its labels have no forces, so that energies are all that it learns and is judged by.
    """

    parameters: Tensor
    scaling: Scaling
    train_rows: Tensor
    val_rows: Tensor
    train_weights: Tensor | None
    val_weights: Tensor | None
    schedule: Schedule
    batch_seed: int
    base: Prediction | None = None
    kt_ev: float | None = None
    energies_alone: bool = False


@dataclass(frozen=True)
class Batch:
    """What a step needs besides the inputs of its batch.

    Attributes:
        rows: [K, M] rows of every model's own frames, or [1, M] where all share them.
        energy: [K, M] labelled energies, shifted; None where no labels are read.
        weights: [K, M] factor of each frame's force term; None where all are one.
    """

    rows: Tensor
    energy: Tensor | None = None
    weights: Tensor | None = None


class Objective(Protocol):
    """What a pack minimises."""

    @property
    def start_zeros(self) -> Sequence[EnergyZero]:
        """What is taken off each model's energies before the first step."""
        ...

    def batches(self) -> Iterator[Inputs]:
        """Inputs of one batch after another."""
        ...

    def batch(self, step: int) -> Batch:
        """What a step needs besides, counted from the first one here."""
        ...

    def batch_at(self, step: Tensor) -> tuple[Inputs, Batch]:
        """Inputs of a step whose number [1] lies on the device, and what it needs besides."""
        ...

    def loss(self, parameters: Tensor, inputs: Inputs, batch: Batch) -> Tensor:
        """Loss [K] of one batch, of order one; differentiable by the parameters."""
        ...

    def validate(self, parameters: Tensor) -> Tensor:
        """Validation error [K]."""
        ...

    def energy_zeros(self, parameters: Tensor) -> Sequence[EnergyZero]:
        """What to add to the energies of each trained model."""
        ...
