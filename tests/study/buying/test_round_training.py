"""A round's training: no label is scored by a model that saw it, and what looks share is trained and counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from asteroid.labels.label_set import content_hashes
from study.buying.contenders import contenders_of
from study.buying.load import load_candidates
from study.buying.owned_data import owned_data
from study.buying.round_training import RoundTrainer
from study.engine.executors import SerialExecutor
from study.recipes.chains import ChainBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet
    from study.config.buying import BuyStudy


def trainer_and_labels(study: BuyStudy, folder: Path) -> tuple[RoundTrainer, LabelSet]:
    candidates = load_candidates(study)
    assert candidates.replay is not None
    trainer = RoundTrainer(study, candidates, folder, "run", SerialExecutor, lambda _: None, lambda _: None)
    labels = candidates.replay
    return trainer, labels.__class__(**{**vars(labels), "frame_id": np.arange(len(labels)), "group": None}).select(
        np.arange(13)
    )


def test_no_label_is_scored_by_a_model_that_saw_it(study: BuyStudy, tmp_path: Path) -> None:
    trainer, labels = trainer_and_labels(study, tmp_path)
    builder = ChainBuilder(owned_data(study, load_candidates(study), labels))
    everything = set(content_hashes(labels))
    for contender in contenders_of(study, load_candidates(study).below):
        plan = trainer._plan(builder, contender, labels)
        for division in plan.divisions:
            scored = [h for fold in division.folds for h in fold.score.hashes]
            assert sorted(scored) == sorted(everything), "each label once"
            for fold in division.folds:
                seen = {h for spec in fold.chain for frames in (spec.train, spec.val) for h in frames.hashes}
                assert not seen & set(fold.score.hashes)
        whole = {h for frames in (plan.whole[-1].train, plan.whole[-1].val) for h in frames.hashes}
        assert whole == everything, "the model that is handed out is trained on all"


def test_the_stages_of_a_purchase_are_on_its_device(study: BuyStudy, tmp_path: Path) -> None:
    _, labels = trainer_and_labels(study, tmp_path)
    quiet = lambda _: None  # noqa: E731
    candidates = load_candidates(study)
    trainer = RoundTrainer(study, candidates, tmp_path, "run", SerialExecutor, quiet, quiet, "cuda")
    contender = contenders_of(study, candidates.below)[0]
    whole, folds = trainer.final_chains(labels, contender)
    assert {getattr(spec, "device", "cuda") for chain in (whole, *folds) for spec in chain} == {"cuda"}


def test_a_look_scores_every_label_in_ten_folds_and_two_and_counts_what_is_shared_once(
    study: BuyStudy, tmp_path: Path
) -> None:
    trainer, labels = trainer_and_labels(study, tmp_path)
    contenders = contenders_of(study, load_candidates(study).below)
    look = trainer.look(labels, contenders, first=True)
    assert not look.failed
    assert len(look.rows) == len(contenders) * 2 * len(labels)
    assert {row["n_folds"] for row in look.rows} == {2, 10}
    assert set(look.expected_core_s) == {contender.name for contender in contenders}
    again = trainer.look(labels, contenders, first=False)
    pd.testing.assert_frame_equal(pd.DataFrame(again.rows), pd.DataFrame(look.rows))
    assert 0 < again.core_s < look.core_s, "pretraining belongs to the first look"
