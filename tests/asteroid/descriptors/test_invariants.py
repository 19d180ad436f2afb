"""Descriptors against their definition, Jacobians against finite differences, and symmetries."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_frames import scattered
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre

from asteroid.descriptors.describe import describe
from asteroid.descriptors.layout import DescriptorSettings, make_layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from asteroid.descriptors.layout import Layout
    from asteroid.labels.label_set import LabelSet

    Describe = Callable[[Layout, np.ndarray], tuple[Tensor, Tensor]]

METHANOL = [6, 8, 1, 1, 1, 1]


ETHANOL = [6, 6, 8, 1, 1, 1, 1, 1, 1]


COMPOSITIONS = {
    "hydrogen": [1, 1],
    "water": [8, 1, 1],
    "methanol, shuffled": [1, 6, 1, 8, 1, 1],
    "ethanol": ETHANOL,
    "ethanol, shuffled": [1, 8, 1, 6, 1, 1, 6, 1, 1],
}


SETTINGS = {
    "default": DescriptorSettings(),
    "short cutoff": DescriptorSettings(n_radial=3, n_angular=2, l_max=2, cutoff_ang=1.9),
    "no angle": DescriptorSettings(n_radial=4, n_angular=2, l_max=0),
    "one radial": DescriptorSettings(n_radial=1, n_angular=1, l_max=5),
}


def radial(r: float, n: int, cutoff: float) -> np.ndarray:
    """R_n(r) for all n: Gaussians on an even grid of exp(-r) up to 0.7 Å, times a cosine that ends at the cutoff."""
    grid = np.linspace(math.exp(0.7 - cutoff), 1.0, n)
    spacing = (1.0 - math.exp(0.7 - cutoff)) / max(n - 1, 1)
    fade = 0.5 * (math.cos(math.pi * r / cutoff) + 1.0) if r < cutoff else 0.0
    return fade * np.exp(-0.5 * ((math.exp(0.7 - r) - grid) / spacing) ** 2)


def spelled_out(numbers: list[int], positions: np.ndarray, resolution: DescriptorSettings) -> np.ndarray:
    """The definition with explicit loops over neighbours and pairs of neighbours: all channels [A, C] of one frame."""
    elements = sorted(set(numbers if resolution.sites is None else resolution.sites))
    numbers = numbers if resolution.sites is None else list(resolution.sites)
    cutoff, n_angular = resolution.cutoff_ang, resolution.n_angular
    rows = []
    for i, centre in enumerate(positions):
        others = [j for j in range(len(numbers)) if j != i]
        bond = {j: positions[j] - centre for j in others}
        channels: list[float] = []
        for e in elements:
            sums = np.zeros(resolution.n_radial)
            for j in others:
                if numbers[j] == e:
                    sums += radial(float(np.linalg.norm(bond[j])), resolution.n_radial, cutoff)
            channels += sums.tolist()
        for e, f in itertools.combinations_with_replacement(elements, 2):
            table = np.zeros((n_angular, resolution.l_max + 1))
            for j, k in itertools.product(others, others):
                if (numbers[j], numbers[k]) == (e, f):
                    a, b = (float(np.linalg.norm(bond[x])) for x in (j, k))
                    cosine = float(bond[j] @ bond[k]) / (a * b)
                    legendre = [eval_legendre(degree, cosine) for degree in range(resolution.l_max + 1)]
                    table += np.outer(radial(a, n_angular, cutoff) * radial(b, n_angular, cutoff), legendre)
            channels += table.flatten().tolist()
        rows.append(channels)
    return np.array(rows)


def finite_differences(exact: Describe, layout: Layout, positions: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Jacobian [W, 3A] of one frame by five-point central differences."""
    moves = step * np.eye(positions.size).reshape(-1, *positions.shape)
    value = {m: exact(layout, positions + m * moves)[0].numpy() for m in (-2, -1, 1, 2)}
    return ((8 * (value[1] - value[-1]) - (value[2] - value[-2])) / (12 * step)).T


