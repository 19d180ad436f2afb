"""A training step as a CUDA graph, which is replayed: launching its hundreds of small kernels costs more than they do.

Whatever changes from step to step lies on the device, in tables that a counter there points into; a replay needs
nothing from the host. The arithmetic is that of `asteroid.training.fit_loop`, up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.training.step_plan import moment_corrections, young_decay

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.training.objective import Objective
    from asteroid.training.step_plan import StepPlan

#: Steps before the capture, in which libraries take the memory and make the choices that must not fall into it.
_WARM_UP_STEPS = 3


@dataclass(frozen=True)
class PackState:
    """What the steps of a pack change, in place.

    Attributes:
        parameters: [K, P] weights.
        exp_avg: [K, P] Adam's first moment.
        exp_avg_sq: [K, P] its second.
        ema: [K, P] moving average of the weights.
        losses: [steps, K] by step.
    """

    parameters: Tensor
    exp_avg: Tensor
    exp_avg_sq: Tensor
    ema: Tensor
    losses: Tensor


class DeviceStep:
    """The next step of a pack, on every call.

    Args:
        objective: what is minimised.
        state: what is changed.
        plan: rates, decays and limits of the steps.
        compiled: compile the loss and its gradient (networks whose forces need no gradient only).
    """

    def __init__(self, objective: Objective, state: PackState, plan: StepPlan, *, compiled: bool = False) -> None:
        self._objective, self._state, self._clip, self._trainable = objective, state, plan.clip, plan.trainable
        device = plan.rates.device
        steps = range(plan.begin, plan.begin + len(plan.rates))
        corrections, first = torch.tensor([moment_corrections(step) for step in steps], device=device).T
        young = torch.tensor([young_decay(step) for step in steps], device=device)
        self._step_sizes = plan.rates * (corrections / first)[:, None]
        self._epsilons = 1e-8 * corrections
        self._ema_weights = 1.0 - torch.minimum(plan.ema_decay.T, young[:, None])  # [steps, K]
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._loss: Callable[..., Tensor] = torch.compile(objective.loss) if compiled else objective.loss

    def __call__(self) -> None:
        """Take the next step."""
        state, place = self._state, self._place
        inputs, batch = self._objective.batch_at(place)
        loss = self._loss(state.parameters, inputs, batch)
        (gradient,) = torch.autograd.grad(loss.sum(), state.parameters)
        with torch.no_grad():
            state.losses.index_copy_(0, place, loss.detach()[None])
            if self._trainable is not None:
                gradient = gradient * self._trainable
            gradient = gradient * (self._clip / gradient.norm(dim=1).clamp_min(1e-12)).clamp_max(1.0)[:, None]
            state.exp_avg.lerp_(gradient, 0.1)
            state.exp_avg_sq.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            size, epsilon, weight = (
                own.index_select(0, place) for own in (self._step_sizes, self._epsilons, self._ema_weights)
            )
            state.parameters.sub_(state.exp_avg.div(state.exp_avg_sq.sqrt().add_(epsilon)).mul_(size.T))
            state.ema.lerp_(state.parameters, weight.T)
            place.add_(1)

    def captured(self) -> Callable[[], None]:
        """The same as one launch.

        Raises:
            RuntimeError: an operation of the step cannot be captured; nothing is changed then.
        """
        changed = [*vars(self._state).values(), self._place]
        with torch.no_grad():
            before = [own.clone() for own in changed]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.stream(stream):
                for _ in range(min(_WARM_UP_STEPS, len(self._state.losses))):
                    self()
            torch.cuda.current_stream().wait_stream(stream)
            with torch.no_grad():
                self._place.zero_()
            with torch.cuda.graph(graph):
                self()
        finally:
            torch.cuda.synchronize()
            with torch.no_grad():
                for own, old in zip(changed, before, strict=True):
                    own.copy_(old)
        return graph.replay
