"""Two levels that differ in the lengths of bonds alone have the same forces once their steady pulls are taken out."""

from __future__ import annotations

import numpy as np

from asteroid.checks.steady_pulls import without_steady_pulls


def springs(positions: np.ndarray, lengths: tuple[float, float]) -> np.ndarray:
    """Forces of a chain of three atoms."""
    forces = np.zeros_like(positions)
    for (one, other), length in zip(((0, 1), (1, 2)), lengths, strict=True):
        apart = positions[:, one] - positions[:, other]
        distance = np.linalg.norm(apart, axis=1, keepdims=True)
        pull = -60.0 * (distance - length) * apart / distance
        forces[:, one] += pull
        forces[:, other] -= pull
    return forces


def test_lengths_of_bonds_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    at_rest = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.13], [0.3, 0.0, 2.3]])
    positions = at_rest + rng.normal(0.0, 0.02, (30, 3, 3))
    one, other = springs(positions, (1.1, 1.3)), springs(positions, (1.3, 1.0))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] < -0.5
    left, also = without_steady_pulls(positions, one, other)
    np.testing.assert_allclose(left, also, atol=1e-9)
    assert np.abs(left).max() > 0.5
    mixed, _ = without_steady_pulls(positions, one[::-1], other)
    assert abs(np.corrcoef(mixed, also)[0, 1]) < 0.3


def test_sets_of_any_size_have_more_components_than_pulls() -> None:
    rng = np.random.default_rng(1)
    for n, atoms in ((1, 5), (3, 40), (500, 4)):
        forces = rng.normal(0.0, 1.0, (n, atoms, 3))
        (left,) = without_steady_pulls(rng.normal(0.0, 2.0, (n, atoms, 3)), forces)
        assert left.size == min(n, 200) * atoms * 3
        assert 0.2 < (left**2).mean() < 1.1
