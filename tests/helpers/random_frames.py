"""Random frames of atoms that hold no molecule together."""

from __future__ import annotations

import numpy as np

from asteroid.labels.label_set import LabelSet

ETHANOL = np.array([6, 6, 8, 1, 1, 1, 1, 1, 1])


def frames(n: int, seed: int = 0, numbers: np.ndarray = ETHANOL, level: str = "pbe/def2-svp") -> LabelSet:
    """Thermal noise of .1 Å around one fixed geometry, as in molecular dynamics: frames resemble each other."""
    rest = np.random.default_rng(99).normal(scale=1.5, size=(len(numbers), 3))
    rng = np.random.default_rng(seed)
    positions = rest + 0.1 * rng.normal(size=(n, len(numbers), 3))
    return LabelSet(numbers, positions, None, rng.normal(size=positions.shape), level)
