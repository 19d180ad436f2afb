"""How long and how fast a model trains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asteroid.training.losses import ForceLoss


#: Bumped by hand whenever the arithmetic of training changes; part of every stage key.
TRAINER_VERSION = 5


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage trains.

    Attributes:
        steps: gradient steps.
        learning_rate: peak rate of Adam.
        warmup_steps: linear warm-up from zero.
        final_rate: share of the peak that the rate has fallen to after the last step; the decay is exponential.
        batch_size: frames per step.
        rho: share of the force term in the loss.
        force_loss: force term, "mae" or "l2" (see `objectives.force_term`).
        ema: decay of the running mean of weights that is validated and kept.
        clip_norm: largest gradient norm, in units of the scaled loss. The default acts on most early steps.
        frozen_layers: layers, counted from the descriptors, whose weights stay as they start.
        validations: how often the stage validates, evenly spaced; the last step always does.
    """

    steps: int
    learning_rate: float
    warmup_steps: int = 50
    final_rate: float = 0.02
    batch_size: int = 10
    rho: float = 0.99
    force_loss: ForceLoss = "l2"
    ema: float = 0.99
    clip_norm: float = 10.0
    frozen_layers: int = 0
    validations: int = 15

    def rate(self, step: int) -> float:
        """Learning rate of one step (counted from 0)."""
        warmup = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        return float(self.learning_rate * warmup * self.final_rate ** (step / self.steps))

    def validation_steps(self) -> frozenset[int]:
        """Numbers of steps after which the stage validates."""
        return frozenset(math.ceil(self.steps * (i + 1) / self.validations) for i in range(self.validations))
