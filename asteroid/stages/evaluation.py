"""Errors on the accurate test labels, with the error that the choice of test frames itself makes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import ndtri, stdtrit
from torch import Tensor

from asteroid.labels.molecules import rows_by_formula
from asteroid.measured_errors import free_of_constant
from asteroid.models.energy_zero import fit_zero

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.descriptors.frame_bank import FrameTensors, Prediction

_RESAMPLES = 500
#: Fewer frames do not tell slopes.
MIN_CONTROLLED = 8
#: In squared standard deviations of the population.
_RIDGE = 4.0
#: Upper end of the 90 % interval that a standard error of few frames stands for.
_UPPER = 0.95


@dataclass(frozen=True)
class MoleculeErrors:
    """Force errors of one model on the test frames of one chemical formula; forces in eV/Å."""

    molecule: str
    n_atoms: int
    n_test: int
    force_mae_ev_ang: float
    force_mae_se_ev_ang: float


@dataclass(frozen=True)
class ControlledMean:
    """A mean read off its regression on control variates, with its standard error; in the unit of the values."""

    mean: float
    se: float


@dataclass(frozen=True)
class ModelErrors:
    """Errors of one model on the test set; forces in eV/Å, energies in eV (NaN where no frame has a zero of energy).

    Force errors are means over frames of means over a frame's atoms and components: frames count alike, large or small.
    `molecules` takes them apart by formula where the set is one of several molecules; else it is empty. `controlled` is
    the force MAE with the effect of the draw taken out, as far as control variates tell it; None without them.
    `energy_free_mae_ev` is the energy MAE with one constant of the whole set free (`free_of_constant`), with its
    standard error; NaN of a single frame, and where a frame has no zero of energy.
    """

    force_mae_ev_ang: float
    force_mae_se_ev_ang: float
    force_rmse_ev_ang: float
    energy_mae_ev: float
    energy_rmse_ev: float
    energy_free_mae_ev: float
    energy_free_mae_se_ev: float
    n_test: int
    molecules: tuple[MoleculeErrors, ...] = ()
    controlled: ControlledMean | None = None


def evaluate(
    predicted: Prediction,
    frames: FrameTensors,
    rows: Tensor,
    *,
    realign_energy: bool = False,
    open_zeros: Tensor | None = None,
    controls: NDArray[np.float64] | None = None,
) -> list[ModelErrors]:
    """Test errors of K models.

    Args:
        predicted: energies [K, n] and forces [K, n, 3A] of the test frames.
        frames: the labelled frames of the accurate level.
        rows: [n] rows of the test frames in the order of time, so that neighbours are correlated.
        realign_energy: shift the energies by the zero that suits the test labels best; for models that never saw an
            accurate label, whose energy zero means nothing.
        open_zeros: [K, n] frames whose energies have no zero (see `energy_zero.undetermined`): no energy errors.
        controls: [n, c] control variates of the test frames (`asteroid.labels.draw_controls`), or None.

    Returns:
        one entry per model.
    """
    force_error = (predicted.forces - frames.forces[rows]).double()
    energy_error = predicted.energy - frames.energy[rows]
    if realign_energy:
        zeros = [fit_zero(own, frames, rows, Tensor.median) for own in energy_error]
        energy_error = energy_error - torch.stack([zero.of(frames.numbers_of(rows)) for zero in zeros])
    per_frame = frames.component_mean(force_error.abs(), rows).numpy(force=True)
    numbers = frames.numbers_of(rows).numpy(force=True)
    molecules = rows_by_formula(numbers) if frames.numbers.ndim == 2 else {}
    per_frame_square = frames.component_mean(force_error.square(), rows)
    judged = torch.ones_like(energy_error, dtype=torch.bool) if open_zeros is None else ~open_zeros.to(rows.device)
    free = free_of_constant(energy_error.where(judged, math.nan).numpy(force=True))
    return [
        ModelErrors(
            force_mae_ev_ang=float(mae.mean()),
            force_mae_se_ev_ang=block_bootstrap_se(mae),
            force_rmse_ev_ang=float(square.mean().sqrt()),
            energy_mae_ev=float(error[own_judged].abs().mean()),
            energy_rmse_ev=float(error[own_judged].square().mean().sqrt()),
            energy_free_mae_ev=float(own_free.mean()),
            energy_free_mae_se_ev=block_bootstrap_se(own_free),
            n_test=len(rows),
            molecules=tuple(
                MoleculeErrors(
                    molecule=name,
                    n_atoms=int(np.count_nonzero(numbers[own[0]])),
                    n_test=len(own),
                    force_mae_ev_ang=float(mae[own].mean()),
                    force_mae_se_ev_ang=block_bootstrap_se(mae[own]),
                )
                for name, own in molecules.items()
            ),
            controlled=None if controls is None else controlled_mean(mae, controls),
        )
        for mae, square, error, own_judged, own_free in zip(
            per_frame, per_frame_square, energy_error, judged, free, strict=True
        )
    ]


def controlled_mean(values: NDArray[np.float64], controls: NDArray[np.float64]) -> ControlledMean | None:
    """The mean of values at the controls' own mean: what is left when a calm or a wild draw is allowed for.

    Ridge regression of the values on the controls, read where the controls are zero. On methanol, with its cheap energy
    and mean cheap force, it takes 15 to 30 % off the scatter of the mean error of 9 to 120 frames (.166 to .125 at 13).

    Args:
        values: [n] one value per frame, positive, in the order of time.
        controls: [n, c] in standard deviations of the population from its mean.

    Returns:
        None for fewer than `MIN_CONTROLLED` frames, or where the line is read at less than a quarter of the mean.
    """
    n = len(values)
    if n < MIN_CONTROLLED:
        return None
    mean, centre = float(values.mean()), controls.mean(axis=0)
    centred = controls - centre
    products = centred.T @ centred
    inverse = np.linalg.inv(products + _RIDGE * np.eye(len(centre)))
    slopes = inverse @ (centred.T @ (values - mean))
    found = mean - float(centre @ slopes)
    if found < mean / 4:
        return None
    fitted = float(np.trace(inverse @ products))  # effective number of slopes
    away = 1 + n * float(centre @ inverse @ centre)  # the line is known less well away from the draw's own mean
    se = block_bootstrap_se(values - centred @ slopes) * math.sqrt((n - 1) / (n - 1 - fitted) * away)
    return ControlledMean(found, se)


def block_bootstrap_se(values: NDArray[np.float64]) -> float:
    """Standard error of a mean of neighbouring, correlated values, honest where they are few.

    Circular block bootstrap (Politis and Romano, 1992) with blocks of length l = n^(1/3) and a fixed seed. Of n
    independent values its variance is too small by 1 - l/n, and what it knows of their spread comes from n/l blocks:
    the result is that much larger and so wide that the mean +- 1.645 of it holds 90 %, as Student's t with n/l - 1
    degrees of freedom says. Measured on lognormal errors of frames (relative spread .45 to 1) it holds .87 to .92 at
    8 frames and .88 to .91 at 30, where the plain bootstrap holds .69 to .76 and .83 to .86.

    Args:
        values: [n] one value per frame, in the order of time.
    """
    n = len(values)
    if n < 2:
        return math.nan
    length = max(1, round(n ** (1 / 3)))
    starts = np.random.default_rng(0).integers(n, size=(_RESAMPLES, math.ceil(n / length)))
    index = (starts[..., None] + np.arange(length)).reshape(_RESAMPLES, -1)[:, :n] % n
    return float(values[index].mean(1).std(ddof=1)) * _small_sample_factor(n, length)


def _small_sample_factor(n: int, length: int) -> float:
    """What the bootstrap's standard error of n values in blocks is to be multiplied by; 1 for many."""
    quantile = stdtrit(max(n / length - 1, 1.0), _UPPER)
    return float(quantile / ndtri(_UPPER) / math.sqrt(1 - length / n))
