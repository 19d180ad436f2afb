"""A chain of trained stages as one function of positions, and what a call of it costs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.descriptors.frame_bank import FrameBank, FrameTensors
from asteroid.errors import InputError
from asteroid.labels.molecules import split_molecules
from asteroid.models.predict import predict_models

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.descriptors.layout import Layout
    from asteroid.labelling.cheap_methods import CheapMethod
    from asteroid.labels.label_set import LabelSet
    from asteroid.models.trained import TrainedModel

_TIMED_FRAMES = 15


@dataclass(frozen=True)
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
        at = torch.tensor(positions, dtype=torch.float64)
        n_frames, width = len(at), 3 * len(numbers)
        # Not described beforehand: a model that needs descriptors has them computed, as for a streamed level.
        frames = FrameTensors(
            torch.tensor(numbers), at, None, None, torch.zeros(n_frames), torch.zeros(n_frames, width)
        )
        bank = FrameBank(self.layout, {"": frames}, {"": {}})
        found = predict_models(bank, "", torch.arange(n_frames), self.models)
        energy, forces = found.energy.sum(0).numpy(), found.forces.double().sum(0).reshape(at.shape).numpy()
        if self.cheap is not None:
            cheap_energy, cheap_forces = self.cheap(numbers, positions)
            energy, forces = energy + cheap_energy, forces + cheap_forces
        return energy, forces


def cpu_s_per_frame(potential: Potential, labels: LabelSet) -> float:
    """CPU seconds to predict one frame, as molecular dynamics asks: one frame at a time (median of a few).

    Args:
        potential: the potential.
        labels: frames to time on.
    """
    frames = [split_molecules(labels.select([row]))[0].labels for row in range(min(_TIMED_FRAMES, len(labels)))]
    potential.energy_and_forces(frames[0].numbers, frames[0].positions)  # this prepares what later calls reuse
    seconds = []
    for place in range(_TIMED_FRAMES):
        frame = frames[place % len(frames)]
        began = time.process_time()
        potential.energy_and_forces(frame.numbers, frame.positions)
        seconds.append(time.process_time() - began)
    return float(np.median(seconds))
