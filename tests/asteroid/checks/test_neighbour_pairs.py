"""Pairs of neighbouring frames: which are found, and what each may deviate."""

from __future__ import annotations

import numpy as np
from planted_pairs import methanol, with_forces

from asteroid.checks.force_energy import fit_molecules


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
