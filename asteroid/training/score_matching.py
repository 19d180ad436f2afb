"""Sliced score matching: forces from geometries alone, when these were sampled at a known temperature.

Frames of a molecule in equilibrium at temperature T have the density p(x) ~ exp(-E(x)/kT), so grad log p = F/kT: the
forces are kT times the score of the density. Hyvärinen (J. Mach. Learn. Res. 6, 695 (2005)) integrates
1/2 <|F - F_true|^2> by parts, which removes the unknown: up to a constant it is <1/2 |F|^2 + kT tr dF/dx>. Song et al.
(arXiv 1905.07088) replace the trace by v^T (dF/dx) v for random v with E[v v^T] = 1; ASTEROID (Bukharin et al., arXiv
2306.03109) pretrains on it where the cheap frames have no labels. At the true forces the loss is -1/2 <|F|^2>, the
lowest value it can take on the whole distribution; on the training frames alone it has no lower bound (a spike of p on
every frame), so the loss of held-out frames decides when to stop, and many frames matter more than many steps.

What the frames must be:

* From canonical sampling of the Cartesian positions at the declared T. Masses do not matter, nor time steps between
  frames: correlated frames leave the loss unbiased and only count for fewer, so the held-out ones should come from
  other stretches of time than their neighbours in training. A temperature wrong by a factor scales all forces by it.
* Free of rigid motion or not, as they come: E changes under neither translation nor rotation, so frames whose centre of
  mass was removed or which were turned to a reference afterwards give the same loss, and the identity holds with the
  full Cartesian trace. (The motion along these directions has no force; nothing is subtracted from the 3A dimensions.)
* Not sampled under a constraint that shapes the internal density. Fixed bonds do. So, slightly, does dynamics with the
  angular momentum held at zero: its density gains the factor det I(x)^(-1/2), I the tensor of inertia, and the forces
  that are learned gain kT grad log of it (some hundredths of eV/Å at 500 K).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

#: Boltzmann constant: 1.380649e-23 J/K over 1.602176634e-19 J/eV, both exact by definition of the SI (CODATA 2018).
BOLTZMANN_EV_PER_K = 1.380649e-23 / 1.602176634e-19


def kt_ev(temperature_k: float) -> float:
    """Thermal energy kT in eV.

    Raises:
        InputError: the temperature is not positive and finite.
    """
    if not (math.isfinite(temperature_k) and temperature_k > 0):
        raise InputError(
            f"score matching needs the temperature of the sampling, found {temperature_k} K: give it in kelvin"
        )
    return BOLTZMANN_EV_PER_K * temperature_k


def score_loss(forces: Tensor, curvature: Tensor, thermal_ev: Tensor | float) -> Tensor:
    """Score matching loss of each model, <1/2 |F|^2 + kT mean_v v^T (dF/dx) v>, with dF/dx = -d2E/dx2.

    Gradients of single batches differ in size, and clipping those of most steps makes forces too large (methanol: slope
    against the true ones 1.05 in place of 1.03, error 1.8 in place of 1.5 kcal/mol/Å). Divided by the squared force
    scale and by 3A, their norms are 1 to 20.

    Args:
        forces: [K, M, 3A] eV/Å.
        curvature: d2E/dt2 along x + t v, [K, M, V] eV/Å^2 (`asteroid.models.mlp_forces.curvature_along`).
        thermal_ev: kT in eV, one for all models or [K].

    Returns:
        [K] in eV^2/Å^2, bounded below by -1/2 <|F_true|^2> on the whole distribution.
    """
    return 0.5 * forces.square().sum(-1).mean(-1) - thermal_ev * curvature.mean((-2, -1))


def thermal_force_scale(positions: NDArray[np.float64], thermal_ev: float) -> float:
    """Estimate the size of a force component from geometries alone, to scale a model that sees no forces.

    A distance r held by a spring of constant c has <(r - <r>)^2> = kT/c and a force of root mean square
    sqrt(kT c) = kT/std(r). Each atom's stiffest distance is taken for its bond. Right within a factor of two, which is
    all that a scale needs (methanol at 500 K: 1.2 against a mean absolute component of 0.7 eV/Å).

    Args:
        positions: [N, A, 3] Å.
        thermal_ev: kT in eV.

    Returns:
        eV/Å.

    Raises:
        InputError: the frames do not differ.
    """
    distances = np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1)
    spread = distances.std(0) + np.diag(np.full(positions.shape[1], np.inf))
    stiffest = spread.min(1)
    if not stiffest.min() > 0:
        raise InputError("score matching learns from how distances vary, found one that does not: give sampled frames")
    return float((thermal_ev / stiffest).mean())
