"""What goes wrong with a geometry is a failure, never a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from labellers import WATER

from asteroid.labelling.labeller import Failure, NotConvergedError, label_frame

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ((float("nan"), np.zeros((3, 3))), "NaN or infinite"),
        ((1.0, np.full((3, 3), np.inf)), "NaN or infinite"),
        ((1.0, np.zeros((2, 3))), "shape"),
        (NotConvergedError("no\nluck"), "no luck"),
        (ZeroDivisionError("oops"), "ZeroDivisionError: oops"),
    ],
)
def test_whatever_goes_wrong_is_never_a_label(returned: object, reason: str) -> None:
    def labeller(_: FloatArray) -> tuple[float, FloatArray]:
        if isinstance(returned, Exception):
            raise returned
        return returned  # type: ignore[return-value]

    outcome = label_frame(labeller, WATER.positions)
    assert isinstance(outcome, Failure)
    assert reason in outcome.reason


@pytest.mark.parametrize("error", [MemoryError("8 GiB"), OSError(28, "no space")])
def test_a_machine_at_fault_is_no_fault_of_the_geometry(error: Exception) -> None:
    def labeller(_: FloatArray) -> tuple[float, FloatArray]:
        raise error

    with pytest.raises(type(error)):
        label_frame(labeller, WATER.positions)
