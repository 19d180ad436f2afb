"""Total energies of all electrons are estimated well enough to tell units apart."""

from __future__ import annotations

import numpy as np
import pytest
from guarded_methanol import methanol

from asteroid.labels.total_energy import all_electron_energy_ev, is_total_energy
from asteroid.units import ENERGY_IN_EV


@pytest.mark.parametrize(
    ("numbers", "hartree"),
    [([1], -0.5), ([6], -37.845), ([7], -54.589), ([8], -75.067), ([9], -99.734), ([8, 1, 1], -76.4), ([16], -398.11)],
)
def test_total_energies_of_atoms_are_estimated(numbers: list[int], hartree: float) -> None:
    estimate = all_electron_energy_ev(np.array(numbers)) / ENERGY_IN_EV["Hartree"]
    assert estimate == pytest.approx(hartree, rel=0.08 if numbers == [1] else 0.01)


def test_total_energies_tell_units_apart() -> None:
    assert methanol().energy is not None
    energy = float(np.median(methanol().energy))
    assert is_total_energy(energy, methanol().numbers)
    for unit, ev in ENERGY_IN_EV.items():
        assert is_total_energy(energy * ev, methanol().numbers) == (unit == "eV")
