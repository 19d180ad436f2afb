"""Cheap labels at accurate geometries: found turned and renumbered, computed where missing, refused with a remedy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labelling.paired_labels import cheap_labels_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.labels.label_set import LabelSet

REMEDY = "install the method"


def sets(n_paired: int = 12, n_other: int = 40) -> tuple[LabelSet, LabelSet, LabelSet]:
    """Accurate labels, the cheap labels at their geometries, and a cheap set that holds these somewhere."""
    methanol = load_methanol()
    accurate = methanol.accurate.select(np.arange(n_paired))
    there = methanol.cheap.select(accurate.frame_id)
    unlike = np.setdiff1d(np.arange(0, 20_000, 13), methanol.accurate.frame_id)[:n_other]
    rows = np.random.default_rng(0).permutation(np.concatenate([accurate.frame_id, unlike]))
    return accurate, there, methanol.cheap.select(rows)


def turned(labels: LabelSet, seed: int, *, mirror: bool = False) -> LabelSet:
    """Every frame rotated in its own way and its hydrogens renumbered in its own way; forces go along."""
    rng = np.random.default_rng(seed)
    positions, forces = labels.positions.copy(), labels.forces.copy()
    hydrogens = np.flatnonzero(labels.numbers == 1)
    for frame in range(len(labels)):
        turn = Rotation.random(rng=rng).as_matrix() * (-1 if mirror else 1)
        order = np.arange(len(labels.numbers))
        order[hydrogens] = rng.permutation(hydrogens)
        positions[frame] = positions[frame][order] @ turn.T + rng.normal(size=3)
        forces[frame] = forces[frame][order] @ turn.T
    return replace(labels, positions=positions, forces=forces)


def labels_of(labels: LabelSet, positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Energies and forces of frames that are in a set."""
    rows = [int(np.flatnonzero((labels.positions == frame).all(axis=(1, 2)))[0]) for frame in positions]
    return labels.energy[rows], labels.forces[rows]


def never(numbers: NDArray[np.int64], positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    raise AssertionError("nothing is missing")


def test_labels_in_the_cheap_set_are_lent_as_they_are() -> None:
    accurate, there, cheap = sets()
    found = cheap_labels_at(accurate, cheap, never, REMEDY)
    assert found.level == "gfn2-xtb"
    np.testing.assert_array_equal(found.positions, accurate.positions)
    np.testing.assert_array_equal(found.frame_id, accurate.frame_id)
    np.testing.assert_array_equal(found.energy, there.energy)
    np.testing.assert_allclose(found.forces, there.forces, rtol=0, atol=2e-4)
    assert np.abs(found.forces - accurate.forces).mean() > 0.05, "they are not the accurate ones"


@pytest.mark.parametrize("mirror", [False, True])
def test_turned_and_renumbered_frames_lend_their_forces_turned_back(mirror: bool) -> None:
    accurate, there, cheap = sets()
    strange = turned(cheap, 1, mirror=mirror)
    found = cheap_labels_at(accurate, strange, None, REMEDY)
    np.testing.assert_array_equal(found.energy, there.energy)
    np.testing.assert_allclose(found.forces, there.forces, rtol=0, atol=2e-4)
    assert np.abs(strange.forces - cheap.forces).mean() > 0.3


def test_what_is_missing_is_computed_and_nothing_else() -> None:
    accurate, there, cheap = sets()
    lost = {int(accurate.frame_id[row]) for row in (2, 7, 11)}
    less = cheap.select(np.flatnonzero([int(i) not in lost for i in cheap.frame_id]))
    asked: list[NDArray[np.float64]] = []
    strange = turned(less, 2)

    def method(numbers: NDArray[np.int64], positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        asked.append(positions)
        np.testing.assert_array_equal(numbers, accurate.numbers)
        if len(asked) == 1:  # frames of the cheap set, to see that the method is theirs
            return labels_of(strange, positions)
        return np.arange(3) + 0.5, 2.0 * positions

    found = cheap_labels_at(accurate, strange, method, REMEDY)
    _, positions = asked
    np.testing.assert_array_equal(positions, accurate.positions[[2, 7, 11]])
    np.testing.assert_array_equal(found.energy[[2, 7, 11]], [0.5, 1.5, 2.5])
    np.testing.assert_array_equal(found.forces[[2, 7, 11]], 2.0 * positions)
    kept = np.setdiff1d(np.arange(12), [2, 7, 11])
    np.testing.assert_array_equal(found.energy[kept], there.energy[kept])
    np.testing.assert_allclose(found.forces[kept], there.forces[kept], rtol=0, atol=2e-4)


def test_a_cheap_set_of_other_geometries_lends_nothing() -> None:
    accurate, _, cheap = sets()
    others = cheap.select(np.flatnonzero(~np.isin(cheap.frame_id, accurate.frame_id)))

    def method(_: NDArray[np.int64], positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        if len(positions) < len(accurate):
            return labels_of(others, positions)
        return np.zeros(len(positions)), np.ones(positions.shape)

    found = cheap_labels_at(accurate, others, method, REMEDY)
    assert not found.energy.any()
    assert (found.forces == 1.0).all()


def test_another_zero_of_the_cheap_energies_is_taken_over() -> None:
    accurate, there, cheap = sets()
    less = cheap.select(np.flatnonzero(~np.isin(cheap.frame_id, accurate.frame_id[[2, 7, 11]])))
    moved = replace(less, energy=less.energy + 300.0)

    def method(_: NDArray[np.int64], positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        return labels_of(cheap, positions)

    found = cheap_labels_at(accurate, moved, method, REMEDY)
    np.testing.assert_allclose(found.energy, there.energy + 300.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.forces, there.forces, rtol=0, atol=2e-4)


@pytest.mark.parametrize(("energy_factor", "force_factor"), [(1.0, 1.4), (4.184, 1.0)])
def test_a_method_that_is_not_the_files_is_refused(energy_factor: float, force_factor: float) -> None:
    accurate, _, cheap = sets()
    less = cheap.select(np.flatnonzero(~np.isin(cheap.frame_id, accurate.frame_id[[2, 7, 11]])))
    other = replace(less, energy=less.energy * energy_factor, forces=less.forces * force_factor)

    def method(_: NDArray[np.int64], positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        return labels_of(cheap, positions)

    with pytest.raises(InputError, match="must be the file's method") as caught:
        cheap_labels_at(accurate, other, method, REMEDY)
    assert str(caught.value).endswith("correct 'level', or leave delta-learning out")
    assert "\n" not in str(caught.value)


def test_copies_in_the_cheap_set_do_no_harm() -> None:
    accurate, there, cheap = sets()
    twice = cheap.select(np.concatenate([np.arange(len(cheap))] * 2))
    np.testing.assert_array_equal(cheap_labels_at(accurate, twice, None, REMEDY).energy, there.energy)


def test_missing_labels_without_a_method_are_counted() -> None:
    accurate, _, cheap = sets()
    less = cheap.select(np.flatnonzero(~np.isin(cheap.frame_id, accurate.frame_id[[2, 7, 11]])))
    with pytest.raises(InputError) as caught:
        cheap_labels_at(accurate, less, None, REMEDY)
    with pytest.raises(InputError, match=r"^network_delta needs .* or remove strategy network_delta$"):
        cheap_labels_at(accurate, less, None, REMEDY, strategies=["network_delta"])
    assert str(caught.value) == (
        "delta-learning needs a gfn2-xtb label at every accurate geometry, 3 of 12 have none: install the method, "
        "label them at that level, or leave delta-learning out"
    )
