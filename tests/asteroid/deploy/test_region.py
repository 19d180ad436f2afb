"""Distances from training frames: held-out ones are near, displaced ones far, whatever the order of like atoms."""

from __future__ import annotations

import numpy as np
import pytest
from exported_methanol import bent, frames

from asteroid.deploy.region import region_of
from asteroid.descriptors.layout import make_layout
from asteroid.descriptors.resolution import choose_descriptors

KNOWN = frames(300)
REGION = region_of(
    make_layout(KNOWN.numbers, choose_descriptors(KNOWN.numbers, KNOWN.positions)), KNOWN.positions[:100]
)


def test_held_out_frames_are_near_and_displaced_ones_far() -> None:
    held_out = REGION.distances(KNOWN.positions[100:])
    small, large = (np.median(REGION.distances(bent(KNOWN.positions[100:], by))) for by in (0.05, 0.2))
    assert np.median(held_out) < small < large / 1.5
    assert large > np.quantile(held_out, 0.97)


def test_distances_know_no_place_orientation_or_order_of_like_atoms() -> None:
    x = KNOWN.positions[100:110]
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    moved = (x @ turn + 3.0)[:, [0, 1, 4, 2, 3, 5]]
    assert REGION.distances(moved) == pytest.approx(REGION.distances(x))
