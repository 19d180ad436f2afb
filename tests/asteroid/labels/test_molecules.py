"""Sets of several molecules: the record, its hashes, and how it is taken apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet, content_hashes, geometry_hashes, hash_order
from asteroid.labels.molecules import formulas, named_formulas, pad, refuse_several, split_molecules

if TYPE_CHECKING:
    from numpy.typing import NDArray

WATER, HYDROGEN, TURNED = (8, 1, 1), (1, 1), (1, 8, 1)


def mixed(order: list[tuple[int, ...]], seed: int = 0) -> LabelSet:
    """Frames with random labels of the given atoms."""
    rng = np.random.default_rng(seed)
    n = len(order)
    return LabelSet(
        numbers=pad([np.array(numbers) for numbers in order]),
        positions=pad([rng.normal(size=(len(numbers), 3)) for numbers in order]),
        energy=rng.normal(size=n),
        forces=pad([rng.normal(size=(len(numbers), 3)) for numbers in order]),
        level="pbe",
        cpu_s=rng.random(n),
        frame_id=rng.permutation(n),
        group=np.arange(n) % 2,
    )


ORDER = [WATER, HYDROGEN, WATER, TURNED, HYDROGEN, WATER]


def test_a_set_is_taken_apart_by_atoms_and_their_order() -> None:
    labels = mixed(ORDER)
    assert labels.varied
    assert labels.n_atoms.tolist() == [3, 2, 3, 3, 2, 3]
    parts = split_molecules(labels)
    assert [part.rows.tolist() for part in parts] == [[0, 2, 5], [1, 4], [3]]
    assert [tuple(part.labels.numbers) for part in parts] == [WATER, HYDROGEN, TURNED]
    for part in parts:
        own, size = part.labels, len(part.labels.numbers)
        assert not own.varied
        np.testing.assert_array_equal(own.positions, labels.positions[part.rows, :size])
        np.testing.assert_array_equal(own.forces, labels.forces[part.rows, :size])
        for name in ("energy", "cpu_s", "frame_id", "group"):
            np.testing.assert_array_equal(getattr(own, name), getattr(labels, name)[part.rows])
        assert own.level == "pbe"
    assert formulas(labels) == {"H2O": 4, "H2": 2}
    assert named_formulas(labels) == "H2O (4 frames), H2 (2 frames)"


def test_one_molecule_is_one_part() -> None:
    labels = split_molecules(mixed(ORDER))[0].labels
    (part,) = split_molecules(labels)
    assert part.labels is labels
    assert part.rows.tolist() == [0, 1, 2]
    assert labels.n_atoms.tolist() == [3, 3, 3]
    assert named_formulas(labels) == "H2O"
    refuse_several(labels, "this", "that")


def test_a_frame_has_one_hash_and_one_place_in_whatever_set() -> None:
    labels = mixed(ORDER)
    geometry, content = geometry_hashes(labels), content_hashes(labels)
    assert len(set(geometry)) == len(ORDER)
    for part in split_molecules(labels):
        assert geometry_hashes(part.labels) == [geometry[row] for row in part.rows]
        assert content_hashes(part.labels) == [content[row] for row in part.rows]
    moved = replace(labels, energy=labels.energy + np.eye(len(ORDER))[1])
    changed = [a != b for a, b in zip(content_hashes(moved), content, strict=True)]
    assert changed == [False, True, False, False, False, False]
    some = labels.select([4, 1, 0])
    bought = [geometry_hashes(some)[row] for row in hash_order(some, 7)]
    kept = [geometry[row] for row in hash_order(labels, 7) if row in (4, 1, 0)]
    assert bought == kept


def test_selected_frames_stay_a_set_of_several() -> None:
    water = mixed(ORDER).select([0, 2])
    assert water.varied
    assert [tuple(part.labels.numbers) for part in split_molecules(water)] == [WATER]


def filled(name: str) -> dict[str, NDArray[np.float64]]:
    labels = mixed(ORDER)
    values = getattr(labels, name).copy()
    values[1, 2, 0] = 0.1  # hydrogen has two atoms
    return {name: values}


@pytest.mark.parametrize("name", ["positions", "forces"])
def test_numbers_behind_the_last_atom_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} are zero where a frame has no atom, found other numbers"):
        replace(mixed(ORDER), **filled(name))


@pytest.mark.parametrize("row", [(0, 1, 1), (1, 0, 1), (0, 0, 0)])
def test_atoms_come_first(row: tuple[int, ...]) -> None:
    labels = mixed([WATER, WATER])
    with pytest.raises(InputError, match="atoms of a frame come first and places without an atom last"):
        replace(labels, numbers=np.array([WATER, row]), positions=np.zeros((2, 3, 3)), forces=np.zeros((2, 3, 3)))


@pytest.mark.parametrize("number", [-1, 119])
def test_impossible_elements_are_named(number: int) -> None:
    with pytest.raises(InputError, match=f"between 1 and 118, found {number}"):
        replace(mixed([WATER, WATER]), numbers=np.array([WATER, (8, 1, number)]))
    with pytest.raises(InputError, match="between 1 and 118, found 0"):
        replace(split_molecules(mixed(ORDER))[0].labels, numbers=np.array([8, 1, 0]))


def test_several_molecules_are_refused_with_their_formulas() -> None:
    with pytest.raises(InputError) as refusal:
        refuse_several(mixed(ORDER), "the kernel", "remove strategy gdml")
    assert str(refusal.value) == (
        "the kernel needs one composition in one order of atoms, found OH2 in frame 0 and H2 in frame 1, in all H2O (4 "
        "frames), H2 (2 frames): remove strategy gdml"
    )


def test_several_orders_of_one_molecule_are_refused_too() -> None:
    with pytest.raises(InputError, match=r"found OH2 in frame 0 and HOH in frame 2: write them in one$"):
        refuse_several(mixed([WATER, WATER, TURNED]), "this", "write them in one")


def test_padding_keeps_what_is_there() -> None:
    stacked = pad([np.array([1, 2]), np.array([3]), np.array([4, 5, 6])])
    assert stacked.tolist() == [[1, 2, 0], [3, 0, 0], [4, 5, 6]]
    assert pad([np.ones((1, 3)), np.ones((2, 3))]).shape == (2, 2, 3)
