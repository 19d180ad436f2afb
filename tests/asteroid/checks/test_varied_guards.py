"""Guards and the data card on sets of several molecules: planted faults, and sound sets that pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from varied_sets import (
    AMMONIA,
    CH2O,
    CH4O,
    FORMALDEHYDE,
    H2O,
    WATER,
    mixed,
    parts,
    refused,
    rows_of,
    scaled,
    springs,
    together,
)

from asteroid.checks.data_card import label_card
from asteroid.checks.guards import check_labels
from asteroid.checks.plausibility import check_forces, check_lengths
from asteroid.errors import InputError
from asteroid.labels.atom_order import reorder_atoms
from asteroid.labels.label_set import LabelSet
from asteroid.labels.molecules import split_molecules
from asteroid.labels.total_energy import all_electron_energy_ev
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG


def test_sound_sets_pass_and_pairs_of_all_molecules_make_one_fit() -> None:
    checked = check_labels(mixed(), "mixed.xyz")
    assert checked.notes == ()
    assert checked.fit is not None
    assert checked.fit.molecules == 3
    assert checked.fit.ratio == pytest.approx(1.0, abs=0.03)
    assert checked.motion is not None
    for part in split_molecules(mixed()):
        alone = check_labels(part.labels, "one.xyz")
        assert alone.motion is not None
        np.testing.assert_array_equal(checked.motion.torque_ev[part.rows], alone.motion.torque_ev)


def test_molecules_of_one_frame_pass_and_few_frames_of_many_molecules_tell_together() -> None:
    alone = together([part.select(np.arange(1)) for part in parts()])
    assert check_labels(alone, "mixed.xyz").fit is None
    # Each molecule has fewer pairs than a fit needs; together they have enough, and a wrong sign shows.
    few = together([springs(molecule, 4, 7, 0.03) for molecule in (WATER, FORMALDEHYDE, AMMONIA)])
    fit = check_labels(few, "mixed.xyz").fit
    assert fit is not None
    assert fit.molecules == 3
    assert "must point down the energy" in refused(scaled("forces", -1.0, labels=few))


def test_one_relaxed_frame_passes_with_its_noise() -> None:
    relaxed = springs(AMMONIA, 1, 3, 0.0)
    noise = 1e-3 * np.random.default_rng(0).normal(size=relaxed.positions.shape)
    checked = check_labels(together([*parts(), replace(relaxed, forces=noise)]), "mixed.xyz")
    assert checked.notes == ()
    assert "root mean square" in refused(together([replace(relaxed, forces=noise)] * 1 + [springs(WATER, 1, 3, 1e-4)]))


def test_free_atoms_pass_with_forces_of_exactly_zero() -> None:
    atom = LabelSet(np.array([1]), np.zeros((1, 1, 3)), np.array([-13.6]), np.zeros((1, 1, 3)), "ccsd_t/cc-pvdz")
    check_labels(together([*parts(), atom]), "mixed.xyz")
    assert "found 1 copies" in refused(together([*parts(), atom, atom]))


def test_sets_of_one_molecule_with_atoms_in_several_orders_pass() -> None:
    water, shuffled = parts()[1], reorder_atoms(springs(WATER, 60, 11), (1, 0, 2), "water")
    checked = check_labels(together([water, shuffled]), "mixed.xyz")
    assert checked.fit is not None
    assert checked.fit.molecules == 1
    assert label_card(together([water, shuffled]), "mixed.xyz", checked).title().endswith("(H2O, 3 atoms)")


@pytest.mark.parametrize(
    ("atoms", "where"),
    [(None, "all 3 molecules in mixed.xyz"), (H2O, "of H2O in mixed.xyz"), (CH2O, "of CH2O in mixed.xyz")],
)
@pytest.mark.parametrize(
    ("factor", "said"),
    [(-1.0, "must point down the energy"), (1 / LENGTH_IN_ANG["Bohr"], "must be the slope of its energies")],
)
def test_wrong_forces_name_the_molecule_or_all(
    atoms: tuple[int, ...] | None, where: str, factor: float, said: str
) -> None:
    message = refused(scaled("forces", factor, None if atoms is None else rows_of(atoms)))
    assert said in message
    assert where in message
    if factor > 0:
        assert "one Angstrom is 1.89 Bohr" in message
    frames = [int(word.strip("(),")) for word in message.split("closest frames ")[1].split()[:3:2]]
    assert set(frames) <= set(1000 + (np.arange(len(mixed())) if atoms is None else rows_of(atoms)))


def test_rows_of_forces_that_are_mixed_up_are_unrelated() -> None:
    rows = rows_of(CH2O)
    forces = np.array(mixed().forces)
    forces[rows] = forces[np.roll(rows, 17)]
    assert "must not turn" in refused(replace(mixed(), forces=forces))
    energy = np.array(mixed().energy)
    energy[rows] = energy[np.roll(rows, 17)]
    message = refused(replace(mixed(), energy=energy))
    assert "forces and energies of CH2O in mixed.xyz must belong together" in message


@pytest.mark.parametrize(("said", "meant"), [("eV", "kcal/mol"), ("kcal/mol", "kJ/mol"), ("Hartree", "eV")])
@pytest.mark.parametrize("atoms", [None, H2O])
def test_energies_in_another_unit_are_refused_even_of_one_molecule(
    said: str, meant: str, atoms: tuple[int, ...] | None
) -> None:
    message = refused(scaled("energy", ENERGY_IN_EV[said] / ENERGY_IN_EV[meant], atoms and rows_of(atoms)))
    assert f"{'H2O' if atoms else 'all 3 molecules'} in mixed.xyz cannot be right" in message


@pytest.mark.parametrize("atoms", [None, H2O])
def test_forces_in_another_unit_are_refused_even_of_one_molecule(atoms: tuple[int, ...] | None) -> None:
    rows = None if atoms is None else rows_of(atoms)
    many = refused(scaled("forces", 1 / ENERGY_IN_EV["kcal/mol"], rows))
    assert f"{'H2O' if atoms else 'all 3 molecules'} in mixed.xyz" in many
    few = refused(scaled("forces", ENERGY_IN_EV["kcal/mol"], rows))
    assert "H2O in mixed.xyz" in few if atoms else "forces of mixed.xyz cannot be right" in few


def test_energies_and_forces_both_in_another_unit_are_refused() -> None:
    factor = ENERGY_IN_EV["kcal/mol"]
    assert "cannot be right" in refused(scaled("forces", factor, labels=scaled("energy", factor)))


@pytest.mark.parametrize("factor", [LENGTH_IN_ANG["Bohr"], 1 / LENGTH_IN_ANG["Bohr"], 10.0, 0.1])
@pytest.mark.parametrize("atoms", [None, CH2O])
def test_lengths_in_another_unit_are_refused_even_of_one_molecule(factor: float, atoms: tuple[int, ...] | None) -> None:
    labels = scaled("positions", factor, None if atoms is None else rows_of(atoms))
    for message in (refused(labels), refused(labels, check_lengths)):
        assert f"positions of {'CH2O' if atoms else 'all 3 molecules'} in mixed.xyz cannot be in Å" in message


def with_value(name: str, row: int, value: float) -> LabelSet:
    changed = np.array(getattr(mixed(), name))
    changed[(row, 0) if changed.ndim > 1 else row] = value
    return replace(mixed(), **{name: changed})


@pytest.mark.parametrize("name", ["positions", "energy", "forces"])
def test_broken_numbers_name_frame_and_molecule(name: str) -> None:
    row = int(rows_of(H2O)[5])
    assert f"NaN or infinity in frame {1000 + row} (H2O): remove" in refused(with_value(name, row, np.nan))


def test_zero_forces_name_frame_and_molecule() -> None:
    row = int(rows_of(CH2O)[5])
    assert f"zeros in frame {1000 + row} (CH2O):" in refused(scaled("forces", 0.0, np.array([row])))


def test_missing_labels_are_refused() -> None:
    assert "needs forces" in refused(replace(mixed(), forces=None))
    assert "needs energies" in refused(replace(mixed(), energy=None))
    assert "needs frames" in refused(mixed().select([]))


def test_one_broken_frame_is_named() -> None:
    row = int(rows_of(H2O)[3])
    assert mixed().energy is not None
    far = refused(with_value("energy", row, mixed().energy[row] + 40.0))
    assert "energies of H2O in mixed.xyz must be of one molecule" in far
    assert f"in frame {1000 + row} (H2O)" in far
    assert f"eV/Å in frame {1000 + row} (H2O)" in refused(with_value("forces", row, 300.0))
    positions = np.array(mixed().positions)
    positions[row, 1] = positions[row, 0] + [0.0, 0.2, 0.0]
    assert f"found 0.2 Å in frame {1000 + row} (H2O) (1 such frame)" in refused(replace(mixed(), positions=positions))


def test_an_energy_of_another_molecule_is_refused() -> None:
    water, formaldehyde = rows_of(H2O)[0], rows_of(CH2O)[0]
    energy = np.array(mixed().energy)
    energy[[water, formaldehyde]] = energy[[formaldehyde, water]]
    message = refused(replace(mixed(), energy=energy))
    assert f"frame {1000 + water} (H2O)" in message or f"frame {1000 + formaldehyde} (CH2O)" in message


def test_energies_that_are_all_the_same_are_refused() -> None:
    energy = np.array(mixed().energy)
    energy[rows_of(H2O)] = -2076.0
    message = refused(replace(mixed(), energy=energy))
    assert "energies of H2O in mixed.xyz must differ between frames, found -2076 eV in all" in message
    assert "energies of all 3 molecules in mixed.xyz must differ" in refused(
        replace(mixed(), energy=np.zeros(len(mixed())))
    )
    alone = together([part.select(np.arange(1)) for part in parts()])
    assert "must differ" in refused(replace(alone, energy=np.zeros(3)))
    # Two of few frames may agree by the rounding of their numbers.
    two = together([parts()[0].select(np.arange(40)), *(part.select(np.arange(2)) for part in parts()[1:])])
    rounded = np.array(two.energy)
    rounded[rows_of(H2O, two)] = rounded[rows_of(H2O, two)[0]]
    check_labels(replace(two, energy=rounded), "mixed.xyz")


@pytest.mark.parametrize("fault", ["force", "torque"])
@pytest.mark.parametrize("atoms", [None, CH4O])
def test_unbalanced_forces_name_the_molecule_and_a_frame(fault: str, atoms: tuple[int, ...] | None) -> None:
    rows = np.arange(len(mixed())) if atoms is None else rows_of(atoms)
    forces = np.array(mixed().forces)
    if fault == "force":
        forces[rows, 0] = 0.0
    else:
        forces[rows] = forces[rows] @ Rotation.from_euler("z", 90, degrees=True).as_matrix().T
    message = refused(replace(mixed(), forces=forces))
    assert ("add up to zero" if fault == "force" else "must not turn") in message
    assert f"forces of {'CH4O' if atoms else 'all 3 molecules'} in mixed.xyz" in message
    frame = int(message.split("most in frame ")[1].split()[0])
    assert frame - 1000 in rows


def test_one_unbalanced_frame_of_a_molecule_with_no_other_is_refused() -> None:
    lone = springs(AMMONIA, 1, 5, 0.1)
    forces = np.array(lone.forces)
    forces[0, 1] = 0.0
    labels = together([*parts(), replace(lone, forces=forces)], None)
    message = refused(labels)
    assert "forces of H3N in mixed.xyz must add up to zero" in message
    assert f"most in frame {1000 + len(labels) - 1} (H3N)" in message


def test_one_unbalanced_frame_among_many_is_refused_and_a_little_noise_noted_by_molecule() -> None:
    row = int(rows_of(H2O)[0])
    forces = np.array(mixed().forces)
    forces[row, 0] += 0.015
    notes = check_labels(replace(mixed(), forces=forces), "mixed.xyz").notes
    assert any(f"in frame {1000 + row} (H2O), above" in note for note in notes)
    forces[row, 0] += 0.5
    with pytest.raises(InputError, match=rf"frame {1000 + row} \(H2O\) of mixed.xyz must have forces that add up to"):
        check_labels(replace(mixed(), forces=forces), "mixed.xyz")


def test_two_zeros_of_energy_are_noted() -> None:
    energy = np.array(mixed().energy)
    energy[rows_of(H2O)] -= 1.01 * all_electron_energy_ev(np.array(H2O))
    notes = check_labels(replace(mixed(), energy=energy), "mixed.xyz").notes
    assert any("energies of 2 molecules are total energies, those of H2O are not" in note for note in notes)
    two = replace(mixed(), energy=energy).select(np.flatnonzero(mixed().numbers[:, 4] == 0))
    notes = check_labels(two, "mixed.xyz").notes
    assert any(note.startswith("energies of CH2O are total energies, those of H2O are not") for note in notes)
    broken = np.array(mixed().forces)
    broken[rows_of(H2O)[:2], 0] = 300.0
    assert "(H2O) (2 such frames): remove" in refused(replace(mixed(), forces=broken), check_forces)


def test_a_wrong_sign_of_molecules_with_few_frames_shows_beside_a_sound_one_with_many() -> None:
    few = [scaled("forces", -1.0, labels=springs(molecule, 4, 7, 0.03)) for molecule in (FORMALDEHYDE, AMMONIA)]
    labels = together([parts()[1], *few])
    check_labels(together([parts()[1], *(scaled("forces", -1.0, labels=part) for part in few)]), "mixed.xyz")
    message = refused(labels)
    assert "of CH2O, H3N in mixed.xyz must point down" in message or "of H3N, CH2O in mixed.xyz must point" in message
    assert message.endswith("correct those frames in the file, other molecules pass")


def test_padding_is_not_counted_among_the_forces() -> None:
    # The root mean square is just inside its bound over the atoms, and would be outside it with zeros counted.
    labels = together([springs(WATER, 200, 1, 0.02), parts()[0].select(np.arange(2))])
    assert labels.forces is not None
    rms = np.sqrt(np.square(labels.forces[labels.numbers > 0]).mean())
    check_forces(scaled("forces", 0.11 / rms, labels=labels), "mixed.xyz")
    assert "is 0.09 eV/Å" in refused(scaled("forces", 0.09 / rms, labels=labels), check_forces)


def test_two_energies_that_agree_by_rounding_pass() -> None:
    labels = together([parts()[1].select(np.arange(2)), parts()[2].select(np.arange(1))])
    energy = np.array(labels.energy)
    energy[rows_of(H2O, labels)] = energy[rows_of(H2O, labels)[0]]
    check_labels(replace(labels, energy=energy), "mixed.xyz")
