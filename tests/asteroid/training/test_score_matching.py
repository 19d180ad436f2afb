"""Score matching: its parts against exact derivatives, and forces recovered from geometries alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from probe_derivatives import derivatives_along
from random_mlps import METHANOL, RESOLUTION, random_mlps
from scipy.spatial.transform import Rotation

from asteroid.descriptors.describe import describe
from asteroid.descriptors.layout import DescriptorSettings, Layout, make_layout
from asteroid.descriptors.probes import describe_probes, draw_probes, laplacian
from asteroid.errors import InputError
from asteroid.models.mlp import MLPSettings, measure_scaling
from asteroid.models.mlp_curvature import curvature_along
from asteroid.models.mlp_forces import energy_and_forces
from asteroid.models.mlp_parameters import initial_parameters
from asteroid.models.network import Scaling
from asteroid.training.score_matching import BOLTZMANN_EV_PER_K, kt_ev, score_loss, thermal_force_scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from asteroid.labels.label_set import LabelSet

    Describe = Callable[[Layout, np.ndarray], tuple[Tensor, Tensor]]
    Potential = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def layout() -> Layout:
    return make_layout(METHANOL, RESOLUTION)


@pytest.fixture(scope="module")
def positions(methanol_sets: tuple[LabelSet, LabelSet]) -> np.ndarray:
    return methanol_sets[1].positions[:3]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_loss_can_be_differentiated_by_the_weights(
    layout: Layout, positions: np.ndarray, describe_float64: Describe, layers: int
) -> None:
    settings = MLPSettings(hidden=5, layers=layers)
    parameters, scaling = random_mlps(layout, settings, 2)
    probes = np.random.default_rng(1).normal(size=(3, 2, 6, 3))
    values, first, second = derivatives_along(describe_float64, layout, positions, probes)
    jacobians = describe_float64(layout, positions)[1][None]
    thermal = torch.tensor([0.03, 0.3], dtype=torch.float64)

    def loss(weights: Tensor) -> Tensor:
        _, forces = energy_and_forces(layout, settings, weights, scaling, values, jacobians)
        return score_loss(forces, curvature_along(layout, settings, weights, scaling, values, first, second), thermal)

    free = parameters.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(free).sum(), free)
    rng = np.random.default_rng(4)
    for _ in range(4):
        direction = torch.tensor(rng.normal(size=tuple(parameters.shape)))
        slope = (loss(parameters + 1e-5 * direction) - loss(parameters - 1e-5 * direction)) / 2e-5
        torch.testing.assert_close((gradient * direction).sum(1), slope, rtol=1e-5, atol=1e-5)


def test_the_loss_follows_its_definition() -> None:
    rng = np.random.default_rng(0)
    forces, curvature = torch.tensor(rng.normal(size=(2, 5, 9))), torch.tensor(rng.normal(size=(2, 5, 3)))
    thermal = [0.02, 0.5]
    found = score_loss(forces, curvature, torch.tensor(thermal, dtype=torch.float64))
    for k in range(2):
        per_frame = [
            0.5 * float((forces[k, m] ** 2).sum()) - thermal[k] * sum(map(float, curvature[k, m])) / 3 for m in range(5)
        ]
        assert float(found[k]) == pytest.approx(sum(per_frame) / 5)
    assert float(score_loss(forces[:1], curvature[:1], 0.02)[0]) == pytest.approx(float(found[0]))


def test_thermal_energy() -> None:
    assert pytest.approx(8.617333262e-5, rel=1e-9) == BOLTZMANN_EV_PER_K  # CODATA 2018
    assert kt_ev(500.0) == pytest.approx(0.0430866663)
    for wrong in (0.0, -300.0, math.nan, math.inf):
        with pytest.raises(InputError, match="temperature of the sampling"):
            kt_ev(wrong)


def test_loss_is_the_same_after_rotation_with_the_probes(layout: Layout, positions: np.ndarray) -> None:
    settings = MLPSettings(hidden=6)
    parameters, scaling = random_mlps(layout, settings, 1)
    stored = Scaling(scaling.mean.float(), scaling.inverse_std.float(), scaling.force_scale_ev_ang.float())
    probes = np.random.default_rng(1).normal(size=(3, 2, 6, 3))
    turn = Rotation.random(rng=np.random.default_rng(2)).as_matrix().T

    def loss(at: np.ndarray, directions: np.ndarray) -> float:
        values, jacobians = describe(layout, at)
        first, second = describe_probes(layout, at, directions)
        _, forces = energy_and_forces(layout, settings, parameters.float(), stored, values[None], jacobians[None])
        curvature = curvature_along(
            layout, settings, parameters.float(), stored, values[None], first[None], second[None]
        )
        return float(score_loss(forces, curvature, 0.05)[0])

    before = loss(positions, probes)
    assert loss(positions @ turn + np.array([3.0, -1.0, 2.0]), probes @ turn) == pytest.approx(before, rel=1e-4)
    assert loss(positions @ turn, probes) != pytest.approx(before, rel=1e-3)
    torch.testing.assert_close(laplacian(layout, positions @ turn), laplacian(layout, positions), rtol=1e-3, atol=1e-3)


def test_force_scale_from_geometries() -> None:
    """A stiff and a soft spring: each atom is scaled by its stiffest."""
    rng = np.random.default_rng(0)
    x = np.zeros((20_000, 3, 3))
    x[:, 1, 0] = 1.0 + 0.05 * rng.normal(size=20_000)
    x[:, 2, 0] = x[:, 1, 0] + 2.0 + 0.1 * rng.normal(size=20_000)
    assert thermal_force_scale(x, 0.03) == pytest.approx((0.03 / 0.05 * 2 + 0.03 / 0.1) / 3, rel=0.02)
    with pytest.raises(InputError, match="how distances vary"):
        thermal_force_scale(x[:1], 0.03)


# Frames drawn from a known distribution give back its forces.


def springs(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curvature triatomic with a spring on each of its three distances."""
    return _pairs(x, lambda r, pair: (0.5 * _STIFF[pair] * (r - _REST[pair]) ** 2, _STIFF[pair] * (r - _REST[pair])))


