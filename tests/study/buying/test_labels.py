"""What has become of each geometry: kept in order on disk, read back after a kill, owned labels first."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from asteroid.io.read import read_labels
from asteroid.labelling.labeller import Failure, Label
from study.buying.labels import LABELS_FILE, LabelBook

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet


@pytest.fixture
def labels(methanol_sets: tuple[LabelSet, LabelSet]) -> LabelSet:
    return replace(methanol_sets[0].select(np.arange(12)), frame_id=np.arange(12), group=None)


@pytest.fixture
def candidates(labels: LabelSet) -> Any:
    """Twelve geometries, two of them labelled at the start."""
    return SimpleNamespace(frames=replace(labels, energy=None, forces=None, cpu_s=None), owned=labels.select([0, 1]))


def label(labels: LabelSet, row: int) -> Label:
    assert labels.energy is not None
    assert labels.forces is not None
    return Label(float(labels.energy[row]), labels.forces[row], 2.0)


def test_outcomes_are_kept_in_order_and_read_back(candidates: Any, labels: LabelSet, tmp_path: Path) -> None:
    book = LabelBook(candidates.frames, candidates.owned, tmp_path)
    assert (book.rows, book.n_bought, book.next_rows(3)) == ([0, 1], 0, [2, 3, 4])
    book.keep({2: label(labels, 2), 3: Failure("not converged", 5.0), 4: label(labels, 4)})
    again = LabelBook(candidates.frames, candidates.owned, tmp_path)
    assert (again.rows, again.n_bought, again.failed_cpu_s) == ([0, 1, 2, 4], 2, 5.0)
    assert again.failures[3].reason == "not converged"
    np.testing.assert_array_equal(again.labels().forces, labels.select([0, 1, 2, 4]).forces)
    assert again.labels(3).frame_id.tolist() == [0, 1, 2]
    again.write()
    assert read_labels(tmp_path / LABELS_FILE).labels.frame_id.tolist() == [0, 1, 2, 4]
    assert again.next_rows(50) == list(range(5, 12))


def test_what_lies_behind_a_gap_is_not_taken_for_bought(candidates: Any, labels: LabelSet, tmp_path: Path) -> None:
    book = LabelBook(candidates.frames, candidates.owned, tmp_path)
    book.keep({row: label(labels, row) for row in (2, 3, 4)})
    (tmp_path / "labels" / f"{book.hashes[3]}.json").unlink()
    assert LabelBook(candidates.frames, candidates.owned, tmp_path).rows == [0, 1, 2]


def test_failures_in_a_row_are_counted_from_the_end(candidates: Any, labels: LabelSet, tmp_path: Path) -> None:
    failure = Failure("no licence", 0.0)
    book = LabelBook(candidates.frames, candidates.owned, tmp_path)
    assert book.failed_in_a_row == 0
    tried = book.with_outcomes({2: failure, 3: label(labels, 3), 4: failure, 5: failure})
    assert (tried.failed_in_a_row, book.failed_in_a_row) == (2, 0), "a trial leaves the book as it is"
