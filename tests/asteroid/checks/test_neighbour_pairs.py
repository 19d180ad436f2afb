"""Pairs of neighbouring frames: which are found, and what each may deviate."""

from __future__ import annotations

import numpy as np
from planted_pairs import methanol, with_forces

from asteroid.checks.force_energy import fit_molecules
from asteroid.checks.neighbour_pairs import _neighbours


def test_a_wrong_force_does_not_excuse_itself_by_its_change() -> None:
    # One of two frames has forces of the wrong sign: their change is large, and the tolerance as that of other pairs.
    labels = methanol()
    rows = np.arange(0, len(labels), 7)
    (sound,), (wrong,) = (
        fit_molecules(changed).parts[0].pairs for changed in (labels, with_forces(labels, -20.0, rows))
    )
    np.testing.assert_array_equal(sound.rows, wrong.rows)
    mixed_pairs = np.isin(sound.rows, rows).sum(axis=1) == 1
    assert mixed_pairs.sum() > 50
    # The median stiffness grows too, as a quarter of all pairs are off.
    assert (wrong.tolerance_ev[mixed_pairs] < 8 * sound.tolerance_ev[mixed_pairs]).all()


def test_neighbours_of_a_large_molecule_are_found_by_a_sample_of_its_distances() -> None:
    rng = np.random.default_rng(1)
    apart = np.arange(12) * 0.02
    path = rng.normal(scale=5.0, size=(80, 3)) + apart[:, None, None] * rng.normal(size=(80, 3))
    first, second = _neighbours(path)
    assert {(a, a + 1) for a in range(11)} <= set(zip(first.tolist(), second.tolist(), strict=True))
    assert (np.diff(second - first) >= 0).all()
