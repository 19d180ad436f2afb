"""Whether a study's cheap level runs at every prediction: where it can, is quick enough, and is named if it is code."""

from __future__ import annotations

import pytest

from asteroid.labelling.cheap_methods import ALLOWED
from study.data.live_method import live_method

OWN = "ase.calculators.emt:EMT"


@pytest.mark.parametrize(
    ("level", "named"), [("gfn2-xtb", None), (OWN, OWN), ("hf/sto-3g - gfn1-xtb + gfn2-xtb", None)]
)
def test_quick_levels_run(level: str, named: str | None) -> None:
    found = live_method(level, 0.002, named)
    assert found.method is not None
    assert found.why_not is None


@pytest.mark.parametrize(
    ("level", "label_cpu_s", "named", "reason"),
    [
        ("gfn2-xtb", 9.5, "gfn2-xtb", "takes 9.5 s a label"),
        ("mmff94", 0.002, "mmff94", "cannot be run by this package"),
        (OWN, 0.002, None, "name it as 'level' of the cheap frames in the sweep file"),
        (OWN, 0.002, "gfn2-xtb", f"set {ALLOWED}={OWN}"),
    ],
)
def test_others_do_not_and_say_why(level: str, label_cpu_s: float, named: str | None, reason: str) -> None:
    found = live_method(level, label_cpu_s, named)
    assert found.method is None
    assert reason in str(found.why_not)
