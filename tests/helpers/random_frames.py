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


def scattered(n_atoms: int, n_frames: int, seed: int, closest: float = 0.75) -> np.ndarray:
    """Random geometries without collisions [N, A, 3]; they have no symmetry that could hide a mistake."""
    rng = np.random.default_rng(seed)
    frames = []
    while len(frames) < n_frames:
        frame: list[np.ndarray] = []
        while len(frame) < n_atoms:
            atom = rng.uniform(-1.4, 1.4, 3)
            if all(np.linalg.norm(atom - other) > closest for other in frame):
                frame.append(atom)
        frames.append(np.array(frame))
    return np.array(frames)
