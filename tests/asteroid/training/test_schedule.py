from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from asteroid.models.energy_zero import EnergyZero
from asteroid.training import fit_loop as training
from asteroid.training.fit import BestKeeper
from asteroid.training.schedule import Schedule


def test_rates_warm_up_and_decay() -> None:
    schedule = Schedule(steps=100, learning_rate=0.4, warmup_steps=10, final_rate=0.05)
    rates = np.array([schedule.rate(step) for step in range(100)])
    decay = 0.4 * 0.05 ** (np.arange(100) / 100)
    np.testing.assert_allclose(rates[:10], decay[:10] * np.arange(1, 11) / 10, rtol=1e-12)
    np.testing.assert_allclose(rates[9:], decay[9:], rtol=1e-12)
    assert rates[-1] == pytest.approx(0.4 * 0.05, rel=0.05)
    assert replace(schedule, warmup_steps=0).rate(0) == 0.4
    assert replace(schedule, final_rate=1.0).rate(99) == 0.4


@pytest.mark.parametrize(
    ("steps", "validations", "number"), [(300, 15, 15), (20, 15, 15), (7, 3, 3), (5, 15, 5), (1, 1, 1), (1000, 7, 7)]
)
def test_validations_are_even_and_the_last_step_is_one(steps: int, validations: int, number: int) -> None:
    at = sorted(Schedule(steps=steps, learning_rate=1e-3, validations=validations).validation_steps())
    assert len(at) == number
    assert at[-1] == steps
    assert at[0] >= 1
    gaps = np.diff([0, *at])
    assert gaps.max() - gaps.min() <= 1


def test_every_pass_sees_every_frame_once() -> None:
    schedule = Schedule(steps=30, learning_rate=1e-3, batch_size=7)
    batches = training._batches(21, schedule, seed=3)
    assert batches.shape == (30, 7)
    for one_pass in batches.reshape(10, 21):
        assert sorted(one_pass.tolist()) == list(range(21))
    assert len({tuple(p.tolist()) for p in batches.reshape(10, 21)}) == 10
    assert sorted(set(training._batches(3, schedule, seed=3).flatten().tolist())) == [0, 1, 2]


def test_the_best_weights_survive_a_later_divergence() -> None:
    keeper = BestKeeper(2)
    good, worse = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [4.0]])
    keeper.see(5, good, torch.tensor([0.5, 0.7]))
    keeper.see(10, worse, torch.tensor([math.nan, 0.6]))
    keeper.see(15, torch.full((2, 1), math.nan), torch.tensor([math.nan, math.inf]))
    start, end = ([EnergyZero(ev) for ev in pair] for pair in ((0.1, 0.2), (0.3, 0.4)))
    one, other = keeper.fits(start, end, [8, None], [None, None])
    assert (one.parameters.tolist(), one.val_error, one.diverged_at_step) == ([1.0], 0.5, 8)
    assert (other.parameters.tolist(), other.diverged_at_step) == ([4.0], None)
    assert other.val_error == pytest.approx(0.6)
    assert (one.start_shift_ev, other.energy_shift_ev) == pytest.approx((0.1, 0.4))
    assert [step for step, _ in one.validation_curve] == [5, 10, 15]


def test_the_first_step_that_is_not_finite_is_named() -> None:
    losses = torch.ones(4, 4)
    losses[2:, 0], losses[0, 1], losses[1, 1], losses[3, 3] = math.nan, math.inf, math.nan, -math.inf
    assert training._first_divergence(losses, 0) == [3, 1, None, 4]
    assert training._first_divergence(losses, 10) == [13, 11, None, 14]
