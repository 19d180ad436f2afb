"""What is asked of a labeller: the geometries of a batch, and one outcome for each of them, or what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from asteroid.labelling.labeller import Failure, Label

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet

#: What becomes of a geometry.
Outcome = Label | Failure


@dataclass(frozen=True, eq=False)
class Batch:
    """Geometries whose labels are bought together.

    Attributes:
        number: place among the batches of the purchase, from 1.
        frames: the geometries; their `frame_id` is their place in the order of purchase.
        cheap: cheap labels at them, where they are known.
        folder: of this batch alone.
    """

    number: int
    frames: LabelSet
    cheap: LabelSet | None
    folder: Path


@dataclass(frozen=True)
class Pending:
    """Labels are to come from elsewhere.

    Attributes:
        to_do: what the user does next, as lines.
    """

    to_do: tuple[str, ...]


class Labeller(Protocol):
    """Gives labels for the geometries of a batch.

    Asked again for the same batch, after a kill or when it was pending, it goes on and gives the same.
    """

    def label(self, batch: Batch) -> Sequence[Outcome] | Pending:
        """One outcome for each geometry in order, or what is to be done before there are any.

        Raises:
            InputError: the labels cannot be had or do not fit the geometries.
        """
        ...
