from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.datasets import load_methanol

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray

    Labels = tuple[IntArray, FloatArray, FloatArray, FloatArray]


@pytest.fixture(scope="module")
def methanol() -> dict[str, Labels]:
    """CCSD(T) labels and their difference to GFN2-xTB: bought from replicas 0-2, in random order, and replica 3."""
    data = load_methanol()
    accurate, cheap = data.accurate, data.cheap.select(data.accurate.frame_id)
    assert accurate.energy is not None
    assert accurate.forces is not None
    assert accurate.group is not None
    assert cheap.energy is not None
    assert cheap.forces is not None
    np.testing.assert_array_equal(accurate.positions, cheap.positions)
    pool = np.random.default_rng(0).permutation(np.flatnonzero(accurate.group != 3))[:100]
    test = np.flatnonzero(accurate.group == 3)
    out: dict[str, Labels] = {}
    for name, rows in (("pool", pool), ("test", test)):
        x, e, f = accurate.positions[rows], accurate.energy[rows], accurate.forces[rows]
        out[name] = (accurate.numbers, x, e, f)
        out[f"{name} difference"] = (accurate.numbers, x, e - cheap.energy[rows], f - cheap.forces[rows])
    return out
