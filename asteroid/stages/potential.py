"""A chain of trained stages as one function of positions, and what a call of it costs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.descriptors.frame_bank import FrameBank, FrameTensors
from asteroid.errors import InputError
from asteroid.labels.molecules import split_molecules
from asteroid.models.network import PositionNetwork, stack_scalings
from asteroid.models.outside.model import OutsideModel
from asteroid.models.predict import predict_models
from asteroid.models.trained import TrainedNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from asteroid.descriptors.layout import Layout
    from asteroid.labelling.cheap_methods import CheapMethod
    from asteroid.labels.label_set import LabelSet
    from asteroid.models.network import Network, NetworkSettings
    from asteroid.models.trained import TrainedModel

    _Part = Callable[[NDArray[np.int64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]

_TIMED_FRAMES = 15
#: Of a slow potential, so few frames and CPU seconds are enough.
_FEWEST_TIMED, _TIMED_S = 3, 2.0
#: Frames of an outside program, which is started once for all of them.
_TIMED_TOGETHER = 200


@dataclass(frozen=True, eq=False)
class Potential:
    """The sum of trained models, and of a cheap method where the chain learns the difference to it.

    Attributes:
        layout: descriptors of the molecule; None for models that need none.
        models: the models whose predictions add up.
        cheap: the cheap method, or None.
    """

    layout: Layout | None
    models: tuple[TrainedModel, ...]
    cheap: CheapMethod | None = None

    def energy_and_forces(
        self, numbers: NDArray[np.int64], positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Energies [B] in eV and forces [B, A, 3] in eV/Å of frames [B, A, 3] in Å.

        Raises:
            InputError: other atoms than those of the descriptors, or in another order.
        """
        if self.layout is not None and tuple(numbers) != self.layout.numbers:
            raise InputError(
                f"the model knows the atoms {list(self.layout.numbers)}, found {[int(z) for z in numbers]}: keep their "
                "order"
            )
        energy, forces = np.zeros(len(positions)), np.zeros(positions.shape)
        for part in self._parts:
            found = part(numbers, positions)
            energy, forces = energy + found[0], forces + found[1]
        if self.cheap is not None:
            cheap_energy, cheap_forces = self.cheap(numbers, positions)
            energy, forces = energy + cheap_energy, forces + cheap_forces
        return energy, forces

    @cached_property
    def _parts(self) -> list[_Part]:
        """What adds up: networks that predict from positions, those of equal settings together, and whatever else."""
        alike: dict[NetworkSettings, list[TrainedNetwork]] = {}
        others: list[TrainedModel] = []
        for model in self.models:
            if isinstance(model, TrainedNetwork) and isinstance(model.settings.network(self.layout), PositionNetwork):
                alike.setdefault(model.settings, []).append(model)
            else:
                others.append(model)
        parts: list[_Part] = [_from_positions(self.layout, own) for own in alike.values()]
        return parts + ([partial(_from_inputs, self.layout, others, {})] if others else [])


def _from_positions(layout: Layout | None, models: Sequence[TrainedNetwork]) -> _Part:
    network = models[0].settings.network(layout)
    assert isinstance(network, PositionNetwork)
    summed = network.summed(
        torch.stack([model.parameters for model in models]), stack_scalings([model.scaling for model in models])
    )

    def predict(
        numbers: NDArray[np.int64], positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        energy, forces = summed(positions)
        return energy + sum(float(model.zero.of(torch.tensor(numbers))) for model in models), forces

    return predict


def _from_inputs(
    layout: Layout | None,
    models: Sequence[TrainedModel],
    made: dict[NetworkSettings, Network],
    numbers: NDArray[np.int64],
    positions: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    at = torch.tensor(positions, dtype=torch.float64)
    n_frames, width = len(at), 3 * len(numbers)
    # Not described beforehand: a model that needs descriptors has them computed, as for a streamed level.
    frames = FrameTensors(torch.tensor(numbers), at, None, None, torch.zeros(n_frames), torch.zeros(n_frames, width))
    bank = FrameBank(layout, {"": frames}, {"": {}})
    found = predict_models(bank, "", torch.arange(n_frames), models, made)
    return found.energy.sum(0).numpy(), found.forces.double().sum(0).reshape(at.shape).numpy()


def cpu_s_per_frame(potential: Potential, labels: LabelSet) -> float:
    """CPU seconds to predict one frame, as molecular dynamics asks: one frame at a time (median of a few).

    An outside program is given many at once instead, and its start is not counted.

    Args:
        potential: the potential.
        labels: frames to time on.
    """
    if any(isinstance(model, OutsideModel) for model in potential.models):
        return _cpu_s_per_further_frame(potential, split_molecules(labels)[0].labels)
    frames = [split_molecules(labels.select([row]))[0].labels for row in range(min(_TIMED_FRAMES, len(labels)))]
    potential.energy_and_forces(frames[0].numbers, frames[0].positions)  # this prepares what later calls reuse
    seconds = []
    for place in range(_TIMED_FRAMES):
        frame = frames[place % len(frames)]
        began = time.process_time()
        potential.energy_and_forces(frame.numbers, frame.positions)
        seconds.append(time.process_time() - began)
        if len(seconds) >= _FEWEST_TIMED and sum(seconds) > _TIMED_S:
            break
    return float(np.median(seconds))


def _cpu_s_per_further_frame(potential: Potential, labels: LabelSet) -> float:
    """CPU seconds of programs that are ended count with those of their parent."""
    positions = np.resize(labels.positions, (_TIMED_TOGETHER, *labels.positions.shape[1:]))
    seconds = []
    for n_frames in (1, _TIMED_TOGETHER):
        began = sum(os.times()[:4])
        potential.energy_and_forces(labels.numbers, positions[:n_frames])
        seconds.append(sum(os.times()[:4]) - began)
    return max(0.0, seconds[1] - seconds[0]) / (_TIMED_TOGETHER - 1)
