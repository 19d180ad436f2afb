from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asteroid import streaming
from asteroid.descriptors import DescriptorSettings, Layout, bytes_per_frame, describe, make_layout
from asteroid.streaming import choose_streamed, stream_batches

NUMBERS = np.array([6, 8, 1, 1, 1, 1])
LAYOUT = make_layout(NUMBERS, DescriptorSettings(n_radial=3, n_angular=2, l_max=1))
PER_FRAME = bytes_per_frame(LAYOUT)


@pytest.fixture(scope="module")
def positions() -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.tensor(1.5 * rng.normal(size=(40, 6, 3)))


@pytest.fixture
def described_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of frames of every call of `describe`."""
    calls: list[int] = []

    def counting(layout: Layout, at: np.ndarray, **kwargs: object) -> object:
        calls.append(len(at))
        return describe(layout, at, **kwargs)

    monkeypatch.setattr(streaming, "describe", counting)
    return calls


@pytest.mark.parametrize("chunk_frames", [0, 1, 7, 16, 1000])
@pytest.mark.parametrize("shape", [(5,), (1, 5), (3, 4)], ids=str)
def test_batches_are_what_a_described_level_holds(
    positions: torch.Tensor, shape: tuple[int, ...], chunk_frames: int
) -> None:
    values, jacobians = describe(LAYOUT, positions.numpy())
    batches = [torch.randint(40, shape, generator=torch.Generator().manual_seed(i)) for i in range(7)]
    seen = 0
    streamed = stream_batches(LAYOUT, positions, batches, chunk_frames * PER_FRAME)
    for batch, (own_values, own_jacobians) in zip(batches, streamed, strict=True):
        assert own_values.shape == (*shape, LAYOUT.width)
        assert own_jacobians.shape == (*shape, LAYOUT.width, 18)
        assert own_values.dtype == own_jacobians.dtype == torch.float32
        assert torch.allclose(own_values, values[batch], rtol=1e-6, atol=1e-6 * float(values.abs().max()))
        assert torch.allclose(own_jacobians, jacobians[batch], rtol=1e-6, atol=1e-6 * float(jacobians.abs().max()))
        seen += 1
    assert seen == 7


def test_batches_may_differ_in_size(positions: torch.Tensor) -> None:
    values, _ = describe(LAYOUT, positions.numpy())
    batches = torch.arange(40).split(9)
    found = [own.clone() for own, _ in stream_batches(LAYOUT, positions, batches, 20 * PER_FRAME)]
    assert [len(own) for own in found] == [9, 9, 9, 9, 4]
    assert torch.allclose(torch.cat(found), values, atol=1e-6)


def test_looks_ahead_as_far_as_the_bound_and_no_farther(positions: torch.Tensor, described_at_once: list[int]) -> None:
    batches = torch.arange(40).view(10, 4)
    asked = []

    def rows() -> object:
        for batch in batches:
            asked.append(1)
            yield batch

    streamed = stream_batches(LAYOUT, positions, rows(), 14 * PER_FRAME)
    next(streamed)
    assert described_at_once == [12]
    assert len(asked) == 4  # the fourth did not fit any more
    assert sum(1 for _ in streamed) == 9
    assert described_at_once == [12, 12, 12, 4]


def test_a_batch_above_the_bound_is_described_alone(positions: torch.Tensor, described_at_once: list[int]) -> None:
    batches = [torch.arange(3), torch.arange(20), torch.arange(2)]
    assert sum(1 for _ in stream_batches(LAYOUT, positions, batches, 10 * PER_FRAME)) == 3
    assert described_at_once == [3, 20, 2]


def test_memory_is_written_again(positions: torch.Tensor) -> None:
    places = {own.data_ptr() for _, own in stream_batches(LAYOUT, positions, torch.arange(40).view(20, 2), 0)}
    assert len(places) == 1


def test_without_batches_nothing_is_described(positions: torch.Tensor, described_at_once: list[int]) -> None:
    assert list(stream_batches(LAYOUT, positions, [])) == []
    assert described_at_once == []


@given(
    sizes=st.dictionaries(st.sampled_from(["ccsd", "dft", "mmff", "pbe", "xtb"]), st.integers(0, 50)),
    budget=st.integers(0, 120),
)
def test_largest_levels_are_streamed_until_the_rest_fits(sizes: dict[str, int], budget: int) -> None:
    streamed = choose_streamed(LAYOUT, sizes, budget * PER_FRAME)
    stored = [n for level, n in sizes.items() if level not in streamed]
    assert sum(stored) <= budget
    if streamed:
        smallest = min(sizes[level] for level in streamed)
        assert smallest >= max(stored, default=0)
        assert sum(stored) + smallest > budget