_STIFF = {(0, 1): 25.0, (0, 2): 12.0, (1, 2): 6.0}
_REST = {(0, 1): 1.0, (0, 2): 1.15, (1, 2): 1.6}


def lennard_jones(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A cluster of depth .25 eV per pair, in a weak trap on the pair distances."""

    def pair(r: np.ndarray, _: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        s = (1.4 / r) ** 6
        return 1.0 * (s * s - s) + 0.01 * r**2, 6.0 * (s - 2 * s * s) / r + 0.02 * r

    return _pairs(x, pair)


def _pairs(
    x: np.ndarray, term: Callable[[np.ndarray, tuple[int, int]], tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Energies [N] and forces [N, A, 3] of a sum over pairs of `term(r)`, a value and a slope."""
    energy, forces = np.zeros(len(x)), np.zeros_like(x)
    for i in range(x.shape[1]):
        for j in range(i + 1, x.shape[1]):
            d = x[:, j] - x[:, i]
            r = np.linalg.norm(d, axis=1)
            value, slope = term(r, (i, j))
            energy += value
            forces[:, i] += slope[:, None] * d / r[:, None]
            forces[:, j] -= slope[:, None] * d / r[:, None]
    return energy, forces


def sample(
    potential: Potential, start: np.ndarray, thermal: float, n: int, step: float, sweeps: int, seed: int
) -> np.ndarray:
    """n independent chains of Metropolis's random walk in Cartesian coordinates; their ends, [n, A, 3]."""
    rng = np.random.default_rng(seed)
    x = start + step * rng.normal(size=(n, *start.shape))
    energy = potential(x)[0]
    accepted = 0
    for _ in range(sweeps):
        moved = x + step * rng.normal(size=x.shape)
        proposed = potential(moved)[0]
        take = rng.random(n) < np.exp(np.minimum(0.0, (energy - proposed) / thermal))
        x[take], energy[take] = moved[take], proposed[take]
        accepted += int(take.sum())
    assert 0.15 < accepted / (n * sweeps) < 0.7
    return x


def learn(layout: Layout, frames: list[np.ndarray], thermal: list[float], signs: list[float], steps: int) -> np.ndarray:
    """Score-match K models side by side, each on its own frames [N, A, 3]; forces [K, 500, A, 3] on the last 500."""
    settings = MLPSettings(hidden=16)
    n_models, n = len(frames), len(frames[0]) - 500
    n_atoms = frames[0].shape[1]
    values, jacobians, firsts, laplacians, scalings = [], [], [], [], []
    for k, x in enumerate(frames):
        described, jacobian = describe(layout, x)
        values.append(described)
        jacobians.append(jacobian)
        probes = draw_probes([f"{k * len(x) + i:x}" for i in range(n)], n_atoms, 2, 0)
        firsts.append(describe_probes(layout, x[:n], probes)[0])
        laplacians.append(laplacian(layout, x[:n]))
        one = measure_scaling(layout, described[:n], torch.zeros(n, 3 * n_atoms))
        scalings.append(replace(one, force_scale_ev_ang=torch.tensor([thermal_force_scale(x[:n], 0.03)])))
    value, jacobian, first, second = (torch.stack(parts) for parts in (values, jacobians, firsts, laplacians))
    scaling = Scaling(
        torch.cat([s.mean for s in scalings]),
        torch.cat([s.inverse_std for s in scalings]),
        torch.cat([s.force_scale_ev_ang for s in scalings]),
    )
    parameters = initial_parameters(layout, settings, 0)[None].repeat(n_models, 1).requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=1e-2)
    decay = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.02 ** (1 / steps))
    rng = np.random.default_rng(0)
    for _ in range(steps):
        rows = torch.tensor(rng.choice(n, 25, replace=False))
        _, forces = energy_and_forces(layout, settings, parameters, scaling, value[:, rows], jacobian[:, rows])
        curvature = curvature_along(
            layout, settings, parameters, scaling, value[:, rows], first[:, rows], second[:, rows, None]
        )
        loss = score_loss(forces, curvature * torch.tensor(signs)[:, None, None], torch.tensor(thermal))
        (parameters.grad,) = torch.autograd.grad((loss / scaling.force_scale_ev_ang**2).sum(), parameters)
        optimiser.step()
        decay.step()
    with torch.no_grad():
        _, forces = energy_and_forces(layout, settings, parameters, scaling, value[:, n:], jacobian[:, n:])
    return forces.unflatten(-1, (-1, 3)).double().numpy()


