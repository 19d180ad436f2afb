"""The labels that a trained chain was given, found again and compared with what its stages remember."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet, content_hashes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.stages.stage import Frames


def refuse_changed_labels(spec: Mapping[str, Any], train: Frames, val: Frames) -> None:
    """Refuse labels that are not those of a finished stage.

    Args:
        spec: the stage as plain data.
        train: frames that it is supposed to be trained on.
        val: frames that are supposed to be held out.

    Raises:
        InputError: their digests differ.
    """
    for role, frames in (("train", train), ("val", val)):
        if spec[role]["digest"] != frames.digest:
            raise InputError(
                f"the labels of {frames.level} are not those that the model was trained on (their digest differs): "
                "restore the files of the study"
            )


def geometries_of(labels: LabelSet, hashes: Sequence[str]) -> LabelSet:
    """Geometries of labels by content hash, in that order, without their labels."""
    place = {name: row for row, name in enumerate(content_hashes(labels))}
    own = labels.select([place[name] for name in hashes])
    return LabelSet(own.numbers, own.positions, None, None, own.level)
