"""Errors of chains on the bought labels that they were trained without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.stages.predict_chain import predict_chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from study.recipes.cross_validation import Fold


@dataclass(frozen=True, eq=False)
class FrameErrors:
    """Errors of one model on n frames, on the CPU.

    Attributes:
        force_mae_ev_ang: mean absolute force component error of each frame, eV/Å, [n].
        energy_ev: predicted minus accurate energy of each, eV, [n].
    """

    force_mae_ev_ang: Tensor
    energy_ev: Tensor


def frame_errors(bank: FrameBank, fold: Fold, models: Mapping[str, TrainedModel]) -> FrameErrors:
    """Errors of a fold's chain on each of the frames that score it.

    Args:
        bank: the described frames.
        fold: the chain and its frames.
        models: trained models of the chain by key.
    """
    score = fold.score
    frames, rows = bank.levels[score.level], bank.rows_of(score.level, score.hashes)
    predicted = predict_chain(bank, score.level, rows, [fold.chain[-1]], models)
    difference = (predicted.forces[0] - frames.forces[rows]).abs()
    energy = predicted.energy[0] - frames.energy[rows]
    return FrameErrors(frames.component_mean(difference, rows).cpu(), energy.cpu())


def fold_error(bank: FrameBank, fold: Fold, models: Mapping[str, TrainedModel]) -> float:
    """Force MAE of a fold's chain on the frames that score it, eV/Å. Arguments as `frame_errors`."""
    return float(frame_errors(bank, fold, models).force_mae_ev_ang.mean())
