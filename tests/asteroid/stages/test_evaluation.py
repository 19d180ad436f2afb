from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy import stats

from asteroid.descriptors.frame_bank import Prediction
from asteroid.models.mlp import DescriptorMLP, MLPSettings, measure_scaling
from asteroid.models.mlp_parameters import initial_parameters
from asteroid.models.predict import predict, predict_models
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.evaluation import (
    MIN_CONTROLLED,
    ModelErrors,
    block_bootstrap_se,
    controlled_mean,
    evaluate,
)

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank

SETTINGS = MLPSettings(hidden=8)
LEVEL = "ccsd_t/cc-pvdz"
ROWS = torch.tensor([3, 50, 7, 21, 22, 40, 41, 5, 59])


@pytest.fixture(scope="module")
def models(methanol_bank: FrameBank) -> list[TrainedNetwork]:
    frames = methanol_bank.levels[LEVEL]
    found = []
    for seed, n, shift in ((0, 60, -3140.2), (1, 20, -3138.0)):
        scaling = measure_scaling(methanol_bank.layout, frames.descriptors[:n], frames.forces[:n])
        found.append(TrainedNetwork(SETTINGS, initial_parameters(methanol_bank.layout, SETTINGS, seed), scaling, shift))
    return found


def residuals(bank: FrameBank, model: TrainedNetwork) -> tuple[np.ndarray, np.ndarray]:
    """Energy [n] and force [n, A, 3] errors in float64, the energy without the shift."""
    frames = bank.levels[LEVEL]
    energy, forces = predict(DescriptorMLP(bank.layout, SETTINGS), frames, ROWS, model.scaling, model.parameters[None])
    force_error = forces[0].double().numpy() - frames.forces[ROWS].double().numpy()
    return energy[0].double().numpy() - frames.energy[ROWS].numpy(), force_error.reshape(len(ROWS), 6, 3)


def errors_of(
    bank: FrameBank, models: list[TrainedNetwork], labels: Prediction | None = None, **options: bool
) -> list[ModelErrors]:
    frames = bank.levels[LEVEL]
    if labels is not None:
        frames = replace(frames, energy=labels.energy, forces=labels.forces)
    return evaluate(predict_models(bank, LEVEL, ROWS, models), frames, ROWS, **options)


def test_errors_are_means_over_frames_atoms_and_components(
    methanol_bank: FrameBank, models: list[TrainedNetwork]
) -> None:
    found = errors_of(methanol_bank, models)
    assert len(found) == 2
    for model, errors in zip(models, found, strict=True):
        energy, forces = residuals(methanol_bank, model)
        energy = energy + model.energy_shift_ev
        assert errors.force_mae_ev_ang == pytest.approx(np.abs(forces).mean(), rel=1e-5)
        assert errors.force_rmse_ev_ang == pytest.approx(np.sqrt((forces**2).mean()), rel=1e-5)
        assert errors.energy_mae_ev == pytest.approx(np.abs(energy).mean(), abs=1e-5)
        assert errors.energy_rmse_ev == pytest.approx(np.sqrt((energy**2).mean()), abs=1e-5)
        free = np.abs(energy - energy.mean()) * np.sqrt(9 / 8)
        assert errors.energy_free_mae_ev == pytest.approx(free.mean(), abs=1e-5)
        assert errors.energy_free_mae_se_ev == pytest.approx(block_bootstrap_se(free), rel=1e-3)
        assert errors.force_mae_se_ev_ang == pytest.approx(block_bootstrap_se(np.abs(forces).mean((1, 2))), rel=1e-4)
        assert errors.n_test == 9
        assert errors.force_rmse_ev_ang > errors.force_mae_ev_ang


def test_a_perfect_model_has_no_error(methanol_bank: FrameBank, models: list[TrainedNetwork]) -> None:
    frames = methanol_bank.levels[LEVEL]
    everything = torch.arange(60)
    model = models[0]
    energy, forces = predict(
        DescriptorMLP(methanol_bank.layout, SETTINGS), frames, everything, model.scaling, model.parameters[None]
    )
    taught = Prediction(energy[0].double() - 3140.2, forces[0])
    (errors,) = errors_of(methanol_bank, [model], taught)
    assert errors.force_mae_ev_ang < 1e-5
    assert errors.force_rmse_ev_ang < 1e-5
    assert errors.energy_mae_ev < 1e-5  # -3,140 eV in float32 would leave 1e-4
    (off,) = errors_of(methanol_bank, [replace(model, energy_shift_ev=-3140.1)], taught)
    assert off.energy_mae_ev == pytest.approx(0.1, abs=1e-5)


