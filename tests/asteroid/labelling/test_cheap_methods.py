"""Cheap methods that run here: the packaged xTB labels come back, and forces are the slope of the energy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labelling import cheap_methods
from asteroid.labelling.cheap_methods import cheap_method, why_not
from asteroid.labels.charge_and_spin import ChargeAndSpin

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize("level", ["uff", "gfn2", "ccsd_t/cc-pvdz - uff + mmff94"])
def test_what_cannot_be_run_says_what_can(level: str) -> None:
    assert cheap_method(level) is None
    reason = why_not(level)
    assert reason is not None
    assert reason.startswith(
        f"{level} cannot be run by this package: only gfn1-xtb, gfn2-xtb, ipea1-xtb, so3lr, hf/BASIS"
    )


def test_without_tblite_its_levels_are_not_callable_and_the_remedy_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cheap_methods, "find_spec", lambda _: None)
    assert cheap_method("gfn2-xtb") is None
    assert why_not("gfn2-xtb") == 'install tblite (pip install "asteroid-study[labels]")'
    assert str(why_not("so3lr - gfn2-xtb + hf/sto-3g")).startswith("install So3krates-torch (pip install ")


SPRINGS = """
import numpy as np
from ase.calculators.calculator import Calculator, all_changes

class Springs(Calculator):
    implemented_properties = ["energy", "forces"]

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        at = atoms.positions
        self.results = {"energy": 0.5 * (at**2).sum(), "forces": -at}

def make():
    return Springs()
"""


def test_a_calculator_of_the_users_runs_where_it_is_declared_or_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_springs.py").write_text(SPRINGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    level, numbers = "own_springs:make", np.array([1, 1])
    at = np.array([[[0.0, 0.0, 0.0], [0.0, 0.0, 2.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    assert cheap_method(level) is None
    assert "ASTEROID_STUDY_CALCULATORS=own_springs:make" in str(why_not(level))
    declared = cheap_method(level, declared=True)
    monkeypatch.setenv("ASTEROID_STUDY_CALCULATORS", f"other:thing, {level}")
    allowed = cheap_method(level)
    assert declared is not None
    assert allowed is not None
    for method in (declared, allowed):
        energy, forces = method(numbers, at)
        np.testing.assert_allclose(energy, [2.0, 0.5])
        np.testing.assert_allclose(forces, -at)


def test_a_sum_of_levels_runs_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = load_methanol().cheap.select(np.array([100]))
    method = cheap_method("hf/sto-3g + gfn1-xtb - gfn2-xtb")
    assert method is not None
    energy, _ = method(labels.numbers, labels.positions)
    parts = []
    for level in ("hf/sto-3g", "gfn1-xtb", "gfn2-xtb"):
        part = cheap_method(level)
        assert part is not None
        parts.append(part(labels.numbers, labels.positions)[0][0])
    assert energy[0] == pytest.approx(parts[0] + parts[1] - parts[2], abs=1e-6)


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


def test_ions_are_computed_with_their_charge() -> None:
    """Hydroxide has an even number of electrons, OH has not."""
    numbers, positions = np.array([8, 1]), np.array([[[0.0, 0.0, 0.0], [0.0, 0.0, 0.97]]])
    anion, radical = cheap_method("gfn2-xtb", ChargeAndSpin(-1)), cheap_method("gfn2-xtb", ChargeAndSpin(0, 1))
    assert anion is not None
    assert radical is not None
    assert anion(numbers, positions)[0][0] < radical(numbers, positions)[0][0] - 1.0
    neutral = cheap_method("gfn2-xtb")
    assert neutral is not None
    with pytest.raises(InputError, match="an odd number of electrons"):
        neutral(numbers, positions)
