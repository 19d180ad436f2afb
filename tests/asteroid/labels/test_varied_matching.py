"""Matching, splits and what needs one molecule, on sets of several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from varied_sets import (
    AMMONIA,
    NAMES,
    in_another_order,
    mixed,
    parts,
    refused,
    small,
    springs,
    together,
)

from asteroid.checks.guards import check_distinct, drop_duplicates, refuse_leak
from asteroid.descriptors.resolution import choose_descriptors
from asteroid.errors import InputError
from asteroid.labelling.cheap_methods import cheap_method
from asteroid.labelling.paired_labels import cheap_labels_at
from asteroid.labels.atom_order import (
    molecules_without_cheap_frames,
    refuse_other_molecule,
    refuse_other_sites,
    reorder_atoms,
)
from asteroid.labels.farthest_point import farthest_order
from asteroid.labels.fingerprints import distance_fingerprints
from asteroid.labels.label_set import LabelSet, geometry_hashes, hash_order
from asteroid.labels.matching import duplicate_pairs, match_geometries, matched_force_mae, superpose, turned_forces
from asteroid.labels.molecules import split_molecules
from asteroid.labels.sites import bonds, broken_frames, equivalent_sites
from asteroid.labels.splits import buy_accurate, cheap_pool_rows, cross_validation_folds, split_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


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
    still = {key for key, role in everything.items() if role == "test"} & set(geometry_hashes(small()))
    assert still <= tests or still >= tests
    # The order among known frames is the same: new ones come between.
    order = {key: place for place, key in enumerate(geometry_hashes(grown.select(order_of(grown))))}
    old = geometry_hashes(small().select(order_of(small())))
    assert sorted(old, key=order.__getitem__) == old


def order_of(labels: LabelSet) -> NDArray[np.int64]:
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
    with pytest.raises(InputError, match="lacks N, found CH4O") as caught:
        refuse_other_molecule(mixed(), together([formaldehyde, ammonia]))
    assert "H3N (5 frames)" in str(caught.value)
    assert str(caught.value).endswith(": add cheap frames with N, or remove the accurate frames that have it")
    with pytest.raises(InputError, match="lacks C"):
        refuse_other_molecule(water, mixed())


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


def test_every_frame_of_a_shuffled_set_is_found_in_order() -> None:
    order = np.random.default_rng(0).permutation(len(small()))
    rows_a, rows_b = match_geometries(small(), small().select(order))
    assert rows_a.tolist() == list(range(len(small())))
    assert order[rows_b].tolist() == rows_a.tolist()
