"""Curvatures along probes against finite differences of forces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from probe_derivatives import derivatives_along
from random_mlps import random_mlps

from asteroid.descriptors.probes import describe_probes, draw_probes, laplacian
from asteroid.models.mlp import MLPSettings
from asteroid.models.mlp_curvature import curvature_along
from asteroid.models.mlp_forces import energy_and_forces
from asteroid.models.network import Scaling

if TYPE_CHECKING:
    from random_mlps import Describe
    from torch import Tensor

    from asteroid.descriptors.layout import Layout
    from asteroid.labels.label_set import LabelSet


@pytest.fixture(scope="module")
def cheap_positions(methanol_sets: tuple[LabelSet, LabelSet]) -> np.ndarray:
    return methanol_sets[1].positions[:3]


def forces_of(
    describe_float64: Describe, layout: Layout, settings: MLPSettings, model: tuple[Tensor, Scaling], at: np.ndarray
) -> Tensor:
    values, jacobians = describe_float64(layout, at)
    return energy_and_forces(layout, settings, *model, values[None], jacobians[None])[1]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_curvature_along_probes_and_the_trace_of_the_hessian(
    layout: Layout, cheap_positions: np.ndarray, describe_float64: Describe, layers: int
) -> None:
    settings = MLPSettings(hidden=6, layers=layers)
    model = random_mlps(layout, settings, 2)
    moves = np.eye(18).reshape(18, 6, 3)
    columns = []
    for move in moves:
        slope = torch.zeros(2, 3, 18, dtype=torch.float64)
        for step, share in ((5e-4, 4 / 3), (1e-3, -1 / 3)):
            up, down = (
                forces_of(describe_float64, layout, settings, model, cheap_positions + sign * step * move)
                for sign in (1, -1)
            )
            slope -= share * (up - down) / (2 * step)
        columns.append(slope)
    hessian = torch.stack(columns, -1)  # [K, M, 3A, 3A]
    assert (hessian - hessian.transpose(-1, -2)).abs().max() < 1e-6 * hessian.abs().max()

    probes = np.random.default_rng(1).normal(size=(3, 4, 6, 3))
    found = curvature_along(
        layout, settings, *model, *derivatives_along(describe_float64, layout, cheap_positions, probes)
    )
    flat = torch.tensor(probes).flatten(2)
    wanted = torch.einsum("mva,kmab,mvb->kmv", flat, hessian, flat)
    assert found.shape == (2, 3, 4)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6 * float(wanted.abs().max()))

    trace = hessian.diagonal(dim1=-2, dim2=-1).sum(-1)
    basis = np.broadcast_to(moves, (3, 18, 6, 3)).copy()
    over_all = curvature_along(
        layout, settings, *model, *derivatives_along(describe_float64, layout, cheap_positions, basis)
    ).sum(-1)
    torch.testing.assert_close(over_all, trace, rtol=1e-6, atol=1e-6 * float(trace.abs().max()))
    # Translations bend nothing: the probes that are drawn leave them out, and a full set gives the trace.
    drawn = draw_probes(["0a", "0b", "0c"], 6, 15, 0)
    mean = curvature_along(
        layout, settings, *model, *derivatives_along(describe_float64, layout, cheap_positions, drawn)
    ).mean(-1)
    torch.testing.assert_close(mean, trace, rtol=1e-6, atol=1e-6 * float(trace.abs().max()))


def test_stored_probes_give_the_trace_too(
    layout: Layout, cheap_positions: np.ndarray, describe_float64: Describe
) -> None:
    """What training reads: float32, J v per probe and one Laplacian per frame."""
    settings = MLPSettings(hidden=6)
    parameters, scaling = random_mlps(layout, settings, 2)
    drawn = draw_probes(["0a", "0b", "0c"], 6, 15, 0)
    exact = derivatives_along(describe_float64, layout, cheap_positions, drawn)
    trace = curvature_along(layout, settings, parameters, scaling, *exact).mean(-1)
    first, second = describe_probes(layout, cheap_positions, drawn)
    stored = Scaling(scaling.mean.float(), scaling.inverse_std.float(), scaling.force_scale_ev_ang.float())
    given = (layout, settings, parameters.float(), stored, exact[0].float(), first[None])
    whole, part = (
        laplacian(layout, cheap_positions)[None, :, None],
        laplacian(layout, cheap_positions)[None, :, None].expand(2, -1, -1, -1),
    )
    for curvature in (
        curvature_along(*given, second[None]),
        curvature_along(*given, whole),
        curvature_along(*given, part),
    ):
        assert curvature.shape == (2, 3, 15)
        torch.testing.assert_close(curvature.mean(-1).double(), trace, rtol=1e-4, atol=1e-4 * float(trace.abs().max()))


def test_curvatures_of_shared_frames_equal_those_of_own_frames_and_single_models(
    layout: Layout, cheap_positions: np.ndarray, describe_float64: Describe
) -> None:
    settings = MLPSettings(hidden=6)
    parameters, scaling = random_mlps(layout, settings, 3)
    probes = np.random.default_rng(1).normal(size=(3, 2, 6, 3))
    shared = derivatives_along(describe_float64, layout, cheap_positions, probes)
    together = curvature_along(layout, settings, parameters, scaling, *shared)
    own = curvature_along(layout, settings, parameters, scaling, *(t.expand(3, *t.shape[1:]) for t in shared))
    torch.testing.assert_close(own, together, rtol=1e-10, atol=1e-10)
    orders = [[0, 1, 2], [2, 0, 1], [1, 2, 0]]
    mixed = [torch.stack([t[0, order] for order in orders]) for t in shared]
    for k, (order, found) in enumerate(
        zip(orders, curvature_along(layout, settings, parameters, scaling, *mixed), strict=True)
    ):
        torch.testing.assert_close(found, together[k, order], rtol=1e-10, atol=1e-10)
        alone = curvature_along(layout, settings, parameters[k : k + 1], scaling.rows(torch.tensor([k])), *shared)
        torch.testing.assert_close(alone[0], together[k], rtol=1e-10, atol=1e-10)
