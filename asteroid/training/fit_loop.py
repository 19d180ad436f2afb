"""One fit loop for every gradient-trained stage, over a pack of K models at once.

Each model of a pack has its own frames, bias weights, rates, rho and seeds. The members never mix: every operation is
elementwise or a batched product along the model axis, so a packed model equals its unpacked twin up to rounding. Where
all members draw the same batches, a batch is gathered once and its Jacobians are read once for all of them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from asteroid.models.energy_zero import EnergyZero
from asteroid.training.captured_step import DeviceStep, PackState
from asteroid.training.fit import BestKeeper, Checkpoint, Fit
from asteroid.training.label_objective import LabelObjective
from asteroid.training.score_objective import ScoreObjective
from asteroid.training.step_plan import StepPlan, moment_corrections, young_decay

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameTensors
    from asteroid.models.network import Network
    from asteroid.training.objective import Member, Objective
    from asteroid.training.schedule import Schedule


#: Called after a validation with the number of steps done and the validation error of every place of the pack.
OnValidation = Callable[[int, list[float]], None]

#: How a step is taken: operation by operation, with everything that it needs in tables on the device, that captured as
#: one CUDA graph, or with its loss compiled before.
StepMode = Literal["eager", "device", "graph", "compiled"]


def fit_pack(
    network: Network,
    frames: FrameTensors,
    members: list[Member],
    *,
    share_batches: bool = False,
    on_validation: OnValidation | None = None,
    earlier: Sequence[Fit] = (),
    until: int | None = None,
    steps_as: StepMode | None = None,
) -> list[Fit]:
    """Train K models together.

    A training that is interrupted and gone on with in the same company gives the same bits as one that is not; members
    that are left out in between leave the others' arithmetic as it was, up to rounding.

    Args:
        network: the architecture.
        frames: one level's frames.
        members: the K models, which lie where the frames do; steps, batch size, force loss and number of validations
            are equal within a pack.
        share_batches: all members draw the same batches (equal frames and batch seeds): gather each batch once.
        on_validation: called after every validation.
        earlier: what the members were interrupted with, all at the same step; none to start anew.
        until: number of steps after which to interrupt, the first validation or a later step; None to finish.
        steps_as: how a step is taken; None: as a CUDA graph on a GPU, where the network allows it, else eagerly.

    Returns:
        one `Fit` per member, in order.

    Raises:
        ValueError: `until` comes before the first validation, or not after the steps that are done.
    """
    schedule = members[0].schedule
    validate_at = schedule.validation_steps()
    begin = earlier[0].checkpoint.step if earlier and earlier[0].checkpoint else 0
    end = schedule.steps if until is None else min(until, schedule.steps)
    if end < min(validate_at) or end <= begin:
        raise ValueError(f"{begin} steps are done and the first validation is at {min(validate_at)}, found until {end}")
    # [K, steps, M], drawn on the CPU: the same everywhere
    places = torch.stack([_batches(len(m.train_rows), m.schedule, m.batch_seed) for m in members]).to(frames.device)
    objective = _objective(network, frames, members, places[:, begin:end], share_batches)
    device = frames.device
    plan = StepPlan(
        rates=torch.tensor([[m.schedule.rate(step) for m in members] for step in range(begin, end)]).to(device),
        ema_decay=torch.tensor([[m.schedule.ema] for m in members], device=device),
        clip=torch.tensor([m.schedule.clip_norm for m in members], device=device),
        trainable=_trainable(network, members),
        begin=begin,
    )
    state = _state(members, earlier, end - begin)
    keeper = BestKeeper(earlier or len(members), device)
    if steps_as is None:
        steps_as = "graph" if device.type == "cuda" and network.captures(frames) else "eager"
    if steps_as == "eager":
        steps = _eager_steps(objective, state, plan)
    else:
        steps = _device_steps(objective, state, plan, steps_as)
    for place, _ in enumerate(steps):
        step = begin + place
        if step + 1 in validate_at:
            errors = objective.validate(state.ema)
            # Energies that are not finite spoil the loss and leave the forces' part of the gradient as it was.
            errors = errors.where(state.losses[place].isfinite(), math.nan)
            keeper.see(step + 1, state.ema, errors)
            if on_validation is not None:
                on_validation(step + 1, errors.tolist())

    diverged = _first_divergence(state.losses.cpu(), begin)
    if end < schedule.steps:
        weights = (state.parameters.detach(), state.exp_avg, state.exp_avg_sq, state.ema)
        checkpoints: list[Checkpoint | None] = [
            Checkpoint(end, *(t.to("cpu", copy=True) for t in own)) for own in zip(*weights, strict=True)
        ]
        return keeper.fits(objective.start_zeros, [EnergyZero(math.nan)] * len(members), diverged, checkpoints)
    zeros = objective.energy_zeros(keeper.best)
    return keeper.fits(objective.start_zeros, zeros, diverged, [None] * len(members))


def _state(members: list[Member], earlier: Sequence[Fit], n_steps: int) -> PackState:
    """What the members start from, or go on with."""
    if earlier:
        found = [fit.checkpoint for fit in earlier]
        kept = [(c.parameters, c.exp_avg, c.exp_avg_sq, c.ema) for c in found if c is not None]
        device = members[0].parameters.device
        parameters, exp_avg, exp_avg_sq, ema = (torch.stack(own).to(device) for own in zip(*kept, strict=True))
    else:
        parameters = torch.stack([m.parameters for m in members])
        exp_avg, exp_avg_sq, ema = torch.zeros_like(parameters), torch.zeros_like(parameters), parameters.clone()
    losses = parameters.new_empty(n_steps, len(members))
    return PackState(parameters.requires_grad_(), exp_avg, exp_avg_sq, ema, losses)


def _eager_steps(objective: Objective, state: PackState, plan: StepPlan) -> Iterator[None]:
    """Take one step after another, operation by operation."""
    parameters = state.parameters
    for place, inputs in enumerate(objective.batches()):
        step = plan.begin + place
        loss = objective.loss(parameters, inputs, objective.batch(place))
        (gradient,) = torch.autograd.grad(loss.sum(), parameters)
        with torch.no_grad():
            state.losses[place] = loss
            if plan.trainable is not None:
                gradient *= plan.trainable
            gradient *= (plan.clip / gradient.norm(dim=1).clamp_min(1e-12)).clamp_max(1.0)[:, None]
            _adam_step(parameters, gradient, state.exp_avg, state.exp_avg_sq, plan.rates[place], step)
            state.ema.lerp_(parameters, 1.0 - plan.ema_decay.clamp_max(young_decay(step)))
        yield


def _device_steps(objective: Objective, state: PackState, plan: StepPlan, steps_as: StepMode) -> Iterator[None]:
    """Take one step after another without a word from the host; eagerly, said once, where they cannot be captured."""
    step = DeviceStep(objective, state, plan, compiled=steps_as == "compiled")
    try:
        advance = step if steps_as == "device" else step.captured()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:120]
        # Python says equal warnings of one place once.
        warnings.warn(f"steps are taken one by one, as they cannot be captured as a CUDA graph: {reason}", stacklevel=1)
        yield from _eager_steps(objective, state, plan)
        return
    for _ in range(len(plan.rates)):
        advance()
        yield


def _objective(
    network: Network, frames: FrameTensors, members: list[Member], places: Tensor, share_batches: bool
) -> Objective:
    rows = torch.stack([m.train_rows[p] for m, p in zip(members, places, strict=True)])
    if share_batches and not all(torch.equal(rows[0], other) for other in rows[1:]):
        raise ValueError("members that share batches need equal training frames and batch seeds")
    if members[0].kt_ev is None:
        return LabelObjective(network, frames, members, places, rows, share_batches)
    return ScoreObjective(network, frames, members, rows, share_batches)


def _batches(n_frames: int, schedule: Schedule, seed: int) -> Tensor:
    """Positions [steps, batch] in the training list: one random pass over the frames after another."""
    generator = torch.Generator().manual_seed(seed)
    needed = schedule.steps * schedule.batch_size
    passes = [torch.randperm(n_frames, generator=generator) for _ in range(math.ceil(needed / n_frames))]
    return torch.cat(passes)[:needed].reshape(schedule.steps, schedule.batch_size)


def _trainable(network: Network, members: list[Member]) -> Tensor | None:
    """One for weights that may move and zero for frozen ones [K, P], or None where all may move."""
    if all(m.schedule.frozen_layers == 0 for m in members):
        return None
    mask = torch.stack([network.trainable_mask(m.schedule.frozen_layers) for m in members])
    return mask.to(members[0].parameters.device)


def _first_divergence(losses: Tensor, begin: int) -> list[int | None]:
    """The first step, counted from 1, of each model whose loss [steps, K] is not finite; `begin` steps came before."""
    diverged = ~losses.isfinite()
    return [begin + int(own.int().argmax()) + 1 if own.any() else None for own in diverged.T]


def _adam_step(
    parameters: Tensor, gradient: Tensor, exp_avg: Tensor, exp_avg_sq: Tensor, rate: Tensor, step: int
) -> None:
    """Adam (Kingma and Ba, arXiv 1412.6980) in place on flat weights [K, P] with one rate per model [K]."""
    exp_avg.lerp_(gradient, 0.1)
    exp_avg_sq.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
    correction, first = moment_corrections(step)
    step_size = rate * (correction / first)
    parameters.sub_(exp_avg.div(exp_avg_sq.sqrt().add_(1e-8 * correction)).mul_(step_size[:, None]))
