"""Labels of one level, bought in their order: batches asked for, checked and kept, failures replaced by the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from study.buying.batch import Batch, Pending
from study.buying.label_guards import check_bought
from study.buying.labels import LabelBook, without_nan_forces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import LabelSet
    from study.buying.batch import Labeller, Outcome

_BATCHES = "batches"
#: If so many geometries of a batch give no label and none does, the fault is not the geometries'.
_ALL_FAILED = 3
#: Nor is it theirs if so many in a row give none: a program that has lost its licence must not use up all geometries.
_FAILED_IN_A_ROW = 10
#: (first, last) place in the order of purchase of each batch that was asked for.
Batches = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Source:
    """Where labels come from.

    Attributes:
        frames: geometries in the order of purchase, `frame_id` their place in it.
        owned: labels of the first of them that are there already.
        labeller: gives the others.
        cheap: cheap labels at the geometries, where they are known.
        compared: whether forces are held against the cheap ones: their unit and sign are the user's word.
        unit_stated: whether the study file states the unit of forces, so that their size is believed.
        keep_outliers: whether labels that the others contradict are noted and kept: nobody could correct those that
            this project computes.
        energies_alone: labels have no forces.
        electrons: charge and spin of the molecule.
    """

    frames: LabelSet
    owned: LabelSet
    labeller: Labeller
    cheap: LabelSet | None = None
    compared: bool = False
    unit_stated: bool = False
    keep_outliers: bool = False
    energies_alone: bool = False
    electrons: ChargeAndSpin = CLOSED_SHELL


class Supply:
    """Labels of one level in the order of purchase, and how more of them are had.

    Args:
        source: geometries and labeller.
        folder: of labels and batches.
        batches: those that were asked for so far.
        on_batches: told all batches before a new one is asked for: it writes them down.
        on_note: told which geometries are replaced.
    """

    def __init__(
        self,
        source: Source,
        folder: Path,
        batches: Batches,
        on_batches: Callable[[Batches], None],
        on_note: Callable[[str], None],
    ) -> None:
        self._source, self._folder, self._batches = source, folder, batches
        self._on_batches, self._on_note = on_batches, on_note
        self.book = LabelBook(source.frames, source.owned, folder, source.electrons)

    def own(self, n: int) -> tuple[str, ...] | None:
        """Have n labels; what is to be done where they come from elsewhere and are not there yet, else None.

        Raises:
            InputError: there are not so many geometries, labels do not pass the guards, or none comes any more.
        """
        while len(self.book.rows) < n:
            batch = self._open_batch() or self._new_batch(n - len(self.book.rows))
            answer = self._source.labeller.label(batch)
            if isinstance(answer, Pending):
                return answer.to_do
            self._keep(batch, answer)
        self.book.write()
        return None

    def _open_batch(self) -> Batch | None:
        """The batch that a kill has left unfinished, or that has lost a label on disk."""
        following = self.book.next_rows(1)
        for number, (first, last) in enumerate(self._batches, 1):
            if following and first <= following[0] <= last:
                return self._batch(number, first, last)
        return None

    def _new_batch(self, n: int) -> Batch:
        rows = self.book.next_rows(n)
        if len(rows) < n:
            raise InputError(
                f"there are {len(self._source.frames)} geometries to label, {len(self.book.failures)} of them "
                "failed: add cheap frames, or find out why labels fail"
            )
        self._batches = (*self._batches, (rows[0], rows[-1]))
        self._on_batches(self._batches)
        return self._batch(len(self._batches), rows[0], rows[-1])

    def _batch(self, number: int, first: int, last: int) -> Batch:
        rows, cheap = np.arange(first, last + 1), self._source.cheap
        folder = self._folder / _BATCHES / f"{number:03d}"
        return Batch(number, self._source.frames.select(rows), None if cheap is None else cheap.select(rows), folder)

    def _keep(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Pass the labels of a batch through the guards, keep them, and say which geometries are replaced."""
        rows = batch.frames.frame_id.tolist()
        found = dict(zip(rows, outcomes, strict=True))
        failed = {row: outcome for row, outcome in found.items() if isinstance(outcome, Failure)}
        if len(failed) == len(found) >= _ALL_FAILED and not self.book.n_bought:
            reason = next(iter(failed.values())).reason
            raise InputError(
                f"none of the first {len(found)} geometries gave a label ({reason}): check level and program"
            )
        book = self.book.with_outcomes(found)
        if len(failed) == len(found) and book.failed_in_a_row >= _FAILED_IN_A_ROW:
            reason = failed[rows[-1]].reason
            raise InputError(
                f"the last {book.failed_in_a_row} geometries gave no label ({reason}): check level and program, then "
                f"remove {batch.folder}"
            )
        labels, source = without_nan_forces(book.labels()), self._source
        cheap = source.cheap if source.compared else None
        if len(labels):
            for noted in check_bought(
                labels,
                None if cheap is None else cheap.select(labels.frame_id),
                f"the {labels.level} labels of batch {batch.number} and before",
                energies_alone=source.energies_alone,
                unit_stated=source.unit_stated,
                keep_outliers=source.keep_outliers,
            ):
                self._on_note(noted)
        self.book.keep(found)
        for row, failure in failed.items():
            self._on_note(f"geometry {row} gave no label and is replaced by the next in order: {failure.reason}")
