"""Labels of one level in their order: an unfinished batch is asked for again as it was, failures are replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure, Label
from study.buying.batch import Pending
from study.buying.sources import no_labels
from study.buying.supply import Source, Supply

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet
    from study.buying.batch import Batch


@pytest.fixture(scope="module")
def labels() -> LabelSet:
    own = load_methanol().cheap.select(np.arange(0, 20_000, 1000))
    return replace(own, frame_id=np.arange(len(own)), group=None, cpu_s=None)


class Known:
    """Gives known labels but for some geometries; remembers what it was asked for."""

    def __init__(self, labels: LabelSet, failing: tuple[int, ...] = (), waits: bool = False) -> None:
        self.labels, self.failing, self.waits = labels, failing, waits
        self.asked: list[tuple[int, list[int]]] = []

    def label(self, batch: Batch) -> Any:
        rows = batch.frames.frame_id.tolist()
        self.asked.append((batch.number, rows))
        if self.waits:
            return Pending(("compute them",))
        assert self.labels.energy is not None
        assert self.labels.forces is not None
        energy, forces = self.labels.energy, self.labels.forces
        return [
            Failure("no", 3.0) if row in self.failing else Label(float(energy[row]), forces[row], 1.0) for row in rows
        ]


def supply(labels: LabelSet, labeller: Known, folder: Path, batches: Any = (), told: Any = None) -> Supply:
    frames = replace(labels, energy=None, forces=None)
    source = Source(frames, no_labels(frames, frames.level), labeller)
    return Supply(source, folder, batches, (told if told is not None else []).append, lambda _: None)


def test_batches_are_told_before_they_are_asked_for_and_failures_are_replaced(labels: LabelSet, tmp_path: Path) -> None:
    labeller, told = Known(labels, failing=(1, 4)), []
    own = supply(labels, labeller, tmp_path, told=told)
    assert own.own(4) is None
    assert told == [((0, 3),), ((0, 3), (4, 4)), ((0, 3), (4, 4), (5, 5))]
    assert own.book.rows == [0, 2, 3, 5]
    assert (tmp_path / "labels.npz").is_file()
    assert own.own(4) is None
    assert len(labeller.asked) == 3, "what is there is not asked for again"


def test_an_unfinished_batch_is_asked_for_again_as_it_was(labels: LabelSet, tmp_path: Path) -> None:
    waiting, told = Known(labels, waits=True), []
    assert supply(labels, waiting, tmp_path, told=told).own(3) == ("compute them",)
    labeller = Known(labels)
    again = supply(labels, labeller, tmp_path, told[-1])
    assert again.own(5) is None
    assert labeller.asked == [(1, [0, 1, 2]), (2, [3, 4])]


def test_a_label_that_is_damaged_on_disk_is_had_again(labels: LabelSet, tmp_path: Path) -> None:
    told: list[Any] = []
    own = supply(labels, Known(labels), tmp_path, told=told)
    for n in (3, 6):
        assert own.own(n) is None
    path = tmp_path / "labels" / f"{own.book.hashes[1]}.json"
    path.write_text(path.read_text().replace("1", "2"))
    labeller = Known(labels)
    again = supply(labels, labeller, tmp_path, told[-1])
    assert again.book.rows == [0]
    assert again.own(6) is None
    assert labeller.asked == [(1, [0, 1, 2]), (2, [3, 4, 5])], "as it was asked for before"
    assert again.book.rows == [0, 1, 2, 3, 4, 5]


def test_geometries_run_out(labels: LabelSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are 20 geometries to label"):
        supply(labels, Known(labels), tmp_path).own(21)
