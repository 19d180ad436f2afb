"""What a fit leaves behind: the best weights, the validation curve and, where it was interrupted, how to go on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from asteroid.models.energy_zero import EnergyZero


@dataclass(frozen=True)
class Checkpoint:
    """The training of one model, interrupted between two steps after its first validation.

    Attributes:
        step: steps done.
        parameters: [P] weights.
        exp_avg: [P] Adam's first moment, the exponential average of the gradient.
        exp_avg_sq: [P] Adam's second moment, that of its square.
        ema: [P] exponential moving average of the weights.
    """

    step: int
    parameters: Tensor
    exp_avg: Tensor
    exp_avg_sq: Tensor
    ema: Tensor


@dataclass(frozen=True)
class Fit:
    """A trained model, or one whose training was interrupted; it lies on the CPU, wherever it was trained.

    Attributes:
        parameters: [P] weights with the lowest validation error.
        energy_shift_ev: constant to add to the model's energies (median residual of the training frames); NaN where
            the training was interrupted.
        start_shift_ev: mean residual of the energies before the first step.
        val_error: lowest validation error: force MAE in eV/Å (weighted where the member has weights), of energies alone
            their MAE in eV, or the score-matching loss in eV²/Å².
        validation_curve: (step, validation error) pairs.
        diverged_at_step: first step whose loss was not finite, or None.
        checkpoint: from where to go on; None where the training is finished.
        element_energies_ev: of several formulas, energies of the elements to add as well (see `EnergyZero`).
    """

    parameters: Tensor
    energy_shift_ev: float
    start_shift_ev: float
    val_error: float
    validation_curve: tuple[tuple[int, float], ...]
    diverged_at_step: int | None
    checkpoint: Checkpoint | None = None
    element_energies_ev: Tensor | None = None


class BestKeeper:
    """The best weights of each model so far, by validation error.

    Args:
        known: what the models were interrupted with, or their number.
        device: where they are trained; None: on the CPU.

    Attributes:
        best: [K, P] the best weights; empty before the first validation.
    """

    def __init__(self, known: Sequence[Fit] | int, device: torch.device | None = None) -> None:
        fits = [] if isinstance(known, int) else list(known)
        n_models = known if isinstance(known, int) else len(fits)
        self.best = torch.stack([fit.parameters for fit in fits]).to(device) if fits else torch.empty(0)
        self._errors = torch.tensor([fit.val_error for fit in fits] or [math.inf] * n_models, device=device)
        self._curves = [list(fit.validation_curve) for fit in fits] or [[] for _ in range(n_models)]
        self._diverged = [fit.diverged_at_step for fit in fits] or [None] * n_models

    def see(self, step: int, parameters: Tensor, errors: Tensor) -> None:
        """Compare weights [K, P] after a step by their validation errors [K]."""
        if self.best.numel() == 0:
            self.best = parameters.clone()
        better = errors < self._errors
        self.best[better] = parameters[better]
        self._errors = torch.where(better, errors, self._errors)
        for model, error in enumerate(errors.tolist()):
            self._curves[model].append((step, error))

    def fits(
        self,
        start: Sequence[EnergyZero],
        zeros: Sequence[EnergyZero],
        diverged_at_step: list[int | None],
        checkpoints: list[Checkpoint | None],
    ) -> list[Fit]:
        """One `Fit` per model."""
        return [
            Fit(
                parameters=self.best[model].to("cpu", copy=True),
                energy_shift_ev=zeros[model].constant_ev,
                start_shift_ev=start[model].constant_ev,
                val_error=float(self._errors[model]),
                validation_curve=tuple(self._curves[model]),
                diverged_at_step=self._diverged[model] or diverged_at_step[model],
                checkpoint=checkpoints[model],
                element_energies_ev=zeros[model].elements_ev,
            )
            for model in range(len(self._curves))
        ]
