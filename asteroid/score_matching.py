"""Sliced score matching (being written)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

BOLTZMANN_EV_PER_K = 8.617333262e-5


def kt_ev(temperature_k: float) -> float:
    """Thermal energy in eV."""
    return BOLTZMANN_EV_PER_K * temperature_k


def score_loss(forces: Tensor, curvature: Tensor, kt: Tensor | float) -> Tensor:
    """Mean of 1/2 |F|^2 - kT d2E/dt2 over frames and probes."""
    return 0.5 * forces.pow(2).sum(-1).mean(-1) - kt * curvature.mean((-1, -2))
