from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from guarded_methanol import methanol, refused
from varied_sets import FORMALDEHYDE, WATER, springs, together

from asteroid.checks.bond_stiffness import STIFFNESS, bond_stiffness
from asteroid.checks.guards import check_labels
from asteroid.checks.single_frames import broken_frames
from asteroid.datasets import load_methanol
from asteroid.labels.label_set import LabelSet
from asteroid.units import ENERGY_IN_EV

KJ_PER_KCAL = ENERGY_IN_EV["kcal/mol"] / ENERGY_IN_EV["kJ/mol"]


def times(labels: LabelSet, factor: float | np.ndarray) -> LabelSet:
    """Forces and energies (from their mean) of another unit or sign, in all frames or each by its own factor."""
    assert labels.energy is not None
    assert labels.forces is not None
    each = np.broadcast_to(factor, len(labels))
    energy = (labels.energy - labels.energy.mean()) * each
    return replace(labels, energy=energy, forces=labels.forces * each[:, None, None])


def test_bonds_of_sound_sets_are_as_stiff_as_bonds() -> None:
    data = load_methanol()
    for labels in (data.accurate, data.cheap.select(np.arange(0, 20000, 10)), methanol(8)):
        found = bond_stiffness(labels)
        assert found is not None
        assert 0.75 < found.of_set < 1.4
        assert not found.is_impossible
        assert not len(found.impossible_frames())
    assert bond_stiffness(methanol(3)) is None
    assert bond_stiffness(replace(methanol(), forces=None)) is None


def test_gradients_of_few_frames_that_are_no_neighbours_are_refused() -> None:
    few = load_methanol().accurate.select(np.arange(8) * 60)
    assert few.forces is not None
    assert check_labels(few, "few.npz").fit is None
    for gradients in (replace(few, forces=-few.forces), times(few, -1.0)):
        message = refused(gradients)
        assert "must pull stretched bonds back, found that they push them apart" in message
        assert "set forces_are: gradients" in message


@pytest.mark.parametrize("factor", [KJ_PER_KCAL, 1 / KJ_PER_KCAL])
def test_labels_in_another_unit_that_fit_each_other_are_refused(factor: float) -> None:
    message = refused(times(methanol(), factor))
    assert "times as stiff as bonds of their lengths are: declare energy_unit" in message
    found = bond_stiffness(times(methanol(), factor))
    assert found is not None
    assert not STIFFNESS[0] < found.of_set < STIFFNESS[1]


@pytest.mark.parametrize("factor", [-1.0, 1 / 23.06, KJ_PER_KCAL])
def test_a_part_in_another_unit_or_of_the_other_sign_is_refused(factor: float) -> None:
    sparse = load_methanol().accurate.select(np.arange(0, 1360, 15))
    of_some = np.where(np.arange(len(sparse)) % 3 == 0, factor, 1.0)
    message = refused(times(sparse, of_some))
    assert "a part of the set may hold gradients or forces in another unit" in message or "must" in message


def test_one_frame_in_another_unit_is_named() -> None:
    stretched = bond_stiffness(load_methanol().accurate)
    assert stretched is not None
    row = int(np.nanargmin(stretched.error_of_frame))
    found = broken_frames(times(load_methanol().accurate, np.where(np.arange(1360) == row, 0.02, 1.0)))
    assert [frame.row for frame in found] == [row]


def test_molecules_are_measured_one_by_one_and_put_together() -> None:
    water, formaldehyde = springs(WATER, 40, 1), springs(FORMALDEHYDE, 40, 2)
    each = [bond_stiffness(labels) for labels in (water, formaldehyde)]
    both = bond_stiffness(together([water, formaldehyde]))
    assert both is not None
    low, high = sorted(found.of_set for found in each if found is not None)
    assert low < both.of_set < high
    assert both.error_of_frame.shape == (80,)


def test_atoms_without_a_bond_of_their_own_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    ring = np.array([[np.cos(turn), np.sin(turn), 0.0] for turn in np.arange(6) * np.pi / 3]) * 1.4
    positions = ring + 0.03 * rng.normal(size=(20, 6, 3))
    rings = LabelSet(np.full(6, 6), positions, rng.normal(size=20), rng.normal(size=positions.shape), "hf")
    assert bond_stiffness(rings) is None


def test_bonds_that_keep_their_length_tell_nothing() -> None:
    labels = methanol(1)
    turned = np.repeat(labels.positions, 20, axis=0) + 1e-4 * np.random.default_rng(0).normal(size=(20, 6, 3))
    assert bond_stiffness(LabelSet(labels.numbers, turned, np.arange(20.0), turned, "hf")) is None
