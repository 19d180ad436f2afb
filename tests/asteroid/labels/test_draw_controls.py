from __future__ import annotations

import numpy as np
import pytest

from asteroid.labels.draw_controls import draw_controls, draw_scores
from asteroid.labels.label_set import LabelSet

WATER = np.array([8, 1, 1])


def cheap_frames(n: int, seed: int = 0) -> LabelSet:
    """Bent water whose energies rise with the forces."""
    rng = np.random.default_rng(seed)
    rest = np.array([[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]])
    forces = rng.normal(size=(n, 3, 3))
    energy = 3.0 * np.abs(forces).mean(axis=(1, 2)) - 2000.0
    return LabelSet(WATER, rest + 0.05 * rng.normal(size=(n, 3, 3)), energy, forces, "gfn2-xtb")


def accurate(cheap: LabelSet, rows: np.ndarray) -> LabelSet:
    """The same geometries, turned, at another level."""
    turned = cheap.positions[rows] @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    return LabelSet(WATER, turned, np.zeros(len(rows)), np.zeros((len(rows), 3, 3)), "ccsd_t/cc-pvdz")


def test_all_frames_together_have_mean_zero_and_spread_one_in_the_order_of_the_test_frames() -> None:
    cheap = cheap_frames(60)
    order = np.random.default_rng(3).permutation(60)
    found = draw_controls(accurate(cheap, order), cheap)
    assert found is not None
    assert found.mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert found.std(axis=0) == pytest.approx([1.0, 1.0])
    assert cheap.energy is not None
    assert np.argsort(found[:, 0]).tolist() == np.argsort(cheap.energy[order]).tolist()


def test_calm_frames_score_below_zero() -> None:
    cheap = cheap_frames(200)
    assert cheap.energy is not None
    calm, wild = np.argsort(cheap.energy)[:16], np.argsort(cheap.energy)[-16:]
    for rows, sign in ((calm, -1), (wild, 1)):
        controls = draw_controls(accurate(cheap, rows), cheap)
        assert controls is not None
        assert all(sign * z > 3 for z in draw_scores(controls))
    # A random draw is a draw from a standard normal.
    rng = np.random.default_rng(5)
    scores = []
    for _ in range(40):
        controls = draw_controls(accurate(cheap, rng.permutation(200)[:16]), cheap)
        assert controls is not None
        scores.append(draw_scores(controls))
    assert 0.6 < np.std(scores) < 1.4


def test_nothing_is_said_where_the_cheap_level_is_not_known_at_every_test_frame() -> None:
    cheap = cheap_frames(30)
    elsewhere = cheap_frames(5, seed=9)
    test = accurate(cheap, np.arange(10))
    mixed = LabelSet(
        WATER, np.concatenate([test.positions, elsewhere.positions]), np.zeros(15), np.zeros((15, 3, 3)), test.level
    )
    assert draw_controls(test, cheap) is not None
    assert draw_controls(mixed, cheap) is None
    assert draw_controls(test, LabelSet(WATER, cheap.positions, None, None, cheap.level)) is None
    assert draw_controls(test.select([]), cheap) is None