def test_realigned_energies_use_the_best_constant(methanol_bank: FrameBank, models: list[TrainedNetwork]) -> None:
    plain = errors_of(methanol_bank, models)
    realigned = errors_of(methanol_bank, models, realign_energy=True)
    for model, before, after in zip(models, plain, realigned, strict=True):
        energy, _ = residuals(methanol_bank, model)
        constants = np.median(energy) + np.linspace(-2.0, 2.0, 401)
        best = np.abs(energy[:, None] - constants).mean(0).min()
        assert after.energy_mae_ev == pytest.approx(best, abs=1e-5)
        assert after.energy_mae_ev < before.energy_mae_ev
        assert after.energy_rmse_ev == pytest.approx(np.sqrt(((energy - np.median(energy)) ** 2).mean()), abs=1e-5)
        assert after.force_mae_ev_ang == before.force_mae_ev_ang
        assert after.energy_free_mae_ev == pytest.approx(before.energy_free_mae_ev, abs=1e-6)
        (shifted,) = errors_of(methanol_bank, [replace(model, energy_shift_ev=55.0)], realign_energy=True)
        assert shifted.energy_mae_ev == pytest.approx(after.energy_mae_ev, abs=1e-6)


def test_standard_error_of_white_noise() -> None:
    rng = np.random.default_rng(0)
    ratios = [block_bootstrap_se(rng.normal(5.0, 2.0, n)) / (2.0 / math.sqrt(n)) for n in (300, 1000, 3000)]
    assert ratios == pytest.approx([1.0, 1.0, 1.0], rel=0.2)


@pytest.mark.parametrize("n", [8, 13, 30])
def test_few_frames_know_how_little_they_know(n: int) -> None:
    """Errors of frames are skewed; the plain bootstrap held .75 to .85 of the means here."""
    rng = np.random.default_rng(n)
    draws = [rng.lognormal(-0.08, 0.42, n) for _ in range(400)]
    mean = math.exp(0.42**2 / 2 - 0.08)
    held = np.mean([abs(draw.mean() - mean) < 1.645 * block_bootstrap_se(draw) for draw in draws])
    assert 0.86 < held < 0.96


def test_standard_error_grows_with_correlation() -> None:
    rng = np.random.default_rng(1)
    n, memory = 3000, 0.8
    steps = rng.normal(size=n)
    chain = np.empty(n)
    chain[0] = steps[0]
    for i in range(1, n):
        chain[i] = memory * chain[i - 1] + math.sqrt(1 - memory**2) * steps[i]
    naive = chain.std() / math.sqrt(n)
    truth = math.sqrt((1 + memory) / (1 - memory))  # 3, of which blocks of 14 frames see most
    assert 0.7 * truth < block_bootstrap_se(chain) / naive < 1.1 * truth
    assert block_bootstrap_se(rng.permutation(chain)) / naive == pytest.approx(1.0, rel=0.2)


def test_standard_error_at_the_edges() -> None:
    assert block_bootstrap_se(np.full(50, 3.0)) == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(block_bootstrap_se(np.array([1.0])))
    assert math.isnan(block_bootstrap_se(np.array([])))
    # Two values know their mean to 1 (their standard deviation over the root of 2), in Student's t with one degree.
    assert block_bootstrap_se(np.array([0.0, 2.0])) == pytest.approx(
        stats.t.ppf(0.95, 1) / stats.norm.ppf(0.95), rel=0.15
    )
    values = np.random.default_rng(2).normal(size=40)
    assert block_bootstrap_se(values) == block_bootstrap_se(values)
    # The circle has no ends: where the series begins makes no difference but for the random draw.
    assert block_bootstrap_se(np.roll(values, 7)) == pytest.approx(block_bootstrap_se(values), rel=0.2)


def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors of frames with mean 1 and what a cheap level knows of them, correlated as in methanol."""
    controls = rng.normal(size=(n, 2))
    return 1.0 + 0.35 * controls[:, 0] + 0.1 * controls[:, 1] + 0.3 * rng.normal(size=n), controls


def test_controls_reduce_the_sampling_error() -> None:
    rng = np.random.default_rng(4)
    plain, adjusted, held = [], [], []
    for _ in range(300):
        values, controls = draw(rng, 20)
        found = controlled_mean(values, controls)
        assert found is not None
        plain.append(values.mean())
        adjusted.append(found.mean)
        held.append(abs(found.mean - 1) < 1.645 * found.se)
    assert np.std(adjusted) < 0.8 * np.std(plain)
    assert np.mean(adjusted) == pytest.approx(1.0, abs=0.02)
    assert 0.84 < np.mean(held) < 0.97


def test_controls_that_know_nothing_change_little() -> None:
    rng = np.random.default_rng(6)
    values = rng.lognormal(size=200)
    found = controlled_mean(values, rng.normal(size=(200, 2)))
    assert found is not None
    assert found.mean == pytest.approx(values.mean(), rel=0.05)
    assert found.se == pytest.approx(block_bootstrap_se(values), rel=0.15)


def test_a_calm_draw_is_raised() -> None:
    values, controls = draw(np.random.default_rng(7), 400)
    calm = np.argsort(controls[:, 0])[:100]
    found = controlled_mean(values[calm], controls[calm])
    assert found is not None
    assert values[calm].mean() < 0.65
    assert found.mean == pytest.approx(1.0, abs=1.645 * found.se)


def test_too_few_frames_have_no_slopes() -> None:
    values, controls = draw(np.random.default_rng(8), MIN_CONTROLLED)
    assert controlled_mean(values, controls) is not None
    assert controlled_mean(values[1:], controls[1:]) is None
    far = np.column_stack([np.linspace(4, 6, 8), np.zeros(8)])
    assert controlled_mean(far[:, 0] - 3.9, far) is None  # a line that falls below zero
