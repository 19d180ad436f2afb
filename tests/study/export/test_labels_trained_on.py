"""Labels of a trained chain: found again by content, refused where they have changed."""

from __future__ import annotations

import numpy as np
import pytest

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes
from asteroid.stages.stage import Frames
from study.export.labels_trained_on import geometries_of, refuse_changed_labels

LABELS = load_methanol().accurate.select(np.arange(6))
HASHES = content_hashes(LABELS)


def test_geometries_come_in_the_order_of_the_hashes() -> None:
    found = geometries_of(LABELS, [HASHES[4], HASHES[1]])
    assert np.array_equal(found.positions, LABELS.positions[[4, 1]])
    assert found.energy is None


def test_other_labels_are_refused() -> None:
    train, val = Frames(LABELS.level, tuple(HASHES[:4])), Frames(LABELS.level, tuple(HASHES[4:]))
    spec = {"train": {"digest": train.digest}, "val": {"digest": val.digest}}
    refuse_changed_labels(spec, train, val)
    with pytest.raises(InputError, match="not those that the model was trained on"):
        refuse_changed_labels(spec, train, Frames(LABELS.level, (HASHES[5], HASHES[4])))
