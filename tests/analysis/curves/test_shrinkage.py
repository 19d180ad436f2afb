"""Curves seen together: alike ones move to each other, what is apart stays, and the best of many is no longer best."""

import numpy as np
import pytest
from scipy.stats import norm, t

from analysis.curves.curve_key import CurveKey
from analysis.curves.curves import Curve
from analysis.curves.evidence import evidence_of, fitted_draws, labels_needed, seen_together
from analysis.curves.shrinkage import FREEDOM, LEAST_SPREAD, SCALE, Shrinkage, shrink, shrinkages
from study.counts import CheapPurchase

BUDGETS, SEEDS = (25, 50, 100, 200, 400, 800), 3


def test_one_curve_stays_where_it_is():
    mean, variance = np.array([0.3]), np.array([0.01])
    assert shrink(mean, variance) == (mean, variance)


def test_alike_curves_move_to_each_other_and_are_known_better():
    mean, variance = np.array([-0.06, -0.02, 0.0, 0.03, 0.05]), np.full(5, 0.05**2)
    moved, spread = shrink(mean, variance)
    assert (np.abs(moved) < 0.5 * np.abs(mean) + 1e-3).all()
    assert (np.diff(moved) > 0).all(), "their order stays"
    assert (spread < variance).all()


def test_curves_that_differ_by_more_than_their_errors_stay():
    mean, variance = np.array([-0.9, -0.4, 0.1, 0.5]), np.full(4, 0.02**2)
    moved, spread = shrink(mean, variance)
    assert np.abs(moved - mean).max() < 0.25 * 0.02
    assert spread == pytest.approx(variance, rel=0.1)


def test_one_curve_apart_neither_moves_nor_holds_the_others_back():
    mean, variance = np.array([1.5, -0.03, 0.0, 0.02, 0.03]), np.full(5, 0.04**2)
    moved, _ = shrink(mean, variance)
    assert abs(moved[0] - 1.5) < 0.02
    assert np.ptp(moved[1:]) < 0.8 * np.ptp(mean[1:])


def test_the_posterior_is_that_of_the_prior_that_is_told():
    """By brute force on a grid of the true log errors, with Student's t as it is."""
    mean, variance = np.array([0.0, 0.12, 0.3]), np.array([0.05, 0.08, 0.05]) ** 2
    centre = np.linspace(-0.3, 0.6, 121)
    truth = np.linspace(-0.6, 0.9, 1501)
    like = norm.pdf(mean[:, None], truth, np.sqrt(variance)[:, None])  # [K, truth]
    by_scale, first, second = [], [], []
    for scale in SCALE:
        prior = t.pdf((truth - centre[:, None]) / scale, FREEDOM) / scale  # [mu, truth]
        zeroth, one, two = (like @ (prior * truth**power).T for power in (0, 1, 2))  # [K, mu]
        by_scale.append(zeroth.prod(axis=0))
        first.append(one / zeroth)
        second.append(two / zeroth)
    weight = np.array(by_scale) / np.sum(by_scale)
    exact = np.einsum("tm,tkm->k", weight, np.array(first))
    square = np.einsum("tm,tkm->k", weight, np.array(second))
    moved, spread = shrink(mean, variance)
    assert moved == pytest.approx(exact, abs=0.006)
    assert np.sqrt(spread) == pytest.approx(np.sqrt(square - exact**2), rel=0.08)


def test_draws_are_shifted_and_drawn_together_no_further_than_allowed():
    rng = np.random.default_rng(0)
    budget = np.array([10.0, 100.0])
    draws = [rng.normal(level, 0.05, size=(4000, 2)) for level in (-0.05, 0.0, 0.0, 0.02, 0.03)]
    first = shrinkages(budget, draws)[0]
    assert first.shift.min() > 0.01
    assert first.scale == pytest.approx(np.full(2, LEAST_SPREAD), abs=1e-9)
    changed = draws[0] + first.change(budget, draws[0])
    assert changed.mean(axis=0) == pytest.approx(draws[0].mean(axis=0) + first.shift)
    assert changed.std(axis=0) == pytest.approx(LEAST_SPREAD * draws[0].std(axis=0))
    halfway = Shrinkage(np.log(budget), np.zeros(2), np.array([0.0, 0.2]), np.ones(2))
    assert halfway.change([np.sqrt(1000.0)], np.zeros((3, 1))) == pytest.approx(np.full((3, 1), 0.1))


@pytest.fixture(scope="module")
def alike():
    rng = np.random.default_rng(2)
    n, blank = np.repeat(BUDGETS, SEEDS), np.full(len(BUDGETS) * SEEDS, np.nan)
    seeds = np.tile(np.arange(SEEDS), len(BUDGETS))
    errors = [0.1 * (n / 25) ** -0.6 * np.exp(0.1 * rng.normal(size=len(n))) for _ in range(5)]
    curves = [Curve(CurveKey("accurate_only"), n, seeds, e, blank, blank, CheapPurchase()) for e in errors]
    return [evidence_of(curve) for curve in curves]


def test_the_best_of_many_asks_for_more_labels_than_by_itself_and_the_worst_for_fewer(alike):
    target = 0.1 * (300 / 25) ** -0.6
    alone, together = (
        np.array([labels_needed(evidence, target).quantile(0.5) for evidence in known])
        for known in (alike, seen_together(alike))
    )
    best, worst = alone.argmin(), alone.argmax()
    assert together[best] > alone[best]
    assert together[worst] < alone[worst]
    assert np.ptp(np.log(together)) < 0.7 * np.ptp(np.log(alone))


def test_answers_of_a_curve_seen_with_others_fit_together(alike):
    known = seen_together(alike)[0]
    target = 0.1 * (300 / 25) ** -0.6
    needed = labels_needed(known, target)
    n = needed.quantile(0.8)
    met = np.mean(fitted_draws(known, [n], kind="new_test_set") <= np.log(target))
    assert met == pytest.approx(needed.probability(n), abs=0.01)
    assert seen_together(alike[:1]) == alike[:1], "alone it stays as it is"
