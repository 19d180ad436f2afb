from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asteroid.training.losses import ForceLoss, bias_weights, effective_sample, force_term, weighted_loss

KINDS = ["mae", "l2"]


def difference(seed: int, *shape: int) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 10_000),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 4)),
    weighted=st.booleans(),
    rho=st.floats(0.0, 1.0),
)
def test_loss_equals_its_formula(
    kind: ForceLoss, seed: int, sizes: tuple[int, int, int], weighted: bool, rho: float
) -> None:
    n_models, n_frames, n_atoms = sizes
    rng = np.random.default_rng(seed)
    energy = rng.normal(size=(n_models, n_frames))
    force = rng.normal(size=(n_models, n_frames, 3 * n_atoms))
    weights = rng.uniform(0.0, 3.0, size=(n_models, n_frames)) if weighted else None
    rhos = np.linspace(rho, 1.0 - rho, n_models)
    found = weighted_loss(
        torch.tensor(energy),
        torch.tensor(force),
        None if weights is None else torch.tensor(weights),
        torch.tensor(rhos),
        kind,
    )
    for k in range(n_models):
        total = 0.0
        for i in range(n_frames):
            vectors = force[k, i].reshape(n_atoms, 3)
            term = np.abs(vectors).mean() if kind == "mae" else np.linalg.norm(vectors, axis=1).mean()
            total += term * (1.0 if weights is None else weights[k, i])
        wanted = (1.0 - rhos[k]) * np.abs(energy[k]).mean() + rhos[k] * total / n_frames
        assert float(found[k]) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_change_the_loss_and_its_gradient(kind: ForceLoss) -> None:
    """The reference implementation ignores them in its default force term."""
    energy = torch.zeros(1, 3, dtype=torch.float64)
    rho = torch.tensor([0.9], dtype=torch.float64)
    weights = torch.tensor([[2.5, 0.5, 0.0]], dtype=torch.float64)
    values, gradients = [], []
    for used in (None, torch.ones_like(weights), weights):
        force = difference(0, 1, 3, 6).requires_grad_()
        loss = weighted_loss(energy, force, used, rho, kind)
        (gradient,) = torch.autograd.grad(loss.sum(), force)
        values.append(float(loss.detach()))
        gradients.append(gradient[0])
    plain, ones, weighted = gradients
    assert values[0] == pytest.approx(values[1], rel=1e-12)
    assert torch.allclose(plain, ones)
    assert values[2] != pytest.approx(values[0], rel=0.01)
    assert plain.abs().min() > 1e-4
    for frame, weight in enumerate(weights[0]):  # each frame pulls in proportion to its weight
        assert torch.allclose(weighted[frame], weight * plain[frame])


@pytest.mark.parametrize("kind", KINDS)
def test_weights_leave_the_energy_term_alone(kind: ForceLoss) -> None:
    energy, force = difference(1, 2, 4), torch.zeros(2, 4, 6, dtype=torch.float64)
    weights = torch.tensor([[4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 2.0, 2.0]], dtype=torch.float64)
    rho = torch.tensor([0.25, 0.75], dtype=torch.float64)
    loss = weighted_loss(energy, force, weights, rho, kind)
    np.testing.assert_allclose(loss, (1 - rho) * energy.abs().mean(1), atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_finite_where_forces_are_exact(kind: ForceLoss) -> None:
    force = torch.zeros(2, 9, requires_grad=True)
    (gradient,) = torch.autograd.grad(force_term(force, kind).sum(), force)
    assert torch.isfinite(gradient).all()
    assert not gradient.any()
    assert float(force_term(force, kind).detach().max()) <= 1.1e-6


def test_l2_does_not_depend_on_the_axes_and_mae_does() -> None:
    force = torch.tensor([[3.0, 4.0, 0.0]])
    turned = torch.tensor([[5.0, 0.0, 0.0]])
    assert float(force_term(force, "l2")) == pytest.approx(5.0) == float(force_term(turned, "l2"))
    assert float(force_term(force, "mae")) == pytest.approx(7 / 3)
    assert float(force_term(turned, "mae")) == pytest.approx(5 / 3)


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
    energy, force, rho = difference(4, 1, 3), difference(5, 1, 3, 6), torch.tensor([0.9])
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
