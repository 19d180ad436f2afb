from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from random_frames import scattered

from asteroid.descriptors import describe as descriptors
from asteroid.descriptors.describe import bytes_per_frame, describe, describe_values
from asteroid.descriptors.layout import DescriptorSettings, make_layout

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from torch import Tensor

    from asteroid.descriptors.layout import Layout
    from asteroid.labels.label_set import LabelSet

    Describe = Callable[[Layout, np.ndarray], tuple[Tensor, Tensor]]

METHANOL = [6, 8, 1, 1, 1, 1]
ETHANOL = [6, 6, 8, 1, 1, 1, 1, 1, 1]


def test_single_precision_agrees_with_double_wherever_the_molecule_is(
    describe_float64: Describe, methanol_sets: tuple[LabelSet, LabelSet]
) -> None:
    accurate, _ = methanol_sets
    layout = make_layout(accurate.numbers, DescriptorSettings())
    for offset_ang in (0.0, 1000.0):
        positions = accurate.positions[:20] + offset_ang
        for single, double in zip(describe(layout, positions), describe_float64(layout, positions), strict=True):
            assert single.dtype == torch.float32
            assert double.dtype == torch.float64
            assert (single - double).abs().max() < 2e-6 * double.abs().max()
            assert (single - double).norm() < 5e-7 * double.norm()


def test_values_alone_are_those_of_the_full_description(describe_float64: Describe) -> None:
    layout = make_layout(np.array(ETHANOL), DescriptorSettings())
    positions = scattered(9, 20, seed=10)
    assert torch.equal(describe_values(layout, positions), describe_float64(layout, positions)[0])


def test_results_are_written_where_told() -> None:
    layout = make_layout(np.array(METHANOL), DescriptorSettings())
    positions = scattered(6, 20, seed=11)
    room = torch.full((20, layout.width), math.nan), torch.full((20, layout.width, 18), math.nan)
    given = describe(layout, positions, out=room)
    assert given[0] is room[0]
    assert given[1] is room[1]
    for one, other in zip(room, describe(layout, positions), strict=True):
        assert torch.equal(one, other)


def test_described_frames_do_not_depend_on_their_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = make_layout(np.array(METHANOL), DescriptorSettings(n_radial=4, n_angular=2))
    positions = scattered(6, 7, seed=8)
    whole = describe(layout, positions)
    monkeypatch.setattr(descriptors, "_CHUNK_BYTES", 3 * bytes_per_frame(layout))
    for one, other in zip(whole, describe(layout, positions), strict=True):
        assert one.shape[0] == 7
        assert torch.allclose(one, other, rtol=1e-6, atol=1e-7)


def test_stored_size_is_what_is_promised() -> None:
    layout = make_layout(np.array(METHANOL), DescriptorSettings())
    value, jacobian = describe(layout, scattered(6, 5, seed=9))
    assert value.dtype == jacobian.dtype == torch.float32
    assert value.shape == (5, layout.width)
    assert jacobian.shape == (5, layout.width, 18)
    assert 5 * bytes_per_frame(layout) == sum(t.nbytes for t in (value, jacobian))
