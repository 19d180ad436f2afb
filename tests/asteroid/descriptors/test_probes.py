from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.descriptors import probes as module
from asteroid.descriptors.describe import describe, describe_values
from asteroid.descriptors.layout import DescriptorSettings, Layout, make_layout
from asteroid.descriptors.probes import describe_probes, draw_probes, internal_basis, laplacian
from asteroid.errors import InputError
from asteroid.labels.label_set import geometry_hashes

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from asteroid.labels.label_set import LabelSet

    Describe = Callable[[Layout, np.ndarray], tuple[Tensor, Tensor]]


@pytest.fixture(scope="module")
def layout() -> Layout:
    return make_layout(np.array([6, 8, 1, 1, 1, 1]), DescriptorSettings())


@pytest.fixture(scope="module")
def positions(methanol_sets: tuple[LabelSet, LabelSet]) -> np.ndarray:
    return methanol_sets[1].positions[:6]


def hashes(n: int) -> list[str]:
    return [f"{value:032x}" for value in np.random.default_rng(0).integers(2**62, size=n)]


def second_derivatives(describe_float64: Describe, layout: Layout, positions: np.ndarray, move: np.ndarray) -> Tensor:
    """D''[v, v] [N, W] from the hand-written Jacobians at two points; fourth order in the step."""
    flat = torch.tensor(move.reshape(len(move), -1, 1))

    def slope(step: float) -> Tensor:
        up, down = (describe_float64(layout, positions + sign * step * move)[1] for sign in (1, -1))
        return torch.bmm(up - down, flat)[..., 0] / (2 * step)

    return (4 * slope(5e-4) - slope(1e-3)) / 3


@pytest.mark.parametrize("numbers", [[6, 8, 1, 1, 1, 1], [18, 18, 18], [1, 8, 1]], ids=str)
@pytest.mark.parametrize(
    "resolution", [DescriptorSettings(), DescriptorSettings(3, 2, 0, 2.5)], ids=["default", "no angle"]
)
def test_values_are_those_of_describe(numbers: list[int], resolution: DescriptorSettings) -> None:
    layout = make_layout(np.array(numbers), resolution)
    frames = np.random.default_rng(1).normal(scale=1.5, size=(5, len(numbers), 3))
    found = describe_values(layout, frames)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found.float(), describe(layout, frames)[0], rtol=1e-5, atol=1e-6)


