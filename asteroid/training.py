"""One fit loop for every gradient-trained stage, over a pack of K models at once.

Each model of a pack has its own frames, bias weights, rates, rho and seeds. The members never mix: every operation is
elementwise or a batched product along the model axis, so a packed model equals its unpacked twin up to rounding. Where
all members draw the same batches, a batch is gathered once and its Jacobians are read once for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.models.mlp import MLPSettings, Scaling, energy_and_forces, stack_scalings, trainable_mask
from asteroid.objectives import ForceLoss, weighted_loss

if TYPE_CHECKING:
    from asteroid.descriptors import Layout

#: Bumped by hand whenever the arithmetic of training changes; part of every stage key.
TRAINER_VERSION = 3

_CHUNK = 128


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


@dataclass(frozen=True)
class FrameTensors:
    """Labelled and described frames of one level.

    Attributes:
        descriptors: [N, W] float32.
        jacobians: [N, W, 3A] float32, per Å.
        energy: [N] float64, eV.
        forces: [N, 3A] float32, eV/Å.
    """

    descriptors: Tensor
    jacobians: Tensor
    energy: Tensor
    forces: Tensor


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
    """

    parameters: Tensor
    scaling: Scaling
    train_rows: Tensor
    val_rows: Tensor
    train_weights: Tensor | None
    val_weights: Tensor | None
    schedule: Schedule
    batch_seed: int


@dataclass(frozen=True)
class Fit:
    """A trained model.

    Attributes:
        parameters: [P] weights with the lowest validation error.
        energy_shift_ev: constant to add to the model's energies (median residual of the training frames).
        val_force_mae_ev_ang: lowest validation error (weighted where the member has weights).
        validation_curve: (step, validation error) pairs.
        diverged_at_step: first step at which the loss was seen not to be finite, or None.
    """

    parameters: Tensor
    energy_shift_ev: float
    val_force_mae_ev_ang: float
    validation_curve: tuple[tuple[int, float], ...]
    diverged_at_step: int | None


#: Called after a validation with the number of steps done and the validation error (eV/Å) of every place of the pack.
OnValidation = Callable[[int, list[float]], None]


def fit_pack(
    layout: Layout,
    settings: MLPSettings,
    frames: FrameTensors,
    members: list[Member],
    *,
    share_batches: bool = False,
    on_validation: OnValidation | None = None,
) -> list[Fit]:
    """Train K models together.

    Args:
        layout: descriptors of the frames.
        settings: size of the networks.
        frames: one level's frames.
        members: the K models; steps, batch size, force loss and number of validations are equal within a pack.
        share_batches: all members draw the same batches (equal frames and batch seeds): gather each batch once.
        on_validation: called after every validation.

    Returns:
        one `Fit` per member, in order.
    """
    schedule = members[0].schedule
    scaling = stack_scalings([m.scaling for m in members])
    batches = torch.stack([_batches(len(m.train_rows), m.schedule, m.batch_seed) for m in members])
    rows = torch.stack([m.train_rows[b] for m, b in zip(members, batches, strict=True)])  # [K, steps, M]
    if share_batches and not all(torch.equal(rows[0], other) for other in rows[1:]):
        raise ValueError("members that share batches need equal training frames and batch seeds")
    weights = _batch_weights(members, batches)
    rates = torch.tensor([[m.schedule.rate(step) for m in members] for step in range(schedule.steps)])
    rho = torch.tensor([m.schedule.rho for m in members])
    clip = torch.tensor([m.schedule.clip_norm for m in members])
    ema_decay = torch.tensor([[m.schedule.ema] for m in members])

    parameters = torch.stack([m.parameters for m in members]).requires_grad_()
    # Not the median: it would put one frame on the kink of |dE|, where rounding decides the sign of the gradient.
    start = _energy_residuals(layout, settings, frames, members, parameters.detach())
    shift = torch.stack([residual.mean() for residual in start])
    energy = (frames.energy[rows] - shift[:, None, None]).float()  # [K, steps, M], shifted in float64
    first, second = torch.zeros_like(parameters), torch.zeros_like(parameters)
    average = parameters.detach().clone()
    trainable = _trainable(layout, settings, members)
    keeper = _BestKeeper(len(members))
    validate_at = schedule.validation_steps()

    for step in range(schedule.steps):
        batch = rows[:1, step] if share_batches else rows[:, step]
        flat = batch.flatten()
        descriptors = frames.descriptors.index_select(0, flat).unflatten(0, batch.shape)
        jacobians = frames.jacobians.index_select(0, flat).unflatten(0, batch.shape)
        forces = frames.forces.index_select(0, flat).unflatten(0, batch.shape)
        predicted_energy, predicted_forces = energy_and_forces(
            layout, settings, parameters, scaling, descriptors, jacobians
        )
        loss = weighted_loss(
            predicted_energy - energy[:, step],
            predicted_forces - forces,
            None if weights is None else weights[:, step],
            rho,
            schedule.force_loss,
        )
        (gradient,) = torch.autograd.grad((loss / scaling.force_scale_ev_ang).sum(), parameters)
        with torch.no_grad():
            if trainable is not None:
                gradient *= trainable
            gradient *= (clip / gradient.norm(dim=1).clamp_min(1e-12)).clamp_max(1.0)[:, None]
            _adam_step(parameters, gradient, first, second, rates[step], step)
            # A young average must not remember the random start.
            average.lerp_(parameters, 1.0 - ema_decay.clamp_max((1 + step) / (10 + step)))
        if step + 1 in validate_at:
            errors = _validation_errors(layout, settings, frames, members, scaling, average)
            # Energies that are not finite spoil the loss and leave the forces' part of the gradient as it was.
            errors = errors.where(loss.detach().isfinite(), math.nan)
            keeper.see(step + 1, average, errors)
            if on_validation is not None:
                on_validation(step + 1, errors.tolist())

    end = _energy_residuals(layout, settings, frames, members, keeper.best)
    return keeper.fits(torch.stack([residual.median() for residual in end]))


