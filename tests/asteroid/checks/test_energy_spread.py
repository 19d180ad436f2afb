"""Energies against springs, where no frames are neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from varied_sets import WATER, springs, together

from asteroid.checks.energy_spread import check_energy_spread
from asteroid.checks.guards import check_labels
from asteroid.datasets import load_methanol
from asteroid.errors import InputError

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet


def sparse(n: int = 20) -> LabelSet:
    """Frames of methanol from all over the trajectories."""
    return load_methanol().accurate.select(np.arange(n) * (1360 // n))


@pytest.mark.parametrize("factor", [4.184, 23.06, 1 / 23.06])
def test_energies_in_another_unit_than_the_forces_are_refused_without_neighbours(factor: float) -> None:
    labels = sparse()
    assert labels.energy is not None
    wrong = replace(labels, energy=(labels.energy - labels.energy.mean()) * factor)
    with pytest.raises(InputError, match="must differ as the forces say, found them spread"):
        check_energy_spread(wrong, None, "labels.npz")
    fit = check_labels(labels, "labels.npz").fit
    if fit is not None and fit.conclusive:
        assert check_energy_spread(wrong, fit, "neighbours know better") == ()


def test_energies_of_two_zeros_in_no_order_are_refused() -> None:
    labels = sparse(40)
    assert labels.energy is not None
    energy = labels.energy + 3.0 * (np.arange(40) % 2)
    with pytest.raises(InputError, match="energies of two zeros"):
        check_energy_spread(replace(labels, energy=energy), None, "labels.npz")


def test_sound_energies_pass_and_those_of_other_frames_are_noted() -> None:
    rng = np.random.default_rng(0)
    for n in (20, 80):
        labels = sparse(n)
        assert labels.energy is not None
        assert check_energy_spread(labels, None, "labels.npz") == ()
        mixed = check_energy_spread(replace(labels, energy=rng.permutation(labels.energy)), None, "labels.npz")
        assert len(mixed) == (n > 60)
    assert "check the order of the energies" in mixed[0]
    both = together([springs(WATER, 30, 0), sparse(30)])
    assert check_energy_spread(both, None, "mixed.xyz") == ()
    assert check_energy_spread(sparse(10), None, "few") == ()
