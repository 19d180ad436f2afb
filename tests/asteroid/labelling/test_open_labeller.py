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


SUM = "CCSD(T)/STO-3G + MP2/(3-21G - STO-3G)"


def test_a_sum_of_levels_is_the_sum_of_its_parts_and_its_forces_are_the_slope_of_its_energy() -> None:
    labeller = labeller_of(Method(SUM))
    label = computed(labeller, WATER.positions)
    parts = {
        level: computed(labeller_of(Method(level)), WATER.positions)
        for level in ("ccsd_t/sto-3g", "mp2/3-21g", "mp2/sto-3g")
    }
    signs = np.array([1, 1, -1])
    assert label.energy_ev == pytest.approx(signs @ [part.energy_ev for part in parts.values()], abs=1e-9)
    together = np.tensordot(signs, [part.forces_ev_ang for part in parts.values()], 1)
    np.testing.assert_allclose(label.forces_ev_ang, together, atol=1e-9)
    assert np.abs(label.forces_ev_ang - parts["ccsd_t/sto-3g"].forces_ev_ang).max() > 0.1
    expected = -slope(labeller, WATER.positions, 0, 1)
    assert label.forces_ev_ang[0, 1] == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(
    ("level", "reason"), [("ccsd_t/sto-3g + mp2/(3-21g - sto-3g)", "SCF"), ("uff - gfn2-xtb + hf/sto-3g", "GFN2-xTB")]
)
def test_one_part_without_a_solution_leaves_no_label(level: str, reason: str) -> None:
    outcome = label_frame(labeller_of(Method(level, max_cycle=2)), WATER.positions)
    assert isinstance(outcome, Failure)
    assert reason in outcome.reason


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


@pytest.mark.parametrize("level", ["gfn2-xtb", "hf/6-31g", "mp2/6-31g", "ccsd/6-31g", "ccsd_t/6-31g", SUM])
def test_an_energy_alone_is_that_of_the_whole_label(level: str) -> None:
    whole = computed(labeller_of(Method(level)), WATER.positions)
    alone = computed(labeller_of(Method(level, energies_alone=True)), WATER.positions)
    assert alone.forces_ev_ang is None
    assert alone.energy_ev == pytest.approx(whole.energy_ev, abs=1e-6)
