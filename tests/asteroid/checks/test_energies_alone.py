"""Energies without forces against springs of the cheap level: single wrong ones, other units, and sound sets."""

from dataclasses import replace

import numpy as np
import pytest

from asteroid.checks.energies_alone import refuse_energies_alone, wrong_energies
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.units import ENERGY_IN_EV


@pytest.fixture(scope="module")
def sets():
    methanol = load_methanol()
    accurate = methanol.accurate.select(np.arange(0, 1360, 20))
    return replace(accurate, forces=None), methanol.cheap.select(np.arange(0, 20_000, 50))


@pytest.mark.parametrize("off_ev", [20.0, -20.0, 5.0, -5.0])
def test_one_wrong_energy_is_refused_by_its_number(sets, off_ev):
    accurate, cheap = sets
    energy = accurate.energy.copy()
    energy[17] += off_ev
    frame = accurate.frame_id[17] if accurate.frame_id is not None else 17
    with pytest.raises(InputError, match=rf"frame {frame}\b.* of labels\.npz must have an energy that fits"):
        refuse_energies_alone(replace(accurate, energy=energy), cheap, "labels.npz")


def test_all_wrong_ones_are_found_and_no_other(sets):
    accurate, cheap = sets
    energy = accurate.energy.copy()
    energy[[5, 17, 40]] += 8.0
    assert [frame.row for frame in wrong_energies(replace(accurate, energy=energy), cheap, "")] == [5, 17, 40]


@pytest.mark.parametrize("unit", ["Hartree", "kcal/mol"])
def test_energies_of_another_unit_are_refused(sets, unit):
    accurate, cheap = sets
    with pytest.raises(InputError, match=r"labels\.npz must vary as the forces of gfn2-xtb say.*declare energy_unit"):
        refuse_energies_alone(replace(accurate, energy=accurate.energy / ENERGY_IN_EV[unit]), cheap, "labels.npz")


def test_sound_energies_pass_whatever_their_zero_and_their_number(sets):
    accurate, cheap = sets
    for n in (3, 12, 20, len(accurate)):
        some = accurate.select(np.arange(n))
        refuse_energies_alone(some, cheap, "")
        refuse_energies_alone(replace(some, energy=some.energy + 3000.0), cheap, "")


@pytest.mark.parametrize("order", ["permuted", "shifted"])
def test_rows_in_another_order_are_told_by_the_other_level_at_the_same_geometries(order):
    methanol = load_methanol()
    accurate = replace(methanol.accurate.select(np.arange(0, 1360, 40)), forces=None)
    refuse_energies_alone(accurate, methanol.cheap, "labels.npz")
    rng = np.random.default_rng(0)
    energy = rng.permutation(accurate.energy) if order == "permuted" else np.roll(accurate.energy, 1)
    with pytest.raises(InputError, match=r"labels.npz must rise and fall with those of gfn2-xtb at the same"):
        refuse_energies_alone(replace(accurate, energy=energy), methanol.cheap, "labels.npz")
