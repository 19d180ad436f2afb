"""Limits in labels and in CPU seconds, and all that counts against them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_purchase import REQUEST

from asteroid.labelling.labeller import Failure, Label
from study.buying.contenders import contenders_of
from study.buying.labels import LabelBook
from study.buying.load import load_candidates
from study.buying.sources import no_labels
from study.buying.spending import Spending

if TYPE_CHECKING:
    from pathlib import Path

    from study.config.buying import BuyStudy

LABEL_S, CHEAP_S = 28.0, 40 * 0.052  # one accurate label; 40 cheap frames, sampled and labelled


@pytest.fixture
def spending(study: BuyStudy, tmp_path: Path) -> Spending:
    """Ten labels bought, two geometries that gave none and took 20 s each, 100 s of training."""
    candidates = load_candidates(study)
    book = LabelBook(candidates.frames, no_labels(candidates.frames, candidates.frames.level), tmp_path)
    label = Label(0.0, np.zeros((6, 3)), 1.0)
    book = book.with_outcomes({row: Failure("no", 20.0) if row < 2 else label for row in range(12)})
    state: Any = SimpleNamespace(request=REQUEST, rounds=(SimpleNamespace(core_s=100.0),))
    return Spending(candidates, tuple(contenders_of(study, candidates.below)), state, book, None, 0)


def limited(spending: Spending, **limits: Any) -> Spending:
    state: Any = SimpleNamespace(request=replace(REQUEST, **limits), rounds=spending.state.rounds)
    return replace(spending, state=state)


def test_what_was_spent(spending: Spending) -> None:
    assert spending.accurate_cpu_s == pytest.approx(10 * LABEL_S + 40)
    assert spending.below_cpu_s(12) == {"gfn2-xtb": pytest.approx(CHEAP_S)}
    assert spending.intermediate_cpu_s == 0.0


def test_without_limits_every_geometry_may_be_labelled(spending: Spending) -> None:
    assert spending.most_labels == len(spending.candidates.frames) - 2
    assert spending.left_cpu_s == np.inf
    assert limited(spending, most_labels=12).most_labels == 12
    assert limited(spending, most_labels=10**6).most_labels == spending.most_labels


def test_training_cheap_frames_and_failures_count_against_a_limit_in_time(spending: Spending) -> None:
    beside = 100 + CHEAP_S + 40
    enough = limited(spending, most_cpu_s=beside + 20 * LABEL_S + 1)
    assert enough.most_labels == 20
    assert enough.left_cpu_s == pytest.approx(10 * LABEL_S + 1)
    assert limited(spending, most_cpu_s=beside + 20 * LABEL_S - 1).most_labels == 19
    spent = limited(spending, most_cpu_s=50)
    assert (spent.most_labels, spent.left_cpu_s) == (0, 0.0)
