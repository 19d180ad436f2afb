"""Energies of two runs with different zeros in one file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from guarded_methanol import methanol, refused
from planted_pairs import pairs_off

from asteroid.checks.energy_steps import energy_step
from asteroid.checks.force_energy import fit_molecules
from asteroid.checks.guards import check_labels
from asteroid.datasets import load_methanol

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet


def shifted(labels: LabelSet, at: int, size_ev: float) -> LabelSet:
    return replace(labels, energy=np.array(labels.energy) + size_ev * (np.arange(len(labels)) >= at))


@pytest.mark.parametrize(("at", "size_ev"), [(100, 0.1), (300, -0.1), (200, 0.3)])
def test_a_step_in_the_energies_is_refused_with_its_size(at: int, size_ev: float) -> None:
    labels = shifted(methanol(400), at, size_ev)
    message = refused(labels)
    assert "energies of labels.npz must have one zero" in message
    step = energy_step(fit_molecules(labels).parts[0].pairs[0])
    assert step is not None
    assert step.size_ev == pytest.approx(size_ev, rel=0.15)
    assert abs(step.row - at) < 25


@pytest.mark.parametrize("key", ["as they are", "energy", "forces", "distance"])
def test_no_order_of_sound_frames_is_a_step(key: str) -> None:
    for labels in (methanol(400), load_methanol().cheap.select(np.arange(0, 20000, 25))):
        assert labels.energy is not None
        assert labels.forces is not None
        value = {
            "as they are": np.arange(len(labels)),
            "energy": labels.energy,
            "forces": np.square(labels.forces).sum(axis=(1, 2)),
            "distance": np.linalg.norm(labels.positions[:, 0] - labels.positions[:, 1], axis=1),
        }[key]
        fits = fit_molecules(labels.select(np.argsort(value, kind="stable")))
        assert energy_step(fits.parts[0].pairs[0]) is None


def test_few_pairs_are_no_step() -> None:
    assert energy_step(pairs_off(np.full(5, 9.0), np.array([[0, 5], [1, 6], [2, 7], [3, 8], [4, 9]]))) is None
    check_labels(shifted(methanol(400), 400, 1.0), "none behind")
