"""Short stages on the methanol bank, and their bias frame by frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.models.mlp import DescriptorMLP, MLPSettings
from asteroid.models.predict import predict
from asteroid.stages.stage import Frames
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import NetworkStage, StageResult

ACCURATE, CHEAP = "ccsd_t/cc-pvdz", "gfn2-xtb"
MODEL = MLPSettings(hidden=16)
SCHEDULE = Schedule(steps=20, learning_rate=5e-3, warmup_steps=5, validations=4)


def some(bank: FrameBank, level: str, start: int, stop: int) -> Frames:
    return Frames(level, tuple(bank.rows[level])[start:stop])


def weighted(spec: NetworkStage, teacher: StageResult, gamma_rel: float) -> NetworkStage:
    return replace(spec, parents=(teacher.key,), gamma_rel=gamma_rel)


def bias_by_hand(bank: FrameBank, model: TrainedModel, frames: Frames) -> np.ndarray:
    """Mean over atoms and components of |F0 - F~|, frame by frame."""
    labelled = bank.levels[CHEAP]
    found = []
    for name in frames.hashes:
        row = torch.tensor([bank.rows[CHEAP][name]])
        _, forces = predict(DescriptorMLP(bank.layout, MODEL), labelled, row, model.scaling, model.parameters[None])
        found.append(float((forces[0, 0] - labelled.forces[row[0]]).abs().double().mean()))
    return np.array(found)
