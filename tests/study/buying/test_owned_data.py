"""Labels owned as data: the table is told how they were drawn, and frames lie on the device of the purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from tiny_purchase import STUDY, study_of

from study.buying.load import load_candidates
from study.buying.owned_data import owned_bank, owned_data

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_table_is_told_how_labels_were_drawn(files: Path) -> None:
    here = "  candidates: 60\n  level: ccsd_t/cc-pvdz\n  price: 28s\n  here: {}\n"
    balanced = study_of(files, (STUDY[STUDY.index("  replay:") : STUDY.index("strategies")], here))
    candidates = load_candidates(balanced)
    along = owned_data(balanced, candidates, candidates.frames.select(np.arange(13))).drawn_along
    assert candidates.cheap_at is not None
    assert candidates.cheap_at.energy is not None
    np.testing.assert_array_equal(along, candidates.cheap_at.energy[:13])
    replayed = load_candidates(study_of(files))
    assert replayed.replay is not None
    assert owned_data(study_of(files), replayed, replayed.replay.select(np.arange(13))).drawn_along is None


def test_frames_of_a_purchase_are_on_its_device(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of(files)
    candidates = load_candidates(study)
    assert candidates.replay is not None
    asked = []
    monkeypatch.setattr("study.buying.owned_data.bank_on", lambda bank, device: asked.append(device) or bank)
    labels = candidates.replay.select(np.arange(13))
    owned_bank(study, owned_data(study, candidates, labels), [], None, "cuda")
    assert asked == [torch.device("cuda")]
