"""A cross-validated error with a planted bias at the end of the range of balanced draws, and without it."""

import numpy as np
import pytest

from analysis.buying.range_ends import as_new_frames
from asteroid.labels.balanced_order import balanced_order

N_FRAMES, N_LABELS, DRAWS = 400, 40, 30
PLACES = np.sort(np.random.default_rng(0).uniform(size=N_FRAMES))


def errors(at: np.ndarray, trained: np.ndarray, growth: float) -> np.ndarray:
    """Errors that grow along the range, and fast beyond what was trained on."""
    level = np.exp(growth * at)
    return level * (1 + 50 * growth * np.maximum(at - trained.max(), 0))


def biases(*, balanced: bool, growth: float, n_folds: int = 10) -> np.ndarray:
    """Log of the cross-validated over the true mean error, plain and corrected, mean over draws."""
    found = []
    for seed in range(DRAWS):
        shuffled = np.random.default_rng(seed).permutation(N_FRAMES)
        order = balanced_order(PLACES, shuffled, seed) if balanced else shuffled
        own, rest = PLACES[order[:N_LABELS]], PLACES[order[N_LABELS:]]
        fold = np.arange(N_LABELS) % n_folds
        scored = np.array([errors(own[i], own[fold != fold[i]], growth) for i in range(N_LABELS)])
        truth = errors(rest, own, growth).mean()
        found.append(np.log([scored.mean() / truth, as_new_frames(scored, own, n_folds).mean() / truth]))
    return np.mean(found, axis=0)


def test_balanced_draws_of_frames_that_grow_wilder_are_overestimated_and_corrected():
    plain, corrected = biases(balanced=True, growth=4.0)
    assert plain > 0.15
    assert abs(corrected) < 0.06


def test_two_folds_are_corrected_as_well():
    plain, corrected = biases(balanced=True, growth=4.0, n_folds=2)
    assert corrected < plain / 2


def test_errors_that_hardly_change_along_the_range_stay_as_they_are():
    plain, corrected = biases(balanced=True, growth=0.3)
    assert abs(plain) < 0.02
    assert abs(corrected) < 0.02


def test_random_draws_need_no_correction():
    plain, corrected = biases(balanced=False, growth=4.0, n_folds=N_LABELS)
    assert abs(plain) < 0.04
    assert corrected < -0.08


def test_only_labels_beyond_their_models_range_change():
    along = np.array([0.0, 3.0, 1.0, 2.0, 5.0, 4.0])
    own = np.array([1.0, 2.0, 3.0, 4.0, 10.0, 6.0])
    # The lowest stands beside labels 2, 3 and 1, the highest beside 5, 1 and 3.
    expected = [3 + (1 - 3) / 6, 2.0, 3.0, 4.0, 4 + (10 - 4) / 6, 6.0]
    assert as_new_frames(own, along, 6).tolist() == pytest.approx(expected)


def test_too_few_labels_are_left_alone():
    assert as_new_frames(np.array([1.0, 5.0]), np.array([0.0, 1.0]), 2).tolist() == [1.0, 5.0]
