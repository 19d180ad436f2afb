from __future__ import annotations

import pytest
from difference_stages import ACCURATE, parent, parents_prediction, some, stage, with_labels

from asteroid.descriptors.frame_bank import Prediction
from study.recipes.search import Fold
from study.search.scoring import fold_error


def test_the_error_is_that_of_the_whole_chain_on_the_scoring_frames() -> None:
    known = {parent().key: parent().model}
    found = parents_prediction()
    moved = with_labels(ACCURATE, Prediction(found.energy, found.forces + 0.25))
    fold = Fold((stage("pretrain"),), some(ACCURATE, 50, 60))
    assert fold_error(moved, fold, known) == pytest.approx(0.25, rel=1e-4)
    assert fold_error(with_labels(ACCURATE, found), fold, known) == pytest.approx(0.0, abs=1e-5)
