"""The one-standard-error rule and the share of noise, on planted errors."""

from __future__ import annotations

import numpy as np
import pytest

from study.search.one_se_rule import choose_setting, noise_share, standard_error


def test_a_clearly_better_setting_wins_however_elaborate() -> None:
    rng = np.random.default_rng(0)
    fold = rng.normal(0, 0.1, 8)
    errors = np.array([1.0 + fold, 0.8 + fold]) + rng.normal(0, 0.005, (2, 8))
    assert choose_setting(errors, [(0.0,), (5.0,)]) == 1


def test_within_one_standard_error_the_simpler_setting_wins() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.05, 8)
    errors = np.array([np.ones(8), np.ones(8) - 0.25 * standard_error(noise) + noise - noise.mean()])
    assert errors[1].mean() < errors[0].mean()
    assert choose_setting(errors, [(0.0,), (5.0,)]) == 0


def test_the_rule_is_paired_by_fold() -> None:
    # Folds differ far more than settings do: unpaired errors would call these equal.
    fold = np.linspace(0.5, 2.0, 6)
    errors = np.array([fold * 1.05, fold])
    assert choose_setting(errors, [(0.0,), (5.0,)]) == 1


def test_equal_settings_go_to_the_earlier_row() -> None:
    assert choose_setting(np.ones((3, 4)), [(1.0,), (1.0,), (1.0,)]) == 0


@pytest.mark.parametrize(("effect", "low", "high"), [(0.0, 0.4, 1.0), (1.0, 0.0, 0.02)])
def test_noise_share_tells_effects_from_noise(effect: float, low: float, high: float) -> None:
    rng = np.random.default_rng(2)
    errors = rng.normal(0, 0.1, (12, 6)) + rng.normal(0, 3.0, 6) + effect * rng.normal(0, 1, (12, 1))
    assert low <= noise_share(errors) <= high
