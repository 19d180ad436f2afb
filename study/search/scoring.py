"""The cross-validated error of a trial: every chain on the bought labels that it was trained without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.stages.predict_chain import predict_chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from study.recipes.search import Fold


def fold_error(bank: FrameBank, fold: Fold, models: Mapping[str, TrainedModel]) -> float:
    """Force MAE of a fold's chain on the frames that score it, eV/Å.

    Args:
        bank: the described frames.
        fold: the chain and its frames.
        models: trained models of the chain by key.
    """
    score = fold.score
    frames, rows = bank.levels[score.level], bank.rows_of(score.level, score.hashes)
    predicted = predict_chain(bank, score.level, rows, [fold.chain[-1]], models)
    difference = (predicted.forces[0] - frames.forces[rows]).abs()
    return float(frames.component_mean(difference, rows).mean())