class _BestKeeper:
    """The best weights of each model so far, by validation error."""

    def __init__(self, n_models: int) -> None:
        self.best = torch.empty(0)
        self._errors = torch.full((n_models,), math.inf)
        self._curves: list[list[tuple[int, float]]] = [[] for _ in range(n_models)]
        self._diverged: list[int | None] = [None] * n_models

    def see(self, step: int, parameters: Tensor, errors: Tensor) -> None:
        if self.best.numel() == 0:
            self.best = parameters.clone()
        better = errors < self._errors
        self.best[better] = parameters[better]
        self._errors = torch.where(better, errors, self._errors)
        for model, error in enumerate(errors.tolist()):
            self._curves[model].append((step, error))
            if not math.isfinite(error) and self._diverged[model] is None:
                self._diverged[model] = step

    def fits(self, shift: Tensor) -> list[Fit]:
        return [
            Fit(
                parameters=self.best[model].clone(),
                energy_shift_ev=float(shift[model]),
                val_force_mae_ev_ang=float(self._errors[model]),
                validation_curve=tuple(self._curves[model]),
                diverged_at_step=self._diverged[model],
            )
            for model in range(len(self._curves))
        ]


def _batches(n_frames: int, schedule: Schedule, seed: int) -> Tensor:
    """Positions [steps, batch] in the training list: one random pass over the frames after another."""
    generator = torch.Generator().manual_seed(seed)
    needed = schedule.steps * schedule.batch_size
    passes = [torch.randperm(n_frames, generator=generator) for _ in range(math.ceil(needed / n_frames))]
    return torch.cat(passes)[:needed].reshape(schedule.steps, schedule.batch_size)


def _batch_weights(members: list[Member], batches: Tensor) -> Tensor | None:
    """Bias weights [K, steps, M] of the frames in every batch, or None where no member has weights."""
    if all(m.train_weights is None for m in members):
        return None
    parts = []
    for member, batch in zip(members, batches, strict=True):
        weights = member.train_weights
        parts.append(torch.ones(batch.shape) if weights is None else weights[batch])
    return torch.stack(parts)


