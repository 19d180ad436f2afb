"""Descriptors of moving frames and what their gradient is worth in positions, without a Jacobian.

Training frames never move, so `asteroid.descriptors.describe` computes their Jacobians once. A frame of a trajectory is
seen once: all that its force needs is dE/dx = (dE/dP)(dP/dx) for the one gradient dE/dP by the products P (sums of
radial functions, and products of moments; see `asteroid.descriptors.invariants`). Taken backwards through their
definition, that costs about as much as the products themselves. Double precision in NumPy, whose calls are cheap on
small arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.descriptors.invariants import plan_of
from asteroid.descriptors.moments import monomial_exponents, monomial_products, radial_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.descriptors.layout import Layout

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairPlan:
    """Constants of a layout; I centres, J = A - 1 neighbours of each, E kinds of atoms, C products of a centre.

    Attributes:
        layout: the layout.
        centres: [I] atoms.
        neighbours: [I, J] atoms.
        kinds: [I, 1, E, J] one where a neighbour is of the kind.
        places: [n, 1] middles of the radial functions of both grids, two-body before three-body.
        widths: [n, 1] their widths.
        offset_ang: distance at which their argument is one.
        weights: [l, m] Legendre polynomials in monomials.
        slopes: [3 m', m] derivatives of the monomials by the axes, in the monomials of lower degree.
        scatter: [A, I J] sums what pulls at the pairs into what pulls at the atoms.
        channels: by centre, places of its channels among the C products, in the order of the layout.
        mirrored: [C] place of the product with its two kinds exchanged.
    """

    layout: Layout
    centres: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    kinds: Floats
    places: Floats
    widths: Floats
    offset_ang: float
    weights: Floats
    slopes: Floats
    scatter: Floats
    channels: tuple[NDArray[np.int64], ...]
    mirrored: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tape:
    """What taking a gradient back needs of the products of N frames; the first axes are centres and frames."""

    u: Floats
    r: Floats
    radial_slopes: Floats
    monomials: Floats
    of_kinds: Floats
    three_body: Floats
    partners: Floats


@lru_cache(maxsize=16)
def pair_plan(layout: Layout) -> PairPlan:
    """Constants of a layout."""
    plan = plan_of(layout, torch.float64, torch.device("cpu"))
    settings, n_atoms = layout.settings, len(layout.numbers)
    centres = plan.atoms.numpy()
    neighbours = np.array([[a for a in range(n_atoms) if a != centre] for centre in centres.tolist()])
    is_kind = plan.is_element.numpy()
    n_kinds, n_degrees = len(is_kind), settings.l_max + 1
    n_two = settings.n_radial * n_kinds
    products = np.arange(settings.n_angular * n_kinds * n_degrees * n_kinds)
    exchanged = products.reshape(settings.n_angular, n_kinds, n_degrees, n_kinds).transpose(0, 3, 2, 1).ravel()
    n_products = n_two + len(products)
    flat = np.asarray(plan.value_index)
    sizes = [len(block.channels) for block in layout.blocks for _ in block.atoms]
    starts = np.arange(len(centres)) * n_products
    scatter = np.zeros((n_atoms, *neighbours.shape))
    for row, (centre, others) in enumerate(zip(centres.tolist(), neighbours.tolist(), strict=True)):
        scatter[centre, row] -= 1.0
        for place, other in enumerate(others):
            scatter[other, row, place] += 1.0
    places, widths, offset_ang = radial_grid((settings.n_radial, settings.n_angular), settings.cutoff_ang)
    return PairPlan(
        layout=layout,
        centres=centres,
        neighbours=neighbours,
        kinds=is_kind[:, neighbours].transpose(1, 0, 2)[:, None],
        places=places.numpy(),
        widths=widths.numpy(),
        offset_ang=offset_ang,
        weights=plan.weights.numpy(),
        slopes=_slopes(settings.l_max),
        scatter=scatter.reshape(n_atoms, -1),
        channels=tuple(own - start for own, start in zip(np.split(flat, np.cumsum(sizes)[:-1]), starts, strict=True)),
        mirrored=np.concatenate([np.arange(n_two), n_two + exchanged]),
    )


def products_of(plan: PairPlan, positions: Floats) -> tuple[Floats, Tape]:
    """All products of N frames.

    Args:
        plan: from `pair_plan`.
        positions: [N, A, 3] in Å.

    Returns:
        products [I, N, C] and the tape.
    """
    settings, n_frames = plan.layout.settings, len(positions)
    x = np.ascontiguousarray(positions.transpose(1, 2, 0))  # [A, 3, N]
    d = (x[plan.neighbours] - x[plan.centres, None]).transpose(0, 3, 2, 1)  # [I, N, 3, J]
    r = np.sqrt(np.einsum("inxj,inxj->inj", d, d))[:, :, None]
    u = d / r
    scaled = np.exp(plan.offset_ang - r)
    offset = (scaled - plan.places) / plan.widths
    gauss = np.exp(-0.5 * offset * offset)
    phase = r * (np.pi / settings.cutoff_ang)
    inside = 0.5 * (r < settings.cutoff_ang)
    envelope = (np.cos(phase) + 1.0) * inside
    envelope_slope = np.sin(phase) * inside * (-np.pi / settings.cutoff_ang)
    slopes = gauss * (offset * (scaled * envelope) / plan.widths + envelope_slope)
    radial = gauss * envelope
    two_body, three_body = radial[:, :, : settings.n_radial], radial[:, :, settings.n_radial :]
    monomials = np.empty((*u.shape[:2], plan.weights.shape[1], u.shape[3]))
    monomials[:, :, 0] = 1.0
    for axis, old, new in monomial_products(settings.l_max):
        np.multiply(monomials[:, :, old], u[:, :, axis], out=monomials[:, :, new])
    of_kinds = (three_body[:, :, :, None] * plan.kinds[:, :, None]).reshape(*u.shape[:2], -1, u.shape[3])
    moments = of_kinds @ monomials.swapaxes(2, 3)  # [I, N, n e, m]
    n_kinds = plan.kinds.shape[2]
    moments = moments.reshape(*u.shape[:2], settings.n_angular, n_kinds, -1)
    partners = (moments[..., None, :] * plan.weights).reshape(*moments.shape[:3], -1, moments.shape[-1])  # [f l, m]
    products = partners @ moments.swapaxes(3, 4)  # [I, N, n, f l, e]
    sums = plan.kinds @ two_body.swapaxes(2, 3)  # [I, N, e, n]
    shape = (len(plan.centres), n_frames, -1)
    every = np.concatenate([sums.reshape(shape), products.reshape(shape)], axis=2)
    return every, Tape(u, r, slopes, monomials, of_kinds, three_body, partners)


def pull_back(plan: PairPlan, tape: Tape, gradient: Floats) -> Floats:
    """The gradient by positions from that by products.

    Args:
        plan: from `pair_plan`.
        tape: from `products_of`.
        gradient: [I, N, C] by the products; alike for a product and the one with its kinds exchanged.

    Returns:
        [N, A, 3] per Å.
    """
    settings, n_kinds = plan.layout.settings, plan.kinds.shape[2]
    n_two = settings.n_radial * n_kinds
    outer = gradient.shape[:2]
    by_sums = gradient[:, :, :n_two].reshape(*outer, n_kinds, settings.n_radial)
    by_products = gradient[:, :, n_two:].reshape(*outer, settings.n_angular, -1, n_kinds)
    by_moments = 2.0 * (by_products.swapaxes(3, 4) @ tape.partners)  # both factors of a product
    by_moments = by_moments.reshape(*outer, settings.n_angular * n_kinds, -1)
    by_kinds = (by_moments @ tape.monomials).reshape(*outer, settings.n_angular, n_kinds, -1)
    by_three_body = np.einsum(
        "inaej,inej->inaj", by_kinds, np.broadcast_to(plan.kinds, (*outer, *plan.kinds.shape[2:]))
    )
    by_two_body = by_sums.swapaxes(2, 3) @ plan.kinds
    by_radial = np.concatenate([by_two_body, by_three_body], axis=2)
    by_r = (by_radial * tape.radial_slopes).sum(axis=2, keepdims=True)
    by_monomials = by_moments.swapaxes(2, 3) @ tape.of_kinds  # [I, N, m, J]
    lower = plan.slopes.shape[0] // 3
    by_axes = (plan.slopes @ by_monomials).reshape(*outer, 3, lower, -1)
    by_u = (by_axes * tape.monomials[:, :, None, :lower]).sum(axis=3)
    along = (by_u * tape.u).sum(axis=2, keepdims=True)
    by_d = tape.u * (by_r - along / tape.r) + by_u / tape.r  # [I, N, 3, J]
    pairs = by_d.transpose(1, 0, 3, 2).reshape(outer[1], -1, 3)
    found: Floats = plan.scatter @ pairs
    return found


def _slopes(degree: int) -> Floats:
    """Derivatives of the monomials: d y_m / d u_x is a whole number times a monomial of one degree less."""
    exponents = monomial_exponents(degree).numpy()
    place = {tuple(powers): m for m, powers in enumerate(exponents.tolist())}
    lower = max(sum(sum(powers) < degree for powers in exponents.tolist()), 1)
    slopes = np.zeros((3, lower, len(exponents)))
    for m, powers in enumerate(exponents.tolist()):
        for axis in range(3):
            if powers[axis]:
                less = tuple(p - (k == axis) for k, p in enumerate(powers))
                slopes[axis, place[less], m] = powers[axis]
    return slopes.reshape(3 * lower, -1)
