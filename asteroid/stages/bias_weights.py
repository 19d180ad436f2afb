"""Bias of cheap labels as an identifying model sees it, and the weights exp(-bias/gamma) that follow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.models.predict import predict_models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import NetworkStage

#: Below this share of effective frames the weights have thrown most of the labels away.
_LEAST_EFFECTIVE_SHARE = 0.02


@dataclass(frozen=True)
class Weighting:
    """Bias weights of one pretrain stage and what is reported about them."""

    train: Tensor
    val: Tensor
    gamma_ev_ang: float
    bias_quantiles_ev_ang: tuple[float, float, float]


def weightings_of(
    bank: FrameBank,
    specs: Sequence[NetworkStage],
    rows: Sequence[tuple[Tensor, Tensor]],
    parents: Mapping[str, TrainedModel],
) -> list[Weighting | None]:
    """Bias weights of every stage that has a temperature; one pass over the frames per set of frames."""
    weightings: list[Weighting | None] = [None] * len(specs)
    gammas = {i: spec.gamma_rel for i, spec in enumerate(specs) if spec.gamma_rel is not None}
    for alike in _with_equal_frames({i: specs[i] for i in gammas}):
        teacher_keys = sorted({specs[i].parents[0] for i in alike})
        train_rows, val_rows = rows[alike[0]]
        level = specs[alike[0]].train.level
        teachers = [parents[key] for key in teacher_keys]
        bias = estimate_bias(bank, level, torch.cat([train_rows, val_rows]), teachers)
        for i in alike:
            own = bias[teacher_keys.index(specs[i].parents[0])]
            weightings[i] = _weigh(own, len(train_rows), gammas[i])
    return weightings


def _with_equal_frames(specs: Mapping[int, NetworkStage]) -> list[list[int]]:
    """Places of the stages, grouped by their frames."""
    groups: dict[tuple[str, str], list[int]] = {}
    for place, spec in specs.items():
        groups.setdefault((spec.train.digest, spec.val.digest), []).append(place)
    return list(groups.values())


def _weigh(bias: Tensor, n_train: int, gamma_rel: float) -> Weighting:
    on_train = bias[:n_train].double()
    low, median, high = torch.quantile(on_train, on_train.new_tensor([0.1, 0.5, 0.9])).tolist()
    gamma = gamma_rel * median
    # One call for both roles, so that a held-out frame weighs what a training frame of the same bias weighs.
    # A held-out frame less biased than every training frame counts as the least biased of those: weights stay bounded.
    weights = bias_weights(bias.double().clamp_min(on_train.min()), gamma)
    weights = (weights / weights[:n_train].mean()).float()
    return Weighting(weights[:n_train], weights[n_train:], gamma, (low, median, high))


def estimate_bias(bank: FrameBank, level: str, rows: Tensor, teachers: Sequence[TrainedModel]) -> Tensor:
    """Estimated bias of cheap labels, b_i = mean over atoms and components of |F0(x_i) - F~_i|, under each model F0.

    Args:
        bank: the described frames.
        level: the cheap level.
        rows: [n] rows of its frames.
        teachers: K models trained on accurate labels.

    Returns:
        [K, n] in eV/Å.
    """
    frames = bank.levels[level]
    predicted = predict_models(bank, level, rows, teachers).forces
    return frames.component_mean((predicted - frames.forces[rows]).abs(), rows)


def bias_weights(bias: Tensor, gamma: float) -> Tensor:
    """Weights exp(-b_i / gamma) of cheap frames, brought to mean 1.

    The normalisation keeps gamma from acting as a learning rate. gamma = inf gives ones.

    Args:
        bias: [N], eV/Å.
        gamma: bias-weight temperature, eV/Å, positive.
    """
    if math.isinf(gamma):
        return torch.ones_like(bias)
    exponent = -(bias - bias.min()) / gamma  # the smallest bias as reference: no underflow of all weights at once
    weights = torch.exp(exponent)
    return weights / weights.mean()


def effective_sample(weights: Tensor) -> float:
    """Number of equally weighted frames that carry as much: (sum w)^2 / sum w^2 (Kish)."""
    return float(weights.sum() ** 2 / weights.pow(2).sum())


def sample_warnings(sample: float | None, n_train: int) -> tuple[str, ...]:
    """What to say of the effective sample of so many weighted frames; nothing without weights."""
    if sample is None or sample >= _LEAST_EFFECTIVE_SHARE * n_train:
        return ()
    return (f"effective sample {sample:.1f} of {n_train} frames ({sample / n_train:.1%}): raise gamma_rel",)
