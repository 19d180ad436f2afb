"""Charges and unpaired electrons that do not fit a molecule or a program are refused."""

from __future__ import annotations

import pytest
from labellers import labeller_of

from asteroid.errors import InputError
from asteroid.labelling.labeller import Method


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
