"""The stage without gradient steps: sGDML fitted in closed form."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from asteroid.models.sgdml.fit import fit_kernel
from asteroid.models.sgdml.linear_system import SingularKernelError
from asteroid.models.sgdml.model import NO_KERNEL
from asteroid.stages.difference import subtracted_labels
from asteroid.stages.stage import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import KernelStage


def fit_kernel_stage(bank: FrameBank, spec: KernelStage, parents: Mapping[str, TrainedModel]) -> StageResult:
    """Fit sGDML to all bought labels, validation labels included: it has no early stopping.

    Raises:
        InputError: the kernel does not fit into the memory that is free.
    """
    began = time.process_time()
    frames = bank.levels[spec.train.level]
    rows = bank.rows_of(spec.train.level, (*spec.train.hashes, *spec.val.hashes))
    energy, forces = frames.energy, frames.forces
    if (known := subtracted_labels(bank, spec, rows, parents)) is not None:
        energy, forces = energy - known.energy, forces - known.forces
    positions = frames.positions[rows].numpy(force=True)
    model, val_error, status = NO_KERNEL, math.nan, "ok"
    try:
        fit = fit_kernel(
            frames.numbers.numpy(force=True),
            positions,
            energy[rows].numpy(force=True),
            forces[rows].double().numpy(force=True).reshape(positions.shape),
            spec.model,
            spec.seeds.weights,
        )
        model, val_error = fit.model, fit.cross_validated_mae_ev_ang.get(fit.sigma, math.nan)
    except SingularKernelError as error:  # as a loss that is not finite: this row fails, the others go on
        status = str(error)
    return StageResult(
        key=spec.key,
        spec=spec.to_json(),
        model=model,
        val_force_mae_ev_ang=val_error,
        validation_curve=(),
        core_s=time.process_time() - began,
        status=status,
    )
