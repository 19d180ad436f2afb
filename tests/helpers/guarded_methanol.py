"""Frames of the packaged methanol, and what the guards say of them after a change."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.checks.guards import check_labels
from asteroid.datasets import load_methanol
from asteroid.errors import InputError

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet


@cache
def methanol(n: int = 60) -> LabelSet:
    return load_methanol().accurate.select(np.arange(n))


def refused(labels: LabelSet) -> str:
    with pytest.raises(InputError) as caught:
        check_labels(labels, "labels.npz")
    message = str(caught.value)
    assert "\n" not in message
    assert "labels.npz" in message
    return message


def with_value(field: str, row: int, value: float) -> LabelSet:
    changed = np.array(getattr(methanol(), field))
    changed[row] = value
    return replace(methanol(), **{field: changed})