@pytest.mark.parametrize("resolution", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("numbers", COMPOSITIONS.values(), ids=COMPOSITIONS)
def test_values_follow_the_definition(
    describe_float64: Describe, numbers: list[int], resolution: DescriptorSettings
) -> None:
    layout = make_layout(np.array(numbers), resolution)
    positions = scattered(len(numbers), 2, seed=1)
    exact, _ = describe_float64(layout, positions)
    stored, _ = describe(layout, positions)
    for row, frame in enumerate(positions):
        full = spelled_out(numbers, frame, resolution)
        wanted = np.concatenate([full[a, list(b.channels)] for b in layout.blocks for a in b.atoms])
        np.testing.assert_allclose(exact[row], wanted, rtol=1e-10, atol=1e-11)
        # Single precision: the rounding of a small sum is that of its large summands.
        np.testing.assert_allclose(stored[row], wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("resolution", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("numbers", COMPOSITIONS.values(), ids=COMPOSITIONS)
def test_jacobians_are_derivatives(
    describe_float64: Describe, numbers: list[int], resolution: DescriptorSettings
) -> None:
    layout = make_layout(np.array(numbers), resolution)
    positions = scattered(len(numbers), 2, seed=2)
    _, exact = describe_float64(layout, positions)
    _, stored = describe(layout, positions)
    for row, frame in enumerate(positions):
        slopes = finite_differences(describe_float64, layout, frame)
        np.testing.assert_allclose(exact[row], slopes, rtol=1e-6, atol=1e-8)
        # Single precision throughout: rounding is relative to the largest slopes.
        np.testing.assert_allclose(stored[row], slopes, rtol=1e-5, atol=5e-6 * np.abs(slopes).max())


def test_jacobians_are_derivatives_on_real_frames(
    describe_float64: Describe, methanol_sets: tuple[LabelSet, LabelSet]
) -> None:
    accurate, _ = methanol_sets
    layout = make_layout(accurate.numbers, DescriptorSettings())
    _, stored = describe(layout, accurate.positions[:3])
    for frame, jacobian in zip(accurate.positions[:3], stored, strict=True):
        slopes = finite_differences(describe_float64, layout, frame)
        np.testing.assert_allclose(jacobian, slopes, rtol=1e-5, atol=2e-6 * np.abs(slopes).max())


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), mirror=st.booleans())
def test_rigid_motion_and_reflection_change_no_value(describe_float64: Describe, seed: int, mirror: bool) -> None:
    layout = make_layout(np.array(ETHANOL), DescriptorSettings(n_radial=4, n_angular=2))
    before = scattered(9, 1, seed)
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix() * (-1.0 if mirror else 1.0)
    after = before @ turn.T + np.array([3.0, -2.0, 7.0])
    value, jacobian = describe_float64(layout, before)
    moved_value, moved_jacobian = describe_float64(layout, after)
    np.testing.assert_allclose(moved_value, value, rtol=1e-9, atol=1e-11)
    turned = jacobian.unflatten(-1, (-1, 3)) @ torch.tensor(turn.T)
    np.testing.assert_allclose(moved_jacobian, turned.flatten(2), rtol=1e-8, atol=1e-9)


def test_translation_pulls_nothing(describe_float64: Describe) -> None:
    layout = make_layout(np.array(ETHANOL), DescriptorSettings())
    _, jacobian = describe_float64(layout, scattered(9, 2, seed=4))
    assert jacobian.unflatten(-1, (-1, 3)).sum(2).abs().max() < 1e-12 * jacobian.abs().max()


def test_exchanging_like_atoms_exchanges_their_descriptors(describe_float64: Describe) -> None:
    layout = make_layout(np.array(METHANOL), DescriptorSettings())
    before = scattered(6, 1, seed=5)
    order = [0, 1, 4, 2, 5, 3]
    value, jacobian = describe_float64(layout, before)
    swapped_value, swapped_jacobian = describe_float64(layout, before[:, order])
    for block in layout.blocks:
        cut = slice(block.start, block.stop)
        own = value[0, cut].reshape(len(block.atoms), -1)
        own_pull = jacobian[0, cut].reshape(len(block.atoms), len(block.channels), 6, 3)
        places = [block.atoms.index(order[a]) for a in block.atoms]
        np.testing.assert_allclose(swapped_value[0, cut].reshape(own.shape), own[places], rtol=1e-12)
        np.testing.assert_allclose(
            swapped_jacobian[0, cut].reshape(own_pull.shape), own_pull[places][:, :, order], rtol=1e-10, atol=1e-12
        )


def test_shuffled_atoms_keep_their_descriptors() -> None:
    order = [3, 0, 5, 1, 4, 2]
    positions = scattered(6, 2, seed=6)
    plain = make_layout(np.array(METHANOL), DescriptorSettings())
    shuffled = make_layout(np.array(METHANOL)[order], DescriptorSettings())
    one, _ = describe(plain, positions)
    other, _ = describe(shuffled, positions[:, order])
    for block, same in zip(plain.blocks, shuffled.blocks, strict=True):
        assert (block.number, block.channels, block.start) == (same.number, same.channels, same.start)
        width = len(block.channels)
        for place, atom in enumerate(same.atoms):
            source = block.start + block.atoms.index(order[atom]) * width
            found = other[:, same.start + place * width : same.start + (place + 1) * width]
            np.testing.assert_allclose(found, one[:, source : source + width], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("resolution", [DescriptorSettings(), SETTINGS["short cutoff"]], ids=["5 A", "1.9 A"])
def test_descriptors_fade_smoothly_at_the_cutoff(describe_float64: Describe, resolution: DescriptorSettings) -> None:
    cutoff = resolution.cutoff_ang
    numbers = np.array([8, 1, 1])  # one H at 1 Å; the other one leaves, with its angle
    layout = make_layout(numbers, resolution)
    distance = cutoff + np.array([-2e-3, -1e-3, -1e-9, 0.0, 1e-9, 1.0])
    positions = np.zeros((len(distance), 3, 3))
    positions[:, 1, 0] = -0.6
    positions[:, 2, 0], positions[:, 2, 1] = 0.6 * distance, 0.8 * distance
    value, jacobian = describe_float64(layout, positions)
    oxygen = next(block for block in layout.blocks if block.number == 8)
    cut = slice(oxygen.start, oxygen.stop)
    gone = value[-1, cut]
    left = (value[:, cut] - gone).abs().amax(1)
    pull = jacobian[:, cut, 6:].abs().amax((1, 2))
    assert left[0] > 0.0
    assert pull[0] > 0.0
    assert left[0] / left[1] == pytest.approx(4.0, rel=0.01)  # the value falls as the square of the distance left
    assert pull[0] / pull[1] == pytest.approx(2.0, rel=0.01)  # and so its slope falls as the distance
    assert left[2] < 1e-15
    assert pull[2] < 1e-8
    assert left[3:].tolist() == [0.0, 0.0, 0.0]
    assert pull[3:].tolist() == [0.0, 0.0, 0.0]


def test_without_neighbours_all_is_zero_and_finite() -> None:
    layout = make_layout(np.array([8, 1, 1]), DescriptorSettings())
    alone = np.array([[[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0]]])
    value, jacobian = describe(layout, alone)
    assert not value.any()
    assert not jacobian.any()


def test_a_lone_pair_has_no_angle() -> None:
    resolution = DescriptorSettings(n_radial=7)
    layout = make_layout(np.array([1, 1]), resolution)
    assert [(b.number, b.atoms, b.channels, b.start, b.stop) for b in layout.blocks] == [
        (1, (0, 1), tuple(range(7)), 0, 14)
    ]
    value, jacobian = describe(layout, np.array([[[0.0, 0.0, 0.0], [0.0, 0.0, 0.8]]]))
    assert torch.equal(value[0, :7], value[0, 7:])
    pull = jacobian.reshape(2, 7, 2, 3)
    assert not pull[..., :2].any()  # along the bond only
    assert torch.allclose(pull[0, :, 0], -pull[0, :, 1])
    assert pull[..., 2].abs().max() > 0.1


@pytest.mark.parametrize("numbers", [METHANOL, ETHANOL, [8, 1, 1], [7, 1, 9, 17]], ids=str)
def test_channels_left_out_carry_nothing_and_kept_ones_do(numbers: list[int]) -> None:
    resolution = DescriptorSettings(n_radial=4, n_angular=2, l_max=2)
    layout = make_layout(np.array(numbers), resolution)
    frames = scattered(len(numbers), 8, seed=7)
    full = np.array([spelled_out(numbers, frame, resolution) for frame in frames])  # [N, A, C]
    elements = sorted(set(numbers))
    n_two_body = resolution.n_radial * len(elements)
    pairs = list(itertools.combinations_with_replacement(elements, 2))
    per_pair = resolution.n_angular * (resolution.l_max + 1)
    assert [b.number for b in layout.blocks] == elements
    for block in layout.blocks:
        assert block.atoms == tuple(i for i, z in enumerate(numbers) if z == block.number)
        for atom in block.atoms:
            for channel in range(full.shape[2]):
                seen = full[:, atom, channel]
                if channel in block.channels:
                    assert seen.std() > 1e-8
                    continue
                if not seen.any():
                    continue
                # The only neighbour of its element, paired with itself: a function of one distance at every degree.
                pair, place = divmod(channel - n_two_body, per_pair)
                e, f = pairs[pair]
                assert e == f
                (neighbour,) = [j for j, z in enumerate(numbers) if z == e and j != atom]
                distance = np.linalg.norm(frames[:, atom] - frames[:, neighbour], axis=1)
                n = place // (resolution.l_max + 1)
                alone = [radial(r, resolution.n_angular, resolution.cutoff_ang)[n] ** 2 for r in distance]
                np.testing.assert_allclose(seen, alone, rtol=1e-12)


ETHANOL_SITES = (3, 2, 4, 0, 0, 0, 5, 5, 1)


def test_sites_are_told_apart_like_elements(describe_float64: Describe) -> None:
    resolution = DescriptorSettings(n_radial=3, n_angular=2, l_max=2, sites=ETHANOL_SITES)
    layout = make_layout(np.array(ETHANOL), resolution)
    positions = scattered(9, 2, seed=11)
    values, jacobians = describe_float64(layout, positions)
    for frame, found, jacobian in zip(positions, values, jacobians, strict=True):
        full = spelled_out(ETHANOL, frame, resolution)
        wanted = np.concatenate([full[a, list(b.channels)] for b in layout.blocks for a in b.atoms])
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(jacobian, finite_differences(describe_float64, layout, frame), rtol=1e-6, atol=1e-8)
    assert [(b.number, b.atoms) for b in layout.blocks] == [
        (1, (3, 4, 5)),
        (1, (8,)),
        (6, (1,)),
        (6, (0,)),
        (8, (2,)),
        (1, (6, 7)),
    ]


def test_sites_that_are_the_elements_change_nothing() -> None:
    positions = scattered(9, 2, seed=12)
    plain, _ = describe(make_layout(np.array(ETHANOL), DescriptorSettings()), positions)
    sited, _ = describe(make_layout(np.array(ETHANOL), DescriptorSettings(sites=tuple(ETHANOL))), positions)
    assert torch.equal(plain, sited)


def test_atoms_of_one_site_exchange_and_others_do_not() -> None:
    layout = make_layout(np.array(ETHANOL), DescriptorSettings(n_radial=4, n_angular=2, sites=ETHANOL_SITES))
    positions = scattered(9, 1, seed=13)
    carbon = next(block for block in layout.blocks if block.atoms == (0,))

    def of_carbon(order: list[int]) -> Tensor:
        return describe(layout, positions[:, order])[0][0, carbon.start : carbon.stop]

    before = of_carbon(list(range(9)))
    assert torch.allclose(of_carbon([0, 1, 2, 4, 5, 3, 7, 6, 8]), before, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(of_carbon([0, 1, 2, 8, 4, 5, 6, 7, 3]), before, rtol=1e-2, atol=1e-2)
