"""Errors on the accurate test labels, with the error that the choice of test frames itself makes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.frames import Prediction

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


def evaluate(predicted: Prediction, labelled: Prediction, *, realign_energy: bool = False) -> list[ModelErrors]:
    """Test errors of K models.

    Args:
        predicted: energies [K, n] and forces [K, n, 3A], test frames in the order of time, so that neighbours are
            correlated.
        labelled: energies [n] and forces [n, 3A].
        realign_energy: shift the energies by the constant that suits the test labels best; for models that never saw an
            accurate label, whose energy zero means nothing.

    Returns:
        one entry per model.
    """
    force_error = (predicted.forces - labelled.forces).double()
    energy_error = predicted.energy - labelled.energy
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
            n_test=len(labelled.energy),
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
