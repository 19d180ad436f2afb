"""Methods are found among other words, bases and keywords are not."""

from __future__ import annotations

import pytest

from asteroid.io.method_names import method_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("! RI-MP2 cc-pVTZ TightSCF EnGrad", {"mp2"}),
        ("|  1> ! CCSD(T) cc-pVDZ MORead", {"ccsd(t)"}),
        (" #p PBE1PBE/def2SVP force", {"pbe1pbe"}),
        ("wB97X-D3 def2-TZVP", {"wb97x-d3"}),
        ("GFN2-xTB", {"gfn2-xtb"}),
        ("nvt metadynamics at 500 K", set()),
        ("", set()),
    ],
)
def test_methods_are_found_among_other_words(text: str, names: set[str]) -> None:
    assert method_names(text) == names
