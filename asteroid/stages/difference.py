"""What a stage's labels are diminished by before it learns them: a prediction, a cheap method's labels, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.descriptors.frame_bank import Prediction
from asteroid.models.predict import predict_models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import StageSpec


def subtracted_labels(
    bank: FrameBank, spec: StageSpec, rows: Tensor, parents: Mapping[str, TrainedModel]
) -> Prediction | None:
    """What a stage subtracts from its labels; None where it learns them as they are.

    Args:
        bank: the described frames.
        spec: the stage.
        rows: rows of its frames; nothing else is filled in.
        parents: trained parents by key.

    Returns:
        energies [N] and forces [N, 3A] for all frames of the stage's level.

    Raises:
        ValueError: the bank lacks the cheap method's labels.
    """
    if spec.base is None and spec.added_to is None:
        return None
    frames = bank.levels[spec.train.level]
    base = Prediction(torch.zeros_like(frames.energy), torch.zeros_like(frames.forces))
    if spec.base is not None:
        if spec.base.level not in frames.cheap:
            raise ValueError("a stage on the difference to a cheap method needs its labels in the bank")
        base = frames.cheap[spec.base.level]
    if spec.added_to is not None:
        found = predict_models(bank, spec.train.level, rows, [parents[spec.added_to]])
        base = Prediction(
            base.energy.index_add(0, rows, found.energy[0]), base.forces.index_add(0, rows, found.forces[0])
        )
    return base
