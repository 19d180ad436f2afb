"""Predictions of a chain of stages, each on top of its parents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.descriptors.frame_bank import FrameBank, Prediction
from asteroid.models.predict import predict_models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import StageSpec


def predict_chain(
    bank: FrameBank, level: str, rows: Tensor, specs: Sequence[StageSpec], models: Mapping[str, TrainedModel]
) -> Prediction:
    """Predict the last stages of chains: each model, plus what it is added to.

    Args:
        bank: the described frames.
        level: the level of the frames.
        rows: [n] rows of its frame tensors.
        specs: the last stages of K chains.
        models: their trained models, and those of the stages that they are added to, by key.

    Returns:
        energies [K, n], forces [K, n, 3A].
    """
    keys = dict.fromkeys(key for spec in specs for key in (spec.key, spec.added_to) if key is not None)
    alone = predict_models(bank, level, rows, [models[key] for key in keys])
    place = {key: i for i, key in enumerate(keys)}
    energy, forces = alone.energy[[place[s.key] for s in specs]], alone.forces[[place[s.key] for s in specs]]
    for k, spec in enumerate(specs):
        if spec.added_to is not None:
            energy[k] += alone.energy[place[spec.added_to]]
            forces[k] += alone.forces[place[spec.added_to]]
        if spec.base is not None:
            cheap = bank.levels[level].cheap[spec.base.level]
            energy[k] += cheap.energy[rows]
            forces[k] += cheap.forces[rows]
    return Prediction(energy, forces)
