"""Descriptors and Jacobians of a chunk of frames, written straight into the flat layout of `descriptors`.

With moments M_enm of a centre atom (see `moments`), a three-body channel (e, f, n, l) is the product
sum_m w_lm M_enm M_fnm = sum_m C_fnlm M_enm. It depends on a neighbour of element e through the first factor, on one of
element f through the second, on any other atom not at all. So all that is needed are the contractions
sum_m C_fnlm dM_nm/dx_j for every neighbour j and every partner f; masks over the atoms put them where they belong.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from asteroid.descriptors.moments import (
    fill_monomial_derivatives,
    fill_monomials,
    legendre_weights,
    radial_functions,
    repeat_xyz,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asteroid.descriptors.layout import ElementBlock, Layout


@dataclass(frozen=True)
class Plan:
    """What the descriptors of one layout need besides positions; E elements, I centre atoms, A atoms.

    Attributes:
        layout: the layout.
        blocks: its blocks, neighbouring ones with the same channels as one, so that there are few to write.
        atoms: [I] the centre atoms in the order of the layout.
        is_neighbour: [I, 1, A] zero for the centre itself.
        is_element: [E, A].
        weights: [l, m] Legendre polynomials in monomials.
        value_index: [W] place of each descriptor among all products of moments (see `_values`).
        own_index: [W] place of the centre's own slot in a Jacobian seen as [W A, 3].
        own_sum: [3, 3A] minus the sum over atoms.
    """

    layout: Layout
    blocks: tuple[ElementBlock, ...]
    atoms: Tensor
    is_neighbour: Tensor
    is_element: Tensor
    weights: Tensor
    value_index: Tensor
    own_index: Tensor
    own_sum: Tensor


@dataclass(frozen=True)
class Moments:
    """What the Jacobians of a chunk need of its descriptors.

    Attributes:
        u: [N, I, A, 3] unit vectors to the neighbours.
        radial_derivatives: [N, I, n, A] derivatives of the radial functions, two-body before three-body.
        radial_over_r: [N, I, n, A] three-body radial functions over the distance.
        partners: [N I n, E l, m] what multiplies the moments of a neighbour's element (C_fnlm).
    """

    u: Tensor
    radial_derivatives: Tensor
    radial_over_r: Tensor
    partners: Tensor


@dataclass(frozen=True)
class Workspace:
    """Memory for the large intermediate results of the Jacobians of a chunk, asked for once.

    Attributes:
        monomials: [N, I, m, 3A].
        monomial_derivatives: [N, I, m, 3A] times the distance.
        moments: [N, I, n, m, 3A] derivatives of the moments, whatever the neighbour's element.
        contractions: [N, I, n, E, l, 3A] of the derivatives with the partners C_fnlm.
    """

    monomials: Tensor
    monomial_derivatives: Tensor
    moments: Tensor
    contractions: Tensor


@lru_cache(maxsize=16)
def plan_of(layout: Layout, dtype: torch.dtype, device: torch.device) -> Plan:
    """Constants of a layout in the precision of the arithmetic, where it takes place."""
    plan = _plan_of(layout, dtype)
    moved: dict[str, Any] = {name: own.to(device) for name, own in vars(plan).items() if isinstance(own, Tensor)}
    return replace(plan, **moved)


def _plan_of(layout: Layout, dtype: torch.dtype) -> Plan:
    settings, n_atoms = layout.settings, len(layout.numbers)
    elements = sorted(set(layout.kinds))  # sites, where the settings name them
    atoms = torch.tensor([a for block in layout.blocks for a in block.atoms], dtype=torch.int64)
    is_neighbour = torch.ones(len(atoms), 1, n_atoms, dtype=dtype)
    is_neighbour[torch.arange(len(atoms)), 0, atoms] = 0.0
    n_elements, n_two = len(elements), settings.n_radial * len(elements)
    products = torch.arange(settings.n_angular * n_elements * (settings.l_max + 1) * n_elements)
    products = products.view(settings.n_angular, n_elements, settings.l_max + 1, n_elements)
    pairs = itertools.combinations_with_replacement(range(n_elements), 2)
    of_channel = torch.cat([torch.arange(n_two), *(n_two + products[:, f, :, e].flatten() for e, f in pairs)])
    per_centre = n_two + products.numel()
    channels = [c for block in layout.blocks for _ in block.atoms for c in block.channels]
    centre = torch.tensor([len(block.channels) for block in layout.blocks for _ in block.atoms])
    centre = torch.repeat_interleave(torch.arange(len(atoms)), centre)
    return Plan(
        layout=layout,
        blocks=_merged(layout.blocks),
        atoms=atoms,
        is_neighbour=is_neighbour,
        is_element=torch.tensor([[float(z == e) for z in layout.kinds] for e in elements], dtype=dtype),
        weights=legendre_weights(settings.l_max).to(dtype),
        value_index=centre * per_centre + of_channel[channels],
        own_index=torch.arange(layout.width) * n_atoms + atoms[centre],
        own_sum=-torch.eye(3, dtype=dtype).repeat(1, n_atoms),
    )


def make_workspace(plan: Plan, n_frames: int) -> Workspace:
    """Memory for chunks of up to so many frames."""
    n_elements, n_atoms = plan.is_element.shape
    n_degrees, n_terms = plan.weights.shape
    outer, n_radial, empty = (n_frames, len(plan.atoms)), plan.layout.settings.n_angular, plan.weights.new_empty
    return Workspace(
        monomials=empty(*outer, n_terms, 3 * n_atoms),
        monomial_derivatives=empty(*outer, n_terms, 3 * n_atoms),
        moments=empty(*outer, n_radial, n_terms, 3 * n_atoms),
        contractions=empty(*outer, n_radial, n_elements, n_degrees, 3 * n_atoms),
    )


def evaluate(plan: Plan, positions: Tensor) -> tuple[Tensor, Moments]:
    """Descriptors of a chunk of frames, and what their Jacobians need.

    Args:
        plan: from `plan_of`.
        positions: [N, A, 3] in Å; float64, so that a molecule far from the origin loses nothing.

    Returns:
        descriptors [N, W] and moments.
    """
    settings, dtype = plan.layout.settings, plan.weights.dtype
    n_frames, n_atoms, n_centres = len(positions), len(plan.layout.numbers), len(plan.atoms)
    d = (positions[:, None] - positions[:, plan.atoms, None]).to(dtype)  # [N, I, A, 3], from centre to neighbour
    r = torch.sqrt((d * d).sum(-1, keepdim=True) + (1.0 - plan.is_neighbour).transpose(1, 2))
    u = d / r
    r = r.transpose(2, 3)
    radial, radial_derivatives = radial_functions(r, (settings.n_radial, settings.n_angular), settings.cutoff_ang)
    radial, radial_derivatives = radial.mul_(plan.is_neighbour), radial_derivatives.mul_(plan.is_neighbour)
    two_body, three_body = radial.split([settings.n_radial, settings.n_angular], 2)

    monomials = d.new_empty(n_frames, n_centres, plan.weights.shape[1], n_atoms)
    fill_monomials(u.transpose(2, 3).contiguous(), settings.l_max, monomials)
    per_element = (three_body[:, :, :, None] * plan.is_element).flatten(2, 3)  # [N, I, n e, A]
    moments = per_element @ monomials.transpose(2, 3)
    moments = moments.view(n_frames * n_centres * settings.n_angular, len(plan.is_element), -1)
    partners = (moments[:, :, None] * plan.weights).flatten(1, 2)  # [N I n, f l, m]
    products = torch.bmm(partners, moments.transpose(1, 2))  # [N I n, f l, e]
    sums = plan.is_element @ two_body.transpose(2, 3)  # [N, I, e, n]
    every = torch.cat([sums.flatten(2), products.view(n_frames, n_centres, -1)], 2)
    return every.flatten(1)[:, plan.value_index], Moments(u, radial_derivatives, three_body / r, partners)


def fill_jacobians(plan: Plan, found: Moments, workspace: Workspace, jacobians: Tensor) -> None:
    """Jacobians of a chunk of frames.

    Args:
        plan: from `plan_of`.
        found: from `evaluate`.
        workspace: for N frames or more.
        jacobians: [N, W, 3A], contiguous, is overwritten.
    """
    settings, n_frames = plan.layout.settings, len(found.u)
    parts = (workspace.monomials, workspace.monomial_derivatives, workspace.moments, workspace.contractions)
    monomials, monomial_derivatives, moments, contractions = (part[:n_frames] for part in parts)
    u = found.u.flatten(2)[:, :, None]  # [N, I, 1, 3A]
    axes = repeat_xyz(found.u.transpose(2, 3))
    delta = plan.own_sum.neg()
    fill_monomials(axes, settings.l_max, monomials)
    fill_monomial_derivatives(axes, delta - axes * u, settings.l_max, monomials, monomial_derivatives)

    two_body, three_body = (repeat_xyz(found.radial_derivatives) * u).split([settings.n_radial, settings.n_angular], 2)
    torch.mul(three_body[:, :, :, None], monomials[:, :, None], out=moments)
    moments.addcmul_(repeat_xyz(found.radial_over_r)[:, :, :, None], monomial_derivatives[:, :, None])
    torch.bmm(found.partners, moments.flatten(0, 2), out=contractions.flatten(3, 4).flatten(0, 2))

    of_element = repeat_xyz(plan.is_element)
    of_element_by_degree = of_element.repeat(1, len(plan.weights))
    contractions = contractions.flatten(4)  # [N, I, n, f, l 3A]
    place = 0
    for block in plan.blocks:
        centres = slice(place, place := place + len(block.atoms))
        target = jacobians[:, block.start : block.stop].unflatten(1, (len(block.atoms), len(block.channels)))
        for cut, e in _two_body_groups(plan, block):
            torch.mul(two_body[:, centres], of_element[e], out=target[:, :, cut])
        for cut, e, f in _three_body_groups(plan, block):
            rows = target[:, :, cut].unflatten(2, (settings.n_angular, -1)).flatten(3)
            torch.mul(contractions[:, centres, :, f], of_element_by_degree[e], out=rows)
            rows.addcmul_(contractions[:, centres, :, e], of_element_by_degree[f])
    # A centre moves against all its neighbours; its own slot was zero.
    own = torch.mm(plan.own_sum, jacobians.view(-1, jacobians.shape[2]).T)  # [3, N W]
    jacobians.view(n_frames, -1, 3).index_copy_(1, plan.own_index, own.view(3, n_frames, -1).permute(1, 2, 0))


def _merged(blocks: tuple[ElementBlock, ...]) -> tuple[ElementBlock, ...]:
    merged: list[ElementBlock] = []
    for _, alike in itertools.groupby(blocks, lambda block: block.channels):
        first, *rest = alike
        merged.append(replace(first, atoms=first.atoms + tuple(a for block in rest for a in block.atoms)))
    return tuple(merged)


def _two_body_groups(plan: Plan, block: ElementBlock) -> Iterator[tuple[slice, int]]:
    """Channels of a block and the place of their neighbour element."""
    size = plan.layout.settings.n_radial
    for e in range(len(plan.is_element)):
        if size * e in block.channels:
            start = block.channels.index(size * e)
            yield slice(start, start + size), e


def _three_body_groups(plan: Plan, block: ElementBlock) -> Iterator[tuple[slice, int, int]]:
    """Channels of a block and the places of their two neighbour elements."""
    settings, n_elements = plan.layout.settings, len(plan.is_element)
    size, channel = settings.n_angular * (settings.l_max + 1), settings.n_radial * n_elements
    for e, f in itertools.combinations_with_replacement(range(n_elements), 2):
        if channel in block.channels:
            start = block.channels.index(channel)
            yield slice(start, start + size), e, f
        channel += size
