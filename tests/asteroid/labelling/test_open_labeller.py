"""One label at a time: forces are the slope of the energy at every level, and what cannot be computed says so."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule
from labellers import WATER, computed, labeller_of, slope

from asteroid.labelling.labeller import Failure, Method, label_frame


@pytest.mark.parametrize(
    ("level", "tolerance"),
    [
        *((level, 2e-4) for level in ("gfn1-xtb", "gfn2-xtb", "hf/6-31g_d_p", "mp2/6-31g", "ccsd/6-31g")),
        ("ccsd_t/6-31g", 2e-4),
        ("pbe/6-31g", 1e-3),  # the grid moves with the atoms, which the forces leave out
        ("b3lyp/6-31g", 1e-3),
    ],
)
def test_forces_are_the_falling_slope_of_the_energy(level: str, tolerance: float) -> None:
    labeller = labeller_of(Method(level))
    label = computed(labeller, WATER.positions)
    assert label.cpu_s > 0
    for atom, axis in ((0, 1), (2, 2)):
        expected = -slope(labeller, WATER.positions, atom, axis)
        assert abs(expected) > 0.01
        assert label.forces_ev_ang[atom, axis] == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("level", ["gfn2-xtb", "mp2/sto-3g"])
def test_a_label_depends_on_its_geometry_alone(level: str) -> None:
    labeller = labeller_of(Method(level))
    first = computed(labeller, WATER.positions)
    computed(labeller, WATER.positions * 1.05)
    again = computed(labeller, WATER.positions)
    assert again.energy_ev == first.energy_ev
    np.testing.assert_array_equal(again.forces_ev_ang, first.forces_ev_ang)


def test_nothing_reaches_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    for level in ("uff", "gfn2-xtb", "pbe/def2-svp", "ccsd_t/sto-3g"):
        computed(labeller_of(Method(level)), WATER.positions)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("level", "where"),
    [("hf/sto-3g", "SCF"), ("ccsd_t/sto-3g", "SCF"), ("pbe/sto-3g", "SCF"), ("gfn2-xtb", "GFN2-xTB")],
)
def test_what_does_not_converge_is_a_failure(level: str, where: str) -> None:
    outcome = label_frame(labeller_of(Method(level, max_cycle=2)), WATER.positions)
    assert isinstance(outcome, Failure)
    assert where in outcome.reason
    assert "\n" not in outcome.reason


@pytest.mark.parametrize("level", ["gfn2-xtb", "hf/sto-3g", "ccsd/sto-3g"])
def test_radicals(level: str) -> None:
    methyl = molecule("CH3")
    methyl.rattle(0.05, seed=1)
    labeller = labeller_of(Method(level, unpaired=1), methyl)
    label = computed(labeller, methyl.positions)
    assert label.forces_ev_ang[0, 0] == pytest.approx(-slope(labeller, methyl.positions, 0, 0), abs=5e-4)
