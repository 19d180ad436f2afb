from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from asteroid.checks.guards import check_labels, drop_duplicates, refuse_leak
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet
from asteroid.labels.total_energy import all_electron_energy_ev, is_total_energy
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG


@cache
def methanol(n: int = 60) -> LabelSet:
    return load_methanol().accurate.select(np.arange(n))


def refused(labels: LabelSet) -> str:
    with pytest.raises(InputError) as caught:
        check_labels(labels, "labels.npz")
    message = str(caught.value)
    assert "\n" not in message
    assert "labels.npz" in message
    return message


def with_value(field: str, row: int, value: float) -> LabelSet:
    changed = np.array(getattr(methanol(), field))
    changed[row] = value
    return replace(methanol(), **{field: changed})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("field", ["positions", "energy", "forces"])
def test_broken_numbers_are_refused_by_frame(field: str, value: float) -> None:
    frame = methanol().frame_id[7]
    assert f"NaN or infinity in frame {frame}:" in refused(with_value(field, 7, value))


def test_missing_labels_are_refused() -> None:
    assert "needs forces" in refused(replace(methanol(), forces=None))
    assert "needs energies" in refused(replace(methanol(), energy=None))
    assert "needs frames" in refused(methanol().select([]))


def test_all_zero_forces_are_refused_by_frame() -> None:
    forces = np.array(methanol().forces)
    forces[[3, 5, 6, 7, 8, 9, 10]] = 0.0
    message = refused(replace(methanol(), forces=forces))
    assert f"zeros in frames {methanol().frame_id[3]}, " in message
    assert "and 2 more" in message


def test_forces_of_one_atom_may_be_zero() -> None:
    forces = np.array(methanol().forces)
    forces[3, 2] = 0.0
    check_labels(replace(methanol(), forces=forces), "labels.npz")


def test_copies_are_refused_and_can_be_dropped() -> None:
    labels = methanol().select([*range(20), 4])
    frame = methanol().frame_id[4]
    assert f"found 1 copies (frames {frame} = {frame})" in refused(labels)
    kept, dropped = drop_duplicates(labels)
    assert dropped.tolist() == [20]
    assert kept.frame_id.tolist() == methanol().frame_id[:20].tolist()
    check_labels(kept, "labels.npz")
    assert drop_duplicates(kept)[0] is kept


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


@given(seed=st.integers(0, 10**6), planted=st.integers(1, 8))
@settings(max_examples=20)
def test_leaks_are_refused_in_any_orientation(seed: int, planted: int) -> None:
    rng = np.random.default_rng(seed)
    train, test = methanol().select(np.arange(40)), methanol().select(np.arange(40, 60))
    refuse_leak(train, test, "training frames")
    rows = rng.permutation(20)[:planted]
    turn = Rotation.random(planted, rng=rng).as_matrix()
    leaked = np.einsum("nij,naj->nai", turn, test.positions[rows]).astype(np.float32)
    leaked = leaked[:, [0, 1, *(2 + rng.permutation(4))]]
    positions = np.array(train.positions)
    places = rng.permutation(40)[:planted]
    positions[places] = leaked
    with pytest.raises(InputError, match=f"found {planted} ") as caught:
        refuse_leak(replace(train, positions=positions), test, "training frames")
    message = str(caught.value)
    assert "\n" not in message
    assert str(train.frame_id[np.sort(places)[0]]) in message
    assert "remove them from training" in message


def test_neighbours_in_time_are_no_leak() -> None:
    cheap = load_methanol().cheap
    refuse_leak(cheap.select(np.arange(0, 2000, 2)), cheap.select(np.arange(1, 2000, 2)), "training frames")


def test_energies_of_another_molecule_or_none_are_refused() -> None:
    labels = methanol()
    assert labels.energy is not None
    outlier = labels.energy.copy()
    outlier[7] = 0.0
    assert f"frame {labels.frame_id[7]}" in refused(replace(labels, energy=outlier))
    assert "must differ" in refused(replace(labels, energy=np.full(len(labels), -3140.0)))
