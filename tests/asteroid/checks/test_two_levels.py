"""One file under the names of two levels."""

from dataclasses import replace

import numpy as np
import pytest

from asteroid.checks.two_levels import refuse_labels_of_two_levels
from asteroid.datasets import load_methanol
from asteroid.errors import InputError


def test_labels_that_stand_under_two_levels_are_refused():
    methanol = load_methanol()
    cheap, accurate = methanol.cheap.select(np.arange(60)), methanol.accurate.select(np.arange(60))
    refuse_labels_of_two_levels(accurate, cheap)
    copy = replace(cheap.select(np.arange(20)), level="gfn1-xtb")
    with pytest.raises(InputError, match=r"20 energies of gfn2-xtb that are those of gfn1-xtb.*name the file of each"):
        refuse_labels_of_two_levels(accurate, cheap, copy)