def test_a_frame_does_not_depend_on_its_neighbours(
    layout: Layout, methanol_sets: tuple[LabelSet, LabelSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = methanol_sets[1].positions  # more than are described at once
    values, bent = describe_values(layout, many), laplacian(layout, many)
    for row in (0, 63, 64, 199):
        torch.testing.assert_close(describe_values(layout, many[row : row + 1])[0], values[row], rtol=1e-10, atol=1e-12)
        one = laplacian(layout, many[row : row + 1])[0]
        torch.testing.assert_close(one, bent[row], rtol=0, atol=1e-5 * float(bent.abs().max()))
    monkeypatch.setattr(module, "_CHUNK", 7)
    torch.testing.assert_close(laplacian(layout, many), bent, rtol=0, atol=1e-5 * float(bent.abs().max()))


def test_derivatives_along_probes(layout: Layout, positions: np.ndarray, describe_float64: Describe) -> None:
    probes = np.random.default_rng(2).normal(size=(len(positions), 3, 6, 3))
    first, second = describe_probes(layout, positions, probes)
    assert first.shape == second.shape == (len(positions), 3, layout.width)
    assert first.dtype == second.dtype == torch.float32
    _, pulls = describe_float64(layout, positions)
    wanted = torch.einsum("nwa,nva->nvw", pulls, torch.tensor(probes).flatten(2))
    torch.testing.assert_close(first.double(), wanted, rtol=0, atol=2e-6 * float(wanted.abs().max()))
    for v in range(3):
        exact = second_derivatives(describe_float64, layout, positions, probes[:, v])
        torch.testing.assert_close(second[:, v].double(), exact, rtol=0, atol=1e-5 * float(exact.abs().max()))


def test_twice_the_probe_is_twice_and_four_times_the_derivative(layout: Layout, positions: np.ndarray) -> None:
    probes = draw_probes(hashes(6), 6, 2, 0)
    first, second = describe_probes(layout, positions, probes)
    doubled = describe_probes(layout, positions, -2.0 * probes)
    torch.testing.assert_close(doubled[0], -2 * first, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(doubled[1], 4 * second, rtol=1e-4, atol=1e-5 * float(4 * second.abs().max()))


def test_laplacian_sums_over_all_coordinates(layout: Layout, positions: np.ndarray, describe_float64: Describe) -> None:
    wanted = torch.zeros(len(positions), layout.width, dtype=torch.float64)
    for direction in np.eye(18).reshape(18, 6, 3):
        move = np.broadcast_to(direction, positions.shape).copy()
        wanted += second_derivatives(describe_float64, layout, positions, move)
    found = laplacian(layout, positions)
    assert found.shape == (len(positions), layout.width)
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))


def test_a_full_set_of_probes_averages_to_the_laplacian(layout: Layout, positions: np.ndarray) -> None:
    _, second = describe_probes(layout, positions, draw_probes(hashes(6), 6, 15, 3))
    exact = laplacian(layout, positions)
    torch.testing.assert_close(second.mean(1), exact, rtol=0, atol=2e-5 * float(exact.abs().max()))
    few = describe_probes(layout, positions, draw_probes(hashes(6), 6, 4, 3))[1].mean(1)
    assert (few - exact).abs().max() > 0.05 * exact.abs().max()


def test_probes_are_orthogonal_and_move_no_centre() -> None:
    probes = draw_probes(hashes(20), 5, 4, 7)
    assert probes.shape == (20, 4, 5, 3)
    flat = probes.reshape(20, 4, 15)
    np.testing.assert_allclose(flat @ flat.transpose(0, 2, 1), np.broadcast_to(12 * np.eye(4), (20, 4, 4)), atol=1e-9)
    np.testing.assert_allclose(probes.sum(2), 0.0, atol=1e-12)


def test_probes_favour_no_direction() -> None:
    """On average v v^T is the unit matrix, translations left out."""
    flat = draw_probes(hashes(20_000), 3, 1, 0).reshape(-1, 9)
    still = np.eye(9) - np.kron(np.full((3, 3), 1 / 3), np.eye(3))
    np.testing.assert_allclose(flat.T @ flat / len(flat), still, atol=0.05)


def test_probes_are_a_frames_own(methanol_sets: tuple[LabelSet, LabelSet]) -> None:
    names = geometry_hashes(methanol_sets[1])[:8]
    probes = draw_probes(names, 6, 3, 5)
    assert np.array_equal(draw_probes(names[5:2:-1], 6, 3, 5), probes[5:2:-1])
    np.testing.assert_allclose(draw_probes(names, 6, 2, 5), probes[:, :2], atol=1e-12)
    assert not np.allclose(probes[0], probes[1])
    assert not np.allclose(draw_probes(names, 6, 3, 6), probes)


@pytest.mark.parametrize("n_probes", [0, 16])
def test_too_many_probes(n_probes: int) -> None:
    with pytest.raises(InputError, match=rf"1 to 15 .* found {n_probes}"):
        draw_probes(hashes(1), 6, n_probes, 0)


@pytest.mark.parametrize("n_atoms", [2, 3, 9])
def test_internal_basis(n_atoms: int) -> None:
    basis = internal_basis(n_atoms)
    assert basis.shape == (3 * n_atoms - 3, 3 * n_atoms)
    np.testing.assert_allclose(basis @ basis.T, np.eye(3 * n_atoms - 3), atol=1e-12)
    np.testing.assert_allclose(basis.reshape(-1, n_atoms, 3).sum(1), 0.0, atol=1e-12)
