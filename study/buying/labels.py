"""The labels of a purchase on disk: one file for each outcome, and all owned ones in the order of purchase."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.io.write import write_labels
from asteroid.labelling.labeller import Failure, Label
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.labels.label_set import LabelSet, geometry_hashes
from study.labelling.work_folder import read_outcome, write_outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import FloatArray
    from study.buying.batch import Outcome

LABELS_FILE = "labels.npz"
#: Folder of the outcome of every geometry, in that of the purchase.
OUTCOMES = "labels"


class LabelBook:
    """What has become of each geometry of a purchase, in the order of purchase.

    Args:
        frames: the geometries in the order of purchase.
        owned: labels of the first of them that are there at the start.
        folder: of the purchase.
        electrons: charge and spin of the molecule.
    """

    def __init__(
        self, frames: LabelSet, owned: LabelSet, folder: Path, electrons: ChargeAndSpin = CLOSED_SHELL
    ) -> None:
        self._frames, self._n_owned, self._folder, self._electrons = frames, len(owned), folder, electrons
        self.hashes = geometry_hashes(frames)
        self._outcomes: dict[int, Outcome] = {}
        assert owned.energy is not None
        assert owned.forces is not None
        for row in range(len(owned)):
            cpu_s = 0.0 if owned.cpu_s is None else float(owned.cpu_s[row])
            self._outcomes[row] = Label(float(owned.energy[row]), owned.forces[row], cpu_s)
        (folder / OUTCOMES).mkdir(parents=True, exist_ok=True)
        for row in range(len(owned), len(self.hashes)):
            outcome = read_outcome(folder / OUTCOMES, self.hashes[row])
            if outcome is None:
                break  # geometries are labelled in order
            self._outcomes[row] = outcome

    @property
    def rows(self) -> list[int]:
        """Rows of the labelled candidates, in the order of purchase."""
        return [row for row, outcome in sorted(self._outcomes.items()) if isinstance(outcome, Label)]

    @property
    def failures(self) -> dict[int, Failure]:
        """Candidates without a label, and why."""
        return {row: found for row, found in sorted(self._outcomes.items()) if isinstance(found, Failure)}

    @property
    def failed_in_a_row(self) -> int:
        """How many of the last geometries gave no label, back to the last that gave one."""
        outcomes = [outcome for _, outcome in sorted(self._outcomes.items())]
        return next((n for n, last in enumerate(reversed(outcomes)) if isinstance(last, Label)), len(outcomes))

    @property
    def n_bought(self) -> int:
        """Labels that were bought, those owned at the start left out."""
        return len(self.rows) - self._n_owned

    @property
    def failed_cpu_s(self) -> float:
        """CPU seconds spent on geometries that gave no label."""
        return sum(failure.cpu_s for failure in self.failures.values())

    def next_rows(self, n: int) -> list[int]:
        """The next n geometries in order that nobody has labelled; fewer where there are no more."""
        first = len(self._outcomes)
        return list(range(first, min(first + n, len(self.hashes))))

    def with_outcomes(self, outcomes: Mapping[int, Outcome]) -> LabelBook:
        """The book as it would be with what has become of a batch; nothing is written."""
        changed = copy(self)
        changed._outcomes = {**self._outcomes, **outcomes}  # noqa: SLF001 - of the same class
        return changed

    def keep(self, outcomes: Mapping[int, Outcome]) -> None:
        """Keep what has become of a batch, in order: a kill leaves a beginning of it."""
        for row, outcome in sorted(outcomes.items()):
            write_outcome(self._folder / OUTCOMES, self.hashes[row], outcome)
            self._outcomes[row] = outcome

    def labels(self, n: int | None = None) -> LabelSet:
        """The first n labels in the order of purchase; None for all."""
        rows = self.rows[:n]
        found = [self._outcomes[row] for row in rows]
        good = [label for label in found if isinstance(label, Label)]
        frames = self._frames.select(rows)
        shape = frames.positions.shape
        return LabelSet(
            frames.numbers,
            frames.positions,
            np.array([label.energy_ev for label in good], dtype=float),
            np.array([_forces(label, shape[1:]) for label in good], dtype=float).reshape(shape),
            frames.level,
            cpu_s=np.array([label.cpu_s for label in good], dtype=float),
            frame_id=frames.frame_id,
        )

    def write(self) -> None:
        """Write all owned labels to `labels.npz`, in the order of purchase."""
        write_labels(without_nan_forces(self.labels()), self._folder / LABELS_FILE, electrons=self._electrons)


def without_nan_forces(labels: LabelSet) -> LabelSet:
    """Labels as files and guards have them: without forces, where they are energies alone."""
    alone = labels.forces is not None and len(labels) > 0 and bool(np.isnan(labels.forces).all())
    return replace(labels, forces=None) if alone else labels


def _forces(label: Label, shape: tuple[int, ...]) -> FloatArray:
    return np.full(shape, np.nan) if label.forces_ev_ang is None else label.forces_ev_ang
