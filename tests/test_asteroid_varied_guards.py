"""Guards, matching, splits and the data card on sets of several molecules: planted faults, and sound sets that pass."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from asteroid.cheap_methods import cheap_method
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.farthest import farthest_order
from asteroid.fingerprints import distance_fingerprints
from asteroid.guards import check_distinct, check_labels, drop_duplicates, refuse_leak
from asteroid.label_card import label_card
from asteroid.labels import LabelSet, geometry_hashes
from asteroid.matching import duplicate_pairs, match_geometries, matched_force_mae, superpose, turned_forces
from asteroid.molecules import pad, split_molecules
from asteroid.paired import cheap_labels_at
from asteroid.plausibility import all_electron_energy_ev, check_lengths
from asteroid.resolution import choose_descriptors
from asteroid.same_molecule import (
    molecules_without_cheap_frames,
    refuse_other_molecule,
    refuse_other_sites,
    reorder_atoms,
)
from asteroid.sites import bonds, broken_frames, equivalent_sites
from asteroid.splits import buy_accurate, cheap_pool_rows, cross_validation_folds, split_test
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

WATER = (np.array([8, 1, 1]), np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]]))
FORMALDEHYDE = (
    np.array([6, 8, 1, 1]),
    np.array([[0.0, 0.0, -0.53], [0.0, 0.0, 0.68], [0.0, 0.94, -1.12], [0.0, -0.94, -1.12]]),
)
AMMONIA = (
    np.array([7, 1, 1, 1]),
    np.array([[0.0, 0.0, 0.11], [0.0, 0.94, -0.27], [0.81, -0.47, -0.27], [-0.81, -0.47, -0.27]]),
)


def springs(molecule: tuple[NDArray[np.int64], NDArray[np.float64]], n: int, seed: int, scale: float) -> LabelSet:
    """Frames shaken by `scale` Å and turned at random, with a Morse potential between each pair of atoms.

    Energies are total energies, forces their exact slope.
    """
    numbers, rest = molecule
    rng = np.random.default_rng(seed)
    turn = Rotation.random(n, rng=rng).as_matrix()
    positions = np.einsum("nij,naj->nai", turn, rest + scale * rng.normal(size=(n, *rest.shape)))
    energy, forces = np.full(n, 1.01 * all_electron_energy_ev(numbers)), np.zeros_like(positions)
    depth, steep = 4.5, 1.9
    for i, j in combinations(range(len(numbers)), 2):
        apart = positions[:, i] - positions[:, j]
        distance = np.linalg.norm(apart, axis=1)
        left = 1.0 - np.exp(-steep * (distance - np.linalg.norm(rest[i] - rest[j])))
        energy += depth * left**2
        pull = (2.0 * depth * steep * left * (1.0 - left) / distance)[:, None] * apart
        forces[:, i] -= pull
        forces[:, j] += pull
    return LabelSet(numbers, positions, energy, forces, "ccsd_t/cc-pvdz")


def together(sets: Sequence[LabelSet], seed: int | None = 0) -> LabelSet:
    """One varied set, its frames shuffled and numbered from 1000 on."""
    n = sum(len(labels) for labels in sets)
    order = np.arange(n) if seed is None else np.random.default_rng(seed).permutation(n)
    joined = LabelSet(
        numbers=pad([labels.numbers for labels in sets for _ in range(len(labels))]),
        positions=pad([frame for labels in sets for frame in labels.positions]),
        energy=np.concatenate([labels.energy for labels in sets]),
        forces=pad([frame for labels in sets for frame in labels.forces]),
        level=sets[0].level,
    )
    return replace(joined.select(order), frame_id=1000 + np.arange(n))


@cache
def parts() -> tuple[LabelSet, LabelSet, LabelSet]:
    methanol = replace(load_methanol().accurate, cpu_s=None, group=None)
    return methanol, springs(WATER, 60, 1, 0.04), springs(FORMALDEHYDE, 80, 2, 0.04)


@cache
def mixed() -> LabelSet:
    """1,360 frames of methanol, 60 of water and 80 of formaldehyde."""
    return together(parts())


def rows_of(formula_atoms: tuple[int, ...], labels: LabelSet | None = None) -> NDArray[np.int64]:
    labels = mixed() if labels is None else labels
    key = tuple(sorted(formula_atoms))
    return np.flatnonzero([tuple(sorted(row[row > 0])) == key for row in labels.numbers])


H2O, CH2O, CH4O = (8, 1, 1), (6, 8, 1, 1), (6, 8, 1, 1, 1, 1)


def refused(labels: LabelSet, check: Callable[[LabelSet, str], object] = check_labels) -> str:
    with pytest.raises(InputError) as caught:
        check(labels, "mixed.xyz")
    message = str(caught.value)
    assert "\n" not in message
    assert "mixed.xyz" in message
    assert len(message) < 500
    return message


def scaled(name: str, factor: float, rows: NDArray[np.int64] | None = None, labels: LabelSet | None = None) -> LabelSet:
    labels = mixed() if labels is None else labels
    values = np.array(getattr(labels, name))
    values[slice(None) if rows is None else rows] *= factor
    return replace(labels, **{name: values})


def in_another_order(labels: LabelSet, row: int, seed: int, *, mirror: bool = False) -> LabelSet:
    """One frame turned, shifted and with all its atoms shuffled, in a set of its own."""
    rng = np.random.default_rng(seed)
    size = int(labels.n_atoms[row])
    order = rng.permutation(size)
    while np.array_equal(labels.numbers[row, order], labels.numbers[row, :size]):
        order = rng.permutation(size)
    turn = Rotation.random(rng=rng).as_matrix() * (-1.0 if mirror else 1.0)
    assert labels.energy is not None
    assert labels.forces is not None
    return LabelSet(
        labels.numbers[row, order],
        (labels.positions[row, order] @ turn.T + rng.normal(size=3))[None],
        labels.energy[[row]],
        (labels.forces[row, order] @ turn.T)[None],
        labels.level,
    )


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
    water, shuffled = parts()[1], reorder_atoms(springs(WATER, 60, 11, 0.04), (1, 0, 2), "water")
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


def test_rows_of_forces_that_are_mixed_up_are_strangers() -> None:
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
    assert f"found 0.2 Å in frame {1000 + row} (H2O) (1 such frames)" in refused(replace(mixed(), positions=positions))


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


def test_one_unbalanced_frame_among_many_is_noted_by_molecule() -> None:
    row = int(rows_of(H2O)[0])
    forces = np.array(mixed().forces)
    forces[row, 0] += 0.5
    notes = check_labels(replace(mixed(), forces=forces), "mixed.xyz").notes
    assert any(f"in frame {1000 + row} (H2O), above" in note for note in notes)


def test_two_zeros_of_energy_are_noted() -> None:
    energy = np.array(mixed().energy)
    energy[rows_of(H2O)] -= 1.01 * all_electron_energy_ev(np.array(H2O))
    notes = check_labels(replace(mixed(), energy=energy), "mixed.xyz").notes
    assert any("energies of 2 molecules are total energies, those of H2O are not" in note for note in notes)


@given(row=st.integers(0, 59), seed=st.integers(0, 10_000), mirror=st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_copy_in_another_order_is_a_duplicate_and_a_leak(row: int, seed: int, mirror: bool) -> None:
    labels = small()
    copy = in_another_order(labels, row, seed, mirror=mirror)
    assert [rows.tolist() for rows in match_geometries(labels, copy)] == [[row], [0]]
    assert [rows.tolist() for rows in match_geometries(copy, labels)] == [[0], [row]]
    doubled = together([*(part.labels for part in split_molecules(labels)), copy], None)
    (first, later) = duplicate_pairs(doubled)
    assert later.tolist() == [len(labels)]
    assert geometry_hashes(doubled)[first[0]] == geometry_hashes(labels)[row]
    name = {3: "H2O", 4: "CH2O", 6: "CH4O"}[int(labels.n_atoms[row])]
    message = refused(doubled, check_distinct)
    assert f"found 1 copies (frames {1000 + first[0]} = {1000 + len(labels)} ({name}))" in message
    kept, dropped = drop_duplicates(doubled)
    assert dropped.tolist() == [len(labels)]
    assert duplicate_pairs(kept)[1].tolist() == []
    for train, test in ((labels, copy), (copy, labels)):
        with pytest.raises(InputError, match="no test geometry may be among") as caught:
            refuse_leak(train, test, "cheap frames")
        assert f"{1000 + row} ({name})" in str(caught.value)


@cache
def small() -> LabelSet:
    return together([part.select(np.arange(20)) for part in parts()])


def test_pairs_are_ordered_and_those_of_each_molecule_alone() -> None:
    other = together([*(in_another_order(small(), row, row) for row in (41, 3, 3, 17)), parts()[2].select([40, 41])])
    rows_a, rows_b = match_geometries(small(), other)
    assert len(rows_a) == 4
    assert sorted(zip(rows_a, rows_b, strict=True)) == list(zip(rows_a, rows_b, strict=True))
    assert sorted(rows_a.tolist()) == [3, 3, 17, 41]
    back = match_geometries(other, small())
    assert sorted(zip(back[1], back[0], strict=True)) == list(zip(rows_a, rows_b, strict=True))
    for part in split_molecules(small()):
        found = match_geometries(part.labels, other)
        inside = np.isin(rows_a, part.rows)
        assert part.rows[found[0]].tolist() == rows_a[inside].tolist()
        assert found[1].tolist() == rows_b[inside].tolist()
    assert match_geometries(parts()[1], parts()[2])[0].tolist() == []
    assert match_geometries(small(), small().select([]))[0].tolist() == []


def roles(labels: LabelSet, budget: int) -> dict[str, str]:
    """What each frame is, by its hash."""
    test, pool_rows = split_test(labels, groups=None, share=0.3)
    pool, hashes = labels.select(pool_rows), geometry_hashes(labels)
    bought = buy_accurate(pool, budget, 3)
    found = {hashes[row]: "test" for row in test}
    for name, rows in (("train", bought.train), ("val", bought.val)):
        for row in pool_rows[rows]:
            assert hashes[row] not in found
            found[hashes[row]] = name
    return found


@given(budget=st.integers(5, 30), seed=st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_roles_nest_and_stay_when_rows_are_shuffled_or_a_molecule_is_added(budget: int, seed: int) -> None:
    some = roles(small(), budget)
    more = roles(small(), budget + 5)
    assert some.items() <= more.items()
    shuffled = small().select(np.random.default_rng(seed).permutation(len(small())))
    assert roles(shuffled, budget) == some
    # Twelve atoms: all frames get more padding.
    ring = np.array([[1.4 * np.cos(a), 1.4 * np.sin(a), 0.0] for a in np.arange(6) * np.pi / 3])
    benzene = springs((np.repeat([6, 1], 6), np.concatenate([ring, ring * 2.48 / 1.4])), 15, seed, 0.03)
    grown = together([*(part.labels for part in split_molecules(small())), benzene], seed)
    everything = roles(grown, len(split_test(grown, groups=None, share=0.3)[1]))
    tests = {key for key, role in some.items() if role == "test"}
    known = set(geometry_hashes(small()))
    assert {key for key, role in everything.items() if role == "test"} & known == tests
    # The order among known frames is the same: new ones come between.
    order = {key: place for place, key in enumerate(geometry_hashes(grown.select(order_of(grown))))}
    old = geometry_hashes(small().select(order_of(small())))
    assert sorted(old, key=order.__getitem__) == old


def order_of(labels: LabelSet) -> NDArray[np.int64]:
    from asteroid.labels import hash_order

    return hash_order(labels, 3)


def test_folds_score_each_bought_frame_once() -> None:
    folds = cross_validation_folds(small(), 40, 1, 4)
    bought = buy_accurate(small(), 40, 1)
    scored = np.concatenate([fold.score for fold in folds])
    assert sorted(scored) == sorted(np.concatenate([bought.train, bought.val]))
    for fold in folds:
        assert not {*fold.train} & {*fold.val}
        assert not {*fold.score} & {*fold.train, *fold.val}


def test_cheap_pool_leaves_out_every_geometry_with_an_accurate_label_in_any_order() -> None:
    cheap = replace(
        together([*(part.labels for part in split_molecules(small())), in_another_order(small(), 7, 1)]),
        level="gfn2-xtb",
    )
    accurate = small().select([7, 30, 31])
    rows = cheap_pool_rows(cheap, accurate, test_groups=None)
    assert len(rows) == len(cheap) - 4
    assert match_geometries(accurate, cheap.select(rows))[0].tolist() == []
    one = parts()[1].select(np.arange(10))
    assert len(cheap_pool_rows(replace(small(), level="gfn2-xtb"), one, test_groups=None)) == len(small()) - 10


def test_card_of_several_molecules() -> None:
    rng = np.random.default_rng(0)
    labels = replace(mixed(), cpu_s=40.0 + rng.random(len(mixed())))
    card = label_card(labels, "mixed.xyz", check_labels(labels, "mixed.xyz"), "farthest")
    assert card.title() == "ccsd_t/cc-pvdz: 1,500 frames from mixed.xyz (3 molecules of 3 to 6 atoms)"
    first, second, third, *rest = card.lines()
    assert first.startswith("  CH4O: 1,360 frames, 6 atoms, energies -3,1")
    assert first.endswith("CPU s each (median measured)")
    assert second.startswith("  CH2O: 80 frames, 4 atoms, ")
    assert third.startswith("  H2O: 60 frames, 3 atoms, ")
    assert rest[0].startswith("  forces ")
    assert "of 3 molecules" in rest[1]
    assert "farthest" in rest[3]
    plain = json.loads(json.dumps(card.to_json()))
    assert plain["n_atoms"] == 6
    assert plain["energy_range_ev"] is None
    assert plain["formula"] == "CH4O, CH2O, H2O"
    assert [molecule["n_frames"] for molecule in plain["molecules"]] == [1360, 80, 60]
    real = np.concatenate([np.ravel(part.labels.forces) for part in split_molecules(labels)])
    assert plain["force_rms_ev_ang"] == pytest.approx(np.sqrt((real**2).mean()))


def test_card_of_many_molecules_shows_some_and_that_of_one_is_as_ever() -> None:
    sizes = [np.array([6] * n) for n in range(2, 12)]
    chains = [springs((z, np.array([[1.4 * i, 0.0, 0.0] for i in range(len(z))])), 3, 1, 0.03) for z in sizes]
    labels = together(chains)
    lines = label_card(labels, "many.xyz", check_labels(labels, "many.xyz")).lines()
    assert lines[6] == "  and 4 more molecules"
    card = label_card(parts()[1], "one.xyz", check_labels(parts()[1], "one.xyz"))
    assert card.title() == "ccsd_t/cc-pvdz: 60 frames from one.xyz (H2O, 3 atoms)"
    assert "molecules" not in card.to_json()
    assert card.lines()[0].startswith("  energies ")


def test_cheap_set_needs_every_element_but_not_every_molecule() -> None:
    methanol, water, formaldehyde = parts()
    ammonia = springs(AMMONIA, 5, 0, 0.03)
    refuse_other_molecule(mixed(), mixed())
    refuse_other_molecule(methanol, mixed())
    refuse_other_molecule(mixed(), water)
    assert molecules_without_cheap_frames(methanol, small()) == [
        name for name in dict.fromkeys(NAMES[int(n)] for n in small().n_atoms) if name != "CH4O"
    ]
    assert molecules_without_cheap_frames(mixed(), small()) == []
    assert molecules_without_cheap_frames(reorder_atoms(water, (1, 0, 2), ""), water) == []
    with pytest.raises(InputError, match="lacks N: found CH4O") as caught:
        refuse_other_molecule(mixed(), together([formaldehyde, ammonia]))
    assert "H3N (5 frames)" in str(caught.value)
    with pytest.raises(InputError, match="lacks C"):
        refuse_other_molecule(water, mixed())


NAMES = {3: "H2O", 4: "CH2O", 6: "CH4O"}


def test_what_needs_one_molecule_refuses_several_in_one_line() -> None:
    labels, one = small(), parts()[1]
    pairs = match_geometries(labels, labels)
    empty = np.empty(0, dtype=np.int64)
    needs_one: list[Callable[[], object]] = [
        lambda: distance_fingerprints(labels),
        lambda: superpose(labels, labels, pairs),
        lambda: superpose(one, labels, (empty, empty)),
        lambda: turned_forces(labels, one, pairs),
        lambda: matched_force_mae(labels, labels, pairs),
        lambda: farthest_order(labels, 3),
        lambda: farthest_order(one, 3, labels),
        lambda: refuse_other_sites(labels, one),
        lambda: refuse_other_sites(one, labels),
        lambda: reorder_atoms(labels, (0, 1, 2, 3, 4, 5), "mixed.xyz"),
        lambda: cheap_labels_at(labels, one, None, ""),
        lambda: cheap_labels_at(one, labels, None, ""),
        lambda: bonds(labels.numbers, labels.positions),
        lambda: broken_frames(labels.numbers, labels.positions),
        lambda: equivalent_sites(labels.numbers, labels.positions),
        lambda: choose_descriptors(labels.numbers, labels.positions),
        lambda: choose_descriptors(labels.numbers, labels.positions, "elements"),
    ]
    if (method := cheap_method("gfn2-xtb")) is not None:
        needs_one.append(lambda: method(labels.numbers, labels.positions))
    for call in needs_one:
        with pytest.raises(InputError) as caught:
            call()
        assert "\n" not in str(caught.value)
        assert "one" in str(caught.value)
