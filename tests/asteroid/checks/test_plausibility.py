"""Numbers that are impossible in their unit are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from guarded_methanol import methanol, refused

from asteroid.checks.guards import check_labels
from asteroid.labels.label_set import LabelSet
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG


@pytest.mark.parametrize("factor", [LENGTH_IN_ANG["Bohr"], 1 / LENGTH_IN_ANG["Bohr"], 10.0, 0.1])
def test_lengths_in_another_unit_are_refused(factor: float) -> None:
    message = refused(replace(methanol(), positions=methanol().positions * factor))
    assert "cannot be in Å" in message
    assert "declare the file's length unit" in message


def test_colliding_nuclei_are_refused_by_frame() -> None:
    positions = np.array(methanol().positions)
    positions[11, 1] = positions[11, 0] + [0.2, 0.0, 0.0]
    assert f"found 0.2 Å in frame {methanol().frame_id[11]} (1 such frame)" in refused(
        replace(methanol(), positions=positions)
    )


@pytest.mark.parametrize(
    ("said", "meant"),
    [("eV", "kcal/mol"), ("kcal/mol", "eV"), ("eV", "Hartree"), ("Hartree", "eV"), ("eV", "meV"), ("kJ/mol", "eV")],
)
def test_forces_in_another_unit_are_refused(said: str, meant: str) -> None:
    factor = ENERGY_IN_EV[said] / ENERGY_IN_EV[meant]
    assert methanol().forces is not None
    assert "forces of labels.npz cannot be right" in refused(replace(methanol(), forces=methanol().forces * factor))


def test_forces_per_bohr_from_hartree_are_refused() -> None:
    factor = LENGTH_IN_ANG["Bohr"] / ENERGY_IN_EV["Hartree"]
    assert methanol().forces is not None
    assert "cannot be right" in refused(replace(methanol(), forces=methanol().forces * factor))


@pytest.mark.parametrize(("said", "meant"), [("eV", "kcal/mol"), ("kcal/mol", "kJ/mol"), ("Hartree", "eV")])
def test_energies_beyond_all_electrons_are_refused(said: str, meant: str) -> None:
    factor = ENERGY_IN_EV[said] / ENERGY_IN_EV[meant]
    assert methanol().energy is not None
    assert "energies of labels.npz cannot be right" in refused(replace(methanol(), energy=methanol().energy * factor))


def test_noble_gases_may_be_far_apart() -> None:
    rng = np.random.default_rng(0)
    positions = np.stack([np.zeros((9, 3)), np.array([3.7, 0.0, 0.0]) + 0.1 * rng.normal(size=(9, 3))], axis=1)
    along = rng.normal(size=(9, 1, 1)) * (positions[:, 1:] - positions[:, :1])
    forces = np.concatenate([along, -along], axis=1)
    check_labels(LabelSet(np.array([18, 18]), positions, rng.normal(size=9), forces, "lj"), "argon")


def test_energies_of_another_molecule_or_none_are_refused() -> None:
    labels = methanol()
    assert labels.energy is not None
    outlier = labels.energy.copy()
    outlier[7] = 0.0
    assert f"frame {labels.frame_id[7]}" in refused(replace(labels, energy=outlier))
    assert "must differ" in refused(replace(labels, energy=np.full(len(labels), -3140.0)))
