"""What goes wrong with a geometry is a failure; electrons that do not fit are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from labellers import WATER, labeller_of

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure, Method, NotConvergedError, label_frame

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


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (Method("hf/sto-3g", charge=1), r"odd number of electrons \(9\).*--charge or --spin"),
        (Method("gfn2-xtb", unpaired=1), r"even number of electrons \(10\)"),
        (Method("hf/sto-3g", unpaired=12), "10 electrons, found spin 12"),
        (Method("uff", charge=-1), "neutral closed shells"),
        (Method("mmff94", unpaired=2), "neutral closed shells"),
        (Method("ccsd_t/sto-3g", charge=1, unpaired=1), "not the slope of their energy"),
    ],
)
def test_electrons_that_do_not_fit(method: Method, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        labeller_of(method)
    assert "\n" not in str(caught.value)
