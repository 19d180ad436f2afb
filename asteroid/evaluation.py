"""Errors on the accurate test labels, with the error that the choice of test frames itself makes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from asteroid.models.mlp import MLPSettings, stack_scalings
from asteroid.training import FrameTensors, predict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asteroid.descriptors import Layout
    from asteroid.stages import TrainedModel

_RESAMPLES = 500


@dataclass(frozen=True)
class ModelErrors:
    """Errors of one model on the test set; forces in eV/Å, energies in eV, means over frames, atoms and components."""

    force_mae_ev_ang: float
    force_mae_se_ev_ang: float
    force_rmse_ev_ang: float
    energy_mae_ev: float
    energy_rmse_ev: float
    n_test: int


def evaluate(
    layout: Layout,
    settings: MLPSettings,
    frames: FrameTensors,
    rows: Tensor,
    models: Sequence[TrainedModel],
    *,
    realign_energy: bool = False,
) -> list[ModelErrors]:
    """Test errors of K models.

    Args:
        layout: descriptors of the frames.
        settings: size of the networks.
        frames: the accurate level's frames.
        rows: [n] test rows in the order of time, so that neighbours are correlated.
        models: the models.
        realign_energy: shift the energies by the constant that suits the test labels best; for models that never saw an
            accurate label, whose energy zero means nothing.

    Returns:
        one entry per model.
    """
    scaling = stack_scalings([m.scaling for m in models])
    parameters = torch.stack([m.parameters for m in models])
    energy, forces = predict(layout, settings, frames, rows, scaling, parameters)
    force_error = (forces - frames.forces[rows]).double()
    shift = torch.tensor([m.energy_shift_ev for m in models], dtype=torch.float64)
    energy_error = energy.double() + shift[:, None] - frames.energy[rows]
    if realign_energy:
        energy_error = energy_error - energy_error.median(1, keepdim=True).values
    per_frame = force_error.abs().mean(-1).numpy()
    return [
        ModelErrors(
            force_mae_ev_ang=float(mae.mean()),
            force_mae_se_ev_ang=block_bootstrap_se(mae),
            force_rmse_ev_ang=float(force.square().mean().sqrt()),
            energy_mae_ev=float(error.abs().mean()),
            energy_rmse_ev=float(error.square().mean().sqrt()),
            n_test=len(rows),
        )
        for mae, force, error in zip(per_frame, force_error, energy_error, strict=True)
    ]


def block_bootstrap_se(values: NDArray[np.float64]) -> float:
    """Standard error of a mean of neighbouring, correlated values.

    Circular block bootstrap (Politis and Romano, 1992) with blocks of n^(1/3) values and a fixed seed.

    Args:
        values: [n] one value per frame, in the order of time.
    """
    n = len(values)
    if n < 2:
        return math.nan
    length = max(1, round(n ** (1 / 3)))
    starts = np.random.default_rng(0).integers(n, size=(_RESAMPLES, math.ceil(n / length)))
    index = (starts[..., None] + np.arange(length)).reshape(_RESAMPLES, -1)[:, :n] % n
    return float(values[index].mean(1).std(ddof=1))
