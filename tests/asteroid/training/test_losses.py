from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asteroid.training.losses import ForceLoss, force_term, weighted_loss

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
