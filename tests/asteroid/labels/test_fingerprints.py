"""Fingerprints of frames and the directions in which they vary most."""

from __future__ import annotations

import numpy as np
import pytest
from random_frames import frames

from asteroid.checks.neighbour_pairs import pairs_of
from asteroid.labels.compositions import by_composition
from asteroid.labels.fingerprints import distance_fingerprints, principal_directions
from asteroid.labels.label_set import LabelSet
from asteroid.labels.matching import (
    duplicate_pairs,
    match_geometries,
)


@pytest.mark.parametrize("n", [1, 3, 40, 900])
def test_principal_directions_are_orthonormal_and_those_of_the_covariance(n: int) -> None:
    rng = np.random.default_rng(n)
    sample = 5.0 + rng.normal(size=(n, 12)) @ (np.diag(0.5 ** np.arange(12)) @ rng.normal(size=(12, 320)))
    found = principal_directions(sample, 4)
    assert found.shape == (320, min(n, 4))
    np.testing.assert_allclose(found.T @ found, np.eye(min(n, 4)), atol=1e-12)
    if n == 40:  # all rows are looked at
        expected = np.linalg.eigh(np.cov(sample, rowvar=False))[1][:, -4:]
        np.testing.assert_allclose(np.abs(found.T @ expected), np.eye(4), atol=1e-8)
    equal = principal_directions(np.repeat(sample[:1], 6, axis=0), 4)
    np.testing.assert_allclose(equal.T @ equal, np.eye(4), atol=1e-12)
    # No projection makes a difference longer, so that none is missed.
    apart = rng.normal(size=(50, 320))
    assert (np.linalg.norm(apart @ found, axis=1) <= np.linalg.norm(apart, axis=1) * (1 + 1e-12)).all()


@pytest.mark.parametrize("atoms", [24, 25, 26, 60])
def test_few_columns_have_the_directions_of_their_covariance_bit_for_bit(atoms: int) -> None:
    sample = distance_fingerprints(frames(30, numbers=np.full(atoms, 6)))
    if sample.shape[1] <= 300:
        expected = np.linalg.eigh(np.cov(sample, rowvar=False, ddof=0))[1][:, -10:]
        np.testing.assert_array_equal(principal_directions(sample, 10), expected)
    else:
        assert principal_directions(sample, 10).shape == (sample.shape[1], 10)


def test_no_matrix_grows_with_the_pairs_of_a_large_molecule(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def watched(matrix: np.ndarray) -> object:
        sizes.append(len(matrix))
        return eigh(matrix)

    eigh = np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", watched)
    labels = frames(450, 3, np.full(40, 6))
    labels = LabelSet(labels.numbers, labels.positions, np.arange(450.0), labels.forces, "x")
    duplicate_pairs(labels)
    pairs_of(next(iter(by_composition(labels).values())), labels)
    assert len(sizes) == 2
    assert max(sizes) <= 400


def test_small_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def everything() -> list[np.ndarray]:
        a, b = frames(70, 3, np.full(8, 6)), frames(90, 4, np.full(8, 6))
        both = LabelSet(a.numbers, np.concatenate([a.positions, b.positions, b.positions]), None, None, "x")
        both = LabelSet(both.numbers, both.positions, np.arange(250.0), 1.0 + both.positions, "x")
        pairs = pairs_of(next(iter(by_composition(both).values())), both)
        # Which pairs are found depends on the directions a little, the closest are.
        closest = np.sort(pairs.rmsd_ang)[:5]
        return [*duplicate_pairs(both), *match_geometries(both, b), closest, distance_fingerprints(both)]

    whole = everything()
    assert len(whole[0]) == 90
    assert len(whole[4]) == 5
    monkeypatch.setattr("asteroid.labels.fingerprints._BLOCK_NUMBERS", 28 * 13)
    for one, other in zip(whole, everything(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
