"""Cheap methods that run here: the packaged xTB labels come back, and forces are the slope of the energy."""

from __future__ import annotations

import numpy as np
import pytest

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labelling import cheap_methods
from asteroid.labelling.cheap_methods import cheap_method, why_not


def test_the_packaged_labels_come_back() -> None:
    labels = load_methanol().cheap.select(np.array([0, 7_000, 19_999]))
    method = cheap_method("gfn2-xtb")
    assert method is not None
    energy, forces = method(labels.numbers, labels.positions)
    assert (energy.shape, forces.shape) == ((3,), (3, 6, 3))
    np.testing.assert_allclose(forces, labels.forces, rtol=0, atol=1e-3)
    np.testing.assert_allclose(energy, labels.energy, rtol=0, atol=1e-3)
    assert np.ptp(energy) > 0.05


@pytest.mark.parametrize("level", ["gfn2-xtb", "gfn1-xtb"])
def test_forces_are_the_falling_slope_of_the_energy(level: str) -> None:
    labels = load_methanol().cheap.select(np.array([100]))
    method = cheap_method(level)
    assert method is not None
    _, forces = method(labels.numbers, labels.positions)
    step = 1e-3
    for atom, axis in ((0, 0), (1, 2), (4, 1)):
        moved = np.zeros((2, 6, 3))
        moved[:, atom, axis] = step, -step
        up, down = method(labels.numbers, labels.positions + moved)[0]
        assert forces[0, atom, axis] == pytest.approx(-(up - down) / (2 * step), abs=2e-4)
    np.testing.assert_allclose(forces.sum(axis=1), 0.0, atol=1e-6)


def test_levels_are_different_methods() -> None:
    labels = load_methanol().cheap.select(np.array([100]))
    energies = []
    for level in ("gfn1-xtb", "gfn2-xtb"):
        method = cheap_method(level)
        assert method is not None
        energies.append(method(labels.numbers, labels.positions)[0][0])
    assert abs(energies[0] - energies[1]) > 1


@pytest.mark.parametrize("level", ["ccsd_t/cc-pvdz", "pbe/def2-svp", "gfn2"])
def test_what_cannot_be_run_says_what_can(level: str) -> None:
    assert cheap_method(level) is None
    assert why_not(level) == f"{level} cannot be run by this package: only gfn1-xtb, gfn2-xtb, ipea1-xtb can"


def test_without_tblite_its_levels_are_not_callable_and_the_remedy_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cheap_methods, "find_spec", lambda _: None)
    assert cheap_method("gfn2-xtb") is None
    assert "pip install asteroid-study[xtb]" in why_not("gfn2-xtb")


def test_a_geometry_without_a_solution_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from tblite import interface

    asked: list[int] = []

    class Impatient(interface.Calculator):
        """Gives up at the second geometry."""

        def singlepoint(self) -> interface.Result:
            asked.append(1)
            if len(asked) == 2:
                self.set("max-iter", 1)
            return super().singlepoint()

    monkeypatch.setattr(interface, "Calculator", Impatient)
    labels = load_methanol().cheap.select(np.array([0, 1, 2]))
    method = cheap_method("gfn2-xtb")
    assert method is not None
    with pytest.raises(InputError, match=r"must converge at every geometry, failed at frame 1: .*remove") as caught:
        method(labels.numbers, labels.positions)
    assert "\n" not in str(caught.value)
