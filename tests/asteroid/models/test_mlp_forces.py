"""Forces and their gradient against finite differences, symmetries and a network spelled out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from random_mlps import METHANOL, SMALL, random_mlps
from scipy.spatial.transform import Rotation

from asteroid.descriptors.layout import DescriptorSettings, Layout, make_layout
from asteroid.models.mlp import MLPSettings, measure_scaling
from asteroid.models.mlp_forces import energy_and_forces
from asteroid.models.mlp_parameters import initial_parameters
from asteroid.models.network import Scaling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from random_mlps import Describe
    from torch import Tensor

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.labels.label_set import LabelSet


def energies(layout: Layout, settings: MLPSettings, parameters: Tensor, scaling: Scaling, described: Tensor) -> Tensor:
    unused = torch.zeros(1, described.shape[0], layout.width, 3, dtype=described.dtype)
    return energy_and_forces(layout, settings, parameters, scaling, described[None], unused)[0]


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("shared", [True, False], ids=["shared frames", "own frames"])
def test_forces_are_the_negative_gradient_of_the_energy(
    layout: Layout, positions: np.ndarray, describe_float64: Describe, layers: int, shared: bool
) -> None:
    settings = MLPSettings(hidden=6, layers=layers)
    parameters, scaling = random_mlps(layout, settings, 3)
    frames = [positions[:2]] * 3 if shared else [positions[k : k + 2] for k in range(3)]
    described = [describe_float64(layout, f) for f in (frames[:1] if shared else frames)]
    _, forces = energy_and_forces(
        layout, settings, parameters, scaling, *(torch.stack(part) for part in zip(*described, strict=True))
    )
    step = 1e-4
    for model in range(3):
        own = parameters[model : model + 1], scaling.rows(torch.tensor([model]))
        for row, frame in enumerate(frames[model]):
            moves = step * np.eye(18).reshape(18, 6, 3)
            up, down = (
                energies(layout, settings, *own, describe_float64(layout, frame + sign * moves)[0])[0]
                for sign in (1, -1)
            )
            slope = (up - down) / (2 * step)
            assert slope.abs().min() > 1e-6  # every component is put to the test
            np.testing.assert_allclose(forces[model, row], -slope, rtol=1e-5, atol=1e-6)


def test_stored_forces_are_the_gradient_too(
    methanol_bank: FrameBank, methanol_sets: tuple[LabelSet, LabelSet], describe_float64: Describe
) -> None:
    """The float32 path that training takes, with real scaling, against float64 differences."""
    bank, settings = methanol_bank, MLPSettings()
    frames = bank.levels["ccsd_t/cc-pvdz"]
    scaling = measure_scaling(bank.layout, frames.descriptors, frames.forces)
    parameters = initial_parameters(bank.layout, settings, 3)[None]
    _, forces = energy_and_forces(
        bank.layout, settings, parameters, scaling, frames.descriptors[None, :2], frames.jacobians[None, :2]
    )
    exact = Scaling(scaling.mean.double(), scaling.inverse_std.double(), scaling.force_scale_ev_ang.double())
    moves = 1e-4 * np.eye(18).reshape(18, 6, 3)
    for row in range(2):
        up, down = (
            energies(
                bank.layout,
                settings,
                parameters.double(),
                exact,
                describe_float64(bank.layout, methanol_sets[0].positions[row] + sign * moves)[0],
            )[0]
            for sign in (1, -1)
        )
        slope = (up - down) / 2e-4
        np.testing.assert_allclose(forces[0, row], -slope, rtol=1e-3, atol=1e-3 * slope.abs().max())


def test_energy_is_a_sum_of_atomic_networks(layout: Layout, positions: np.ndarray, describe_float64: Describe) -> None:
    parameters, scaling = random_mlps(layout, SMALL, 2)
    described, _ = describe_float64(layout, positions)
    found = energies(layout, SMALL, parameters, scaling, described)
    for model in range(2):
        wanted = np.zeros(len(positions))
        weights = iter(parameters[model].numpy())
        scaled = ((described - scaling.mean[model]) * scaling.inverse_std[model]).numpy()
        for block in layout.blocks:
            width = len(block.channels)

            def take(*shape: int, source: Iterator[float] = weights) -> np.ndarray:
                return np.array([next(source) for _ in range(math.prod(shape))]).reshape(shape)

            first, first_bias, second, second_bias, last = take(width, 7), take(7), take(7, 7), take(7), take(7)
            for place in range(len(block.atoms)):
                start = block.start + place * width
                z = scaled[:, start : start + width] @ first + first_bias
                z = z / (1 + np.exp(-z)) @ second + second_bias
                wanted += z / (1 + np.exp(-z)) @ last
        np.testing.assert_allclose(found[model], wanted * float(scaling.force_scale_ev_ang[model]), rtol=1e-9)


def test_rotation_turns_forces_and_keeps_energies(
    layout: Layout, positions: np.ndarray, describe_float64: Describe
) -> None:
    parameters, scaling = random_mlps(layout, SMALL, 2)
    for turn in (Rotation.random(rng=np.random.default_rng(1)).as_matrix(), np.diag([1.0, 1.0, -1.0])):
        moved = positions @ turn.T + np.array([1.0, 2.0, -5.0])
        before, after = (
            energy_and_forces(layout, SMALL, parameters, scaling, *(t[None] for t in describe_float64(layout, p)))
            for p in (positions, moved)
        )
        np.testing.assert_allclose(after[0], before[0], rtol=1e-10)
        turned = before[1].unflatten(-1, (-1, 3)) @ torch.tensor(turn.T)
        np.testing.assert_allclose(after[1], turned.flatten(2), rtol=1e-7, atol=1e-8)


def test_exchange_of_like_atoms_keeps_energies(
    layout: Layout, positions: np.ndarray, describe_float64: Describe
) -> None:
    parameters, scaling = random_mlps(layout, SMALL, 2)
    order = [0, 1, 5, 4, 2, 3]
    before, after = (
        energy_and_forces(layout, SMALL, parameters, scaling, *(t[None] for t in describe_float64(layout, p)))
        for p in (positions, positions[:, order])
    )
    np.testing.assert_allclose(after[0], before[0], rtol=1e-12)
    swapped = before[1].unflatten(-1, (-1, 3))[:, :, order]
    np.testing.assert_allclose(after[1].unflatten(-1, (-1, 3)), swapped, rtol=1e-8, atol=1e-9)


def test_no_net_force_and_no_torque(layout: Layout, positions: np.ndarray, describe_float64: Describe) -> None:
    parameters, scaling = random_mlps(layout, SMALL, 2)
    described = describe_float64(layout, positions)
    _, flat = energy_and_forces(layout, SMALL, parameters, scaling, *(t[None] for t in described))
    forces = flat.unflatten(-1, (-1, 3))
    torque = torch.linalg.cross(torch.tensor(positions)[None].expand_as(forces), forces).sum(-2)
    assert forces.abs().max() > 0.1
    assert forces.sum(-2).abs().max() < 1e-10
    assert torque.abs().max() < 1e-9


def test_shared_frames_equal_own_frames_and_single_models(
    layout: Layout, positions: np.ndarray, describe_float64: Describe
) -> None:
    parameters, scaling = random_mlps(layout, SMALL, 3)
    described, pulls = describe_float64(layout, positions)
    shared = energy_and_forces(layout, SMALL, parameters, scaling, described[None], pulls[None])
    own = energy_and_forces(
        layout, SMALL, parameters, scaling, described.expand(3, -1, -1), pulls.expand(3, -1, -1, -1)
    )
    assert shared[0].shape == (3, 4)
    assert shared[1].shape == (3, 4, 18)
    for a, b in zip(shared, own, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    for model in range(3):
        one = scaling.rows(torch.tensor([model]))
        alone = energy_and_forces(layout, SMALL, parameters[model : model + 1], one, described[None], pulls[None])
        np.testing.assert_allclose(alone[0][0], shared[0][model], rtol=1e-9)
        np.testing.assert_allclose(alone[1][0], shared[1][model], rtol=1e-9, atol=1e-11)


def test_the_energy_scales_with_the_forces(layout: Layout, positions: np.ndarray, describe_float64: Describe) -> None:
    """Both grow with the force scale, or the forces would not be the gradient in eV."""
    parameters, scaling = random_mlps(layout, SMALL, 2)
    described = [t[None] for t in describe_float64(layout, positions)]
    one = energy_and_forces(layout, SMALL, parameters, scaling, *described)
    doubled = replace(scaling, force_scale_ev_ang=2 * scaling.force_scale_ev_ang)
    for a, b in zip(one, energy_and_forces(layout, SMALL, parameters, doubled, *described), strict=True):
        np.testing.assert_allclose(b, 2 * a, rtol=1e-12)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("shared", [True, False], ids=["shared frames", "own frames"])
@pytest.mark.parametrize("sites", [None, (1, 2, 0, 0, 0, 3)], ids=["by element", "by site"])
def test_the_gradient_by_the_weights_is_that_of_finite_differences(
    positions: np.ndarray, describe_float64: Describe, layers: int, shared: bool, sites: tuple[int, ...] | None
) -> None:
    layout = make_layout(METHANOL, DescriptorSettings(n_radial=2, n_angular=1, l_max=1, sites=sites))
    settings = MLPSettings(hidden=3, layers=layers)
    parameters, scaling = random_mlps(layout, settings, 2)
    described = [describe_float64(layout, positions[own : own + 2]) for own in range(1 if shared else 2)]
    values, jacobians = (torch.stack(part) for part in zip(*described, strict=True))
    assert max(map(len, layout.runs)) == (2 if sites is None else 3)

    def found(weights: Tensor) -> tuple[Tensor, Tensor]:
        return energy_and_forces(layout, settings, weights, scaling, values, jacobians)

    assert torch.autograd.gradcheck(found, parameters.clone().requires_grad_(), fast_mode=True)