def _trainable(layout: Layout, settings: MLPSettings, members: list[Member]) -> Tensor | None:
    """One for weights that may move and zero for frozen ones [K, P], or None where all may move."""
    if all(m.schedule.frozen_layers == 0 for m in members):
        return None
    return torch.stack([trainable_mask(layout, settings, m.schedule.frozen_layers) for m in members])


def _adam_step(parameters: Tensor, gradient: Tensor, first: Tensor, second: Tensor, rate: Tensor, step: int) -> None:
    """Adam (Kingma and Ba, arXiv 1412.6980) in place on flat weights [K, P] with one rate per model [K]."""
    first.lerp_(gradient, 0.1)
    second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
    correction = math.sqrt(1.0 - 0.999 ** (step + 1))
    step_size = rate * (correction / (1.0 - 0.9 ** (step + 1)))
    parameters.sub_(first.div(second.sqrt().add_(1e-8 * correction)).mul_(step_size[:, None]))


def predict(
    layout: Layout,
    settings: MLPSettings,
    frames: FrameTensors,
    rows: Tensor,
    scaling: Scaling,
    parameters: Tensor,
) -> tuple[Tensor, Tensor]:
    """Predict K models on the same frames.

    The models take their turns on each chunk of frames while its Jacobians are in the cache. One at a time, so that the
    rounding of a prediction does not depend on which other models are asked.

    Returns:
        energies [K, n] (eV, without the shift) and forces [K, n, 3A] (eV/Å).
    """
    n_models = len(parameters)
    energy = torch.empty(n_models, len(rows))
    forces = torch.empty(n_models, len(rows), frames.forces.shape[1])
    models = [(parameters[k : k + 1], scaling.rows(torch.tensor([k]))) for k in range(n_models)]
    with torch.no_grad():
        for start in range(0, len(rows), _CHUNK):
            cut = slice(start, start + _CHUNK)
            descriptors, jacobians = frames.descriptors[rows[cut]][None], frames.jacobians[rows[cut]][None]
            for k, (weights, scale) in enumerate(models):
                found = energy_and_forces(layout, settings, weights, scale, descriptors, jacobians)
                energy[k : k + 1, cut], forces[k : k + 1, cut] = found
    return energy, forces


def _validation_errors(
    layout: Layout,
    settings: MLPSettings,
    frames: FrameTensors,
    members: list[Member],
    scaling: Scaling,
    parameters: Tensor,
) -> Tensor:
    """Force MAE [K] on each member's held-out frames, in eV/Å; weighted as its training is."""
    errors = torch.empty(len(members))
    for group in _same_rows([m.val_rows for m in members]):
        index = torch.tensor(group)
        rows = members[group[0]].val_rows
        _, forces = predict(layout, settings, frames, rows, scaling.rows(index), parameters[index])
        per_frame = (forces - frames.forces[rows]).abs().mean(-1)
        for model, error in zip(group, per_frame, strict=True):
            weights = members[model].val_weights
            errors[model] = error.mean() if weights is None else (error * weights).sum() / weights.sum()
    return errors


def _energy_residuals(
    layout: Layout, settings: MLPSettings, frames: FrameTensors, members: list[Member], parameters: Tensor
) -> list[Tensor]:
    """Labelled minus predicted energies [n] (float64, eV) of each member's training frames."""
    residuals = [torch.empty(0)] * len(members)
    scaling = stack_scalings([m.scaling for m in members])
    for group in _same_rows([m.train_rows for m in members]):
        index = torch.tensor(group)
        rows = members[group[0]].train_rows
        energy, _ = predict(layout, settings, frames, rows, scaling.rows(index), parameters[index])
        for model, own in zip(group, energy.double(), strict=True):
            residuals[model] = frames.energy[rows] - own
    return residuals


def _same_rows(rows: list[Tensor]) -> list[list[int]]:
    """Members grouped by equal lists of rows, so that each group is predicted on shared frames."""
    groups: list[list[int]] = []
    for model, own in enumerate(rows):
        for group in groups:
            if torch.equal(rows[group[0]], own):
                group.append(model)
                break
        else:
            groups.append([model])
    return groups
