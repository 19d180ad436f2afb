from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from methanol_stages import CHEAP, MODEL, bias_by_hand, weighted

from asteroid.models.mlp_parameters import initial_parameters
from asteroid.stages.bias_weights import bias_weights, effective_sample, estimate_bias
from asteroid.stages.stage import Frames, NetworkStage, StageResult
from asteroid.stages.train import train_pack
from asteroid.training.losses import weighted_loss

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.training.objective import Member


def test_the_estimated_bias_is_the_distance_of_the_forces(
    methanol_bank: FrameBank, pretrain: NetworkStage, teacher: StageResult
) -> None:
    other = replace(teacher.model, parameters=initial_parameters(methanol_bank.layout, MODEL, 77))
    rows = methanol_bank.rows_of(CHEAP, pretrain.train.hashes)
    found = estimate_bias(methanol_bank, CHEAP, rows, [teacher.model, other])
    assert found.shape == (2, 160)
    for bias, model in zip(found, (teacher.model, other), strict=True):
        np.testing.assert_allclose(bias, bias_by_hand(methanol_bank, model, pretrain.train), rtol=1e-4)


def test_the_weights_are_boltzmann_factors_of_the_bias(
    methanol_bank: FrameBank, pretrain: NetworkStage, teacher: StageResult, members: list[Member]
) -> None:
    # The least biased frame of all is held out.
    place = int(bias_by_hand(methanol_bank, teacher.model, pretrain.train).argmin())
    train, val = list(pretrain.train.hashes), list(pretrain.val.hashes)
    train[place], val[3] = val[3], train[place]
    pretrain = replace(pretrain, train=Frames(CHEAP, tuple(train)), val=Frames(CHEAP, tuple(val)))
    (result,) = train_pack(methanol_bank, [weighted(pretrain, teacher, 0.25)], {teacher.key: teacher.model})
    bias = bias_by_hand(methanol_bank, teacher.model, pretrain.train)
    held_out = bias_by_hand(methanol_bank, teacher.model, pretrain.val)
    gamma = 0.25 * np.median(bias)
    weights = np.exp(-bias / gamma)
    assert result.gamma_ev_ang == pytest.approx(gamma, rel=1e-4)
    assert result.bias_quantiles_ev_ang == pytest.approx(np.quantile(bias, [0.1, 0.5, 0.9]), rel=1e-4)
    assert result.effective_sample == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), rel=1e-3)
    assert 1.0 < result.effective_sample < 150.0
    (member,) = members
    np.testing.assert_allclose(member.train_weights, weights / weights.mean(), rtol=1e-3)
    # A held-out frame weighs what a training frame of the same bias weighs, and no more than the heaviest of them.
    bounded = np.maximum(held_out, bias.min())
    assert (bounded > held_out).any()
    np.testing.assert_allclose(member.val_weights, np.exp(-bounded / gamma) / weights.mean(), rtol=1e-3)
    assert float(member.train_weights.mean()) == pytest.approx(1.0, rel=1e-5)


def test_weights_change_the_training_and_great_temperatures_do_not(
    methanol_bank: FrameBank, pretrain: NetworkStage, teacher: StageResult
) -> None:
    specs = [pretrain, weighted(pretrain, teacher, 0.3), weighted(pretrain, teacher, 1e9)]
    plain, cold, hot = train_pack(methanol_bank, specs, {teacher.key: teacher.model}, share_batches=True)
    assert float((cold.model.parameters - plain.model.parameters).abs().max()) > 1e-3
    assert cold.val_force_mae_ev_ang != pytest.approx(plain.val_force_mae_ev_ang, rel=1e-3)
    assert float((hot.model.parameters - plain.model.parameters).abs().max()) < 1e-5
    assert hot.val_force_mae_ev_ang == pytest.approx(plain.val_force_mae_ev_ang, rel=1e-5)
    assert hot.effective_sample == pytest.approx(160.0, rel=1e-5)
    assert plain.bias_quantiles_ev_ang is None


@settings(deadline=None, max_examples=50)
@given(
    bias=st.lists(st.floats(0.0, 20.0), min_size=1, max_size=30),
    gamma=st.floats(1e-6, 1e6) | st.just(math.inf),
)
def test_weights_have_mean_one_and_fall_with_the_bias(bias: list[float], gamma: float) -> None:
    b = torch.tensor(bias, dtype=torch.float64)
    weights = bias_weights(b, gamma)
    assert float(weights.mean()) == pytest.approx(1.0, rel=1e-9)
    order = torch.argsort(b)
    assert (weights[order].diff() <= 1e-12).all()
    assert 1.0 - 1e-9 <= effective_sample(weights) <= len(bias) * (1 + 1e-9)


def test_ratios_of_weights_are_boltzmann_factors() -> None:
    bias = torch.tensor([1.0, 1.5, 4.0], dtype=torch.float64)
    weights = bias_weights(bias, 0.5)
    np.testing.assert_allclose(weights / weights[0], np.exp([0.0, -1.0, -6.0]), rtol=1e-12)


def test_infinite_temperature_means_no_weights() -> None:
    bias = torch.tensor([0.1, 1.0, 50.0], dtype=torch.float64)
    assert torch.equal(bias_weights(bias, math.inf), torch.ones(3, dtype=torch.float64))
    distances = [float((bias_weights(bias, gamma) - 1.0).abs().max()) for gamma in (1e3, 1e4, 1e5)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-3
    assert distances[0] / distances[1] == pytest.approx(10.0, rel=0.05)
    rng = np.random.default_rng(4)
    energy, force = (torch.tensor(rng.normal(size=shape)) for shape in ((1, 3), (1, 3, 6)))
    rho = torch.tensor([0.9])
    for kind in ("mae", "l2"):
        plain = weighted_loss(energy, force, None, rho, kind)
        assert torch.equal(plain, weighted_loss(energy, force, bias_weights(bias, math.inf)[None], rho, kind))
        assert torch.allclose(plain, weighted_loss(energy, force, bias_weights(bias, 1e9)[None], rho, kind))


@pytest.mark.parametrize("gamma", [1e-3, 1e-30, 5e-324])
def test_zero_temperature_keeps_the_least_biased_frames(gamma: float) -> None:
    bias = torch.tensor([7.0, 3.0, 3.0, 9.0, 3.5, 8.0], dtype=torch.float64)
    weights = bias_weights(bias, gamma)
    assert weights.tolist() == pytest.approx([0.0, 3.0, 3.0, 0.0, 0.0, 0.0])
    assert effective_sample(weights) == pytest.approx(2.0)


def test_effective_sample_counts() -> None:
    assert effective_sample(torch.full((17,), 0.3)) == pytest.approx(17.0)
    assert effective_sample(torch.tensor([0.0, 5.0, 0.0])) == pytest.approx(1.0)
    assert effective_sample(torch.tensor([2.0, 1.0])) == pytest.approx(9 / 5)