def recovery(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Correlation, and slope of the learned forces against the true ones."""
    return float(np.corrcoef(found.ravel(), true.ravel())[0, 1]), float((found * true).sum() / (true**2).sum())


def centred_and_turned(x: np.ndarray) -> np.ndarray:
    """As a file may hold them: centre of mass removed, each frame in an orientation of its own."""
    turns = Rotation.random(len(x), rng=np.random.default_rng(0)).as_matrix()
    return np.einsum("nai,nij->naj", x - x.mean(1, keepdims=True), turns)


BENT = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [-0.2, 1.13, 0.0]])
TETRAHEDRON = 0.55 * np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])


@pytest.mark.parametrize(
    ("numbers", "potential", "start", "temperatures", "moves", "n", "steps"),
    [
        ([8, 1, 6], springs, BENT, (300.0, 900.0), (0.02, 0.035), 2500, 500),
        ([18] * 4, lennard_jones, TETRAHEDRON, (250.0, 500.0), (0.03, 0.04), 2500, 500),
    ],
    ids=["harmonic", "Lennard-Jones"],
)
def test_known_forces_come_back(
    numbers: list[int],
    potential: Potential,
    start: np.ndarray,
    temperatures: tuple[float, float],
    moves: tuple[float, float],
    n: int,
    steps: int,
) -> None:
    layout = make_layout(np.array(numbers), DescriptorSettings(n_radial=8, n_angular=2, l_max=2, cutoff_ang=4.0))
    cold, hot = (
        sample(potential, start, kt_ev(t), n, move, 300, seed)
        for seed, (t, move) in enumerate(zip(temperatures, moves, strict=True))
    )
    frames = [cold, centred_and_turned(hot), hot, hot]
    thermal = [*map(kt_ev, temperatures), kt_ev(temperatures[1]), 1.0]
    found = learn(layout, frames, thermal, [1.0, 1.0, -1.0, 1.0], steps)
    fits = [recovery(f, potential(x[-500:])[1]) for f, x in zip(found, frames, strict=True)]
    for correlation, slope in fits[:2]:
        assert correlation > 0.95
        assert slope == pytest.approx(1.0, abs=0.12)
    # The same judgement finds the planted faults.
    assert fits[2][0] < -0.9  # the wrong sign of the trace
    assert fits[3][1] > 5.0  # kT forgotten
