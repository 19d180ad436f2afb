"""What the steps of a pack need besides its state: rates, decays and limits, and Adam's corrections by step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class StepPlan:
    """What is fixed before the first step, however steps are taken.

    Attributes:
        rates: [steps, K] learning rates.
        ema_decay: [K, 1] largest decay of the moving average.
        clip: [K] largest norms of the gradient.
        trainable: [K, P] zero for frozen weights, or None.
        begin: number of steps that came before.
    """

    rates: Tensor
    ema_decay: Tensor
    clip: Tensor
    trainable: Tensor | None
    begin: int


def moment_corrections(step: int) -> tuple[float, float]:
    """What Adam (Kingma and Ba, arXiv 1412.6980) divides its moments by: of the root of the second, of the first."""
    return math.sqrt(1.0 - 0.999 ** (step + 1)), 1.0 - 0.9 ** (step + 1)


def young_decay(step: int) -> float:
    """Decay of the moving average at first: faster than later on, so that it forgets the random start."""
    return (1 + step) / (10 + step)
