"""Per-atom descriptors D(x) and their Jacobians dD/dx, computed once per frame.

Training frames never move, so everything that depends on positions alone is computed before training; a force is then
one product with a stored Jacobian. Two-body channels are radial sums per neighbour element; three-body channels are,
per pair of neighbour elements, sums over neighbour pairs of R_n(r_ij) R_n(r_ik) P_l(cos theta_jik) (the angular idea
of Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007), in the Legendre form of the SOAP power spectrum, Bartók
et al., Phys. Rev. B 87, 184115 (2013)). The sums over pairs are never written out: they are contractions of moment
tensors M_p = sum_j R_n(r_ij) u_ij^(x)p (Shapeev, Multiscale Model. Simul. 14, 1153 (2016)), so the cost is quadratic
in the atoms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.polynomial import legendre
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True)
class DescriptorSettings:
    """Resolution of the descriptors.

    Attributes:
        n_radial: radial functions per neighbour element (two-body).
        n_angular: radial functions per pair of neighbour elements (three-body).
        l_max: highest Legendre polynomial of the angle.
        cutoff_ang: neighbours beyond this distance (Å) do not count.
    """

    n_radial: int = 10
    n_angular: int = 4
    l_max: int = 3
    cutoff_ang: float = 5.0


@dataclass(frozen=True)
class ElementBlock:
    """Where one element's descriptors lie in a frame's flat descriptor vector.

    Attributes:
        number: atomic number of the centre atoms.
        atoms: their positions in the molecule, in order.
        channels: the channels of the full layout that this element uses.
        start: first entry of the block in the flat vector; atom by atom, `len(channels)` entries each.
    """

    number: int
    atoms: tuple[int, ...]
    channels: tuple[int, ...]
    start: int

    @property
    def stop(self) -> int:
        """One past the last entry of the block."""
        return self.start + len(self.atoms) * len(self.channels)


@dataclass(frozen=True)
class Layout:
    """The flat descriptor vector of one composition: blocks by element, constant and doubled channels left out."""

    numbers: tuple[int, ...]
    settings: DescriptorSettings
    blocks: tuple[ElementBlock, ...]

    @property
    def width(self) -> int:
        """Length of a frame's flat descriptor vector."""
        return self.blocks[-1].stop


#: Shortest distance (Å) that the radial grid resolves; an H-H bond is 0.74 Å.
_R_MIN_ANG = 0.7
_CHUNK = 256


def make_layout(numbers: NDArray[np.int64], settings: DescriptorSettings) -> Layout:
    """Lay out the descriptors of one molecule.

    A channel needs its neighbour elements to be present; a three-body channel over one and the same single neighbour
    has no angle and repeats the two-body information, so it is left out.

    Args:
        numbers: atomic numbers [A].
        settings: resolution.
    """
    elements = sorted({int(z) for z in numbers})
    blocks: list[ElementBlock] = []
    start = 0
    for centre in elements:
        count = {z: int((numbers == z).sum()) - (z == centre) for z in elements}
        channels = [c for c, needs in enumerate(_channel_needs(elements, settings)) if needs(count)]
        atoms = tuple(int(a) for a in np.flatnonzero(numbers == centre))
        if channels:
            blocks.append(ElementBlock(centre, atoms, tuple(channels), start))
            start = blocks[-1].stop
    return Layout(tuple(int(z) for z in numbers), settings, tuple(blocks))


def describe(layout: Layout, positions: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
    """Descriptors and Jacobians of many frames of one molecule.

    Args:
        layout: from `make_layout`.
        positions: [N, A, 3] in Å.

    Returns:
        descriptors [N, W] and Jacobians [N, W, 3A] (per Å), float32, computed in float64; W is `layout.width`.
    """
    n_frames, n_atoms, _ = positions.shape
    values = torch.empty(n_frames, layout.width)
    jacobians = torch.empty(n_frames, layout.width, 3 * n_atoms)
    for first in range(0, n_frames, _CHUNK):
        rows = slice(first, first + _CHUNK)
        value, jacobian = _describe_chunk(layout, torch.tensor(positions[rows], dtype=torch.float64))
        for block in layout.blocks:
            atoms, channels = torch.tensor(block.atoms), torch.tensor(block.channels)
            cut = slice(block.start, block.stop)
            values[rows, cut] = value[:, atoms[:, None], channels].flatten(1).float()
            jacobians[rows, cut] = jacobian[:, atoms[:, None], channels].flatten(3).flatten(1, 2).float()
    return values, jacobians


def describe_values(layout: Layout, positions: NDArray[np.float64]) -> Tensor:
    """Descriptors of many frames of one molecule without Jacobians, about ten times cheaper than `describe`.

    Args:
        layout: from `make_layout`.
        positions: [N, A, 3] in Å.

    Returns:
        [N, W] float64, exact enough for finite differences.
    """
    columns = torch.tensor([(a, c) for block in layout.blocks for a in block.atoms for c in block.channels])
    values = torch.empty(len(positions), layout.width, dtype=torch.float64)
    for first in range(0, len(positions), _CHUNK):
        rows = slice(first, first + _CHUNK)
        found = _chunk_values(layout, torch.tensor(positions[rows], dtype=torch.float64))
        values[rows] = found[:, columns[:, 0], columns[:, 1]]
    return values


def bytes_per_frame(layout: Layout) -> int:
    """Memory that one described frame takes (its Jacobian, float32)."""
    return 4 * layout.width * (3 * len(layout.numbers) + 1)


def _channel_needs(elements: list[int], settings: DescriptorSettings) -> list[Callable[[dict[int, int]], bool]]:
    """For each channel of the full layout: whether it is of use, given the number of neighbours of each element."""
    needs: list[Callable[[dict[int, int]], bool]] = []
    for e in elements:
        needs += [lambda count, e=e: count[e] > 0] * settings.n_radial  # type: ignore[misc]
    for i, e in enumerate(elements):
        for f in elements[i:]:
            pair_needs = [lambda count, e=e, f=f: count[e] > (e == f) and count[f] > 0]
            needs += pair_needs * (settings.n_angular * (settings.l_max + 1))
    return needs


def _radial(r: Tensor, n: int, cutoff: float) -> tuple[Tensor, Tensor]:
    """Gaussians on a grid of exp(-r), dense where bonds are, times a cosine cutoff; and their derivatives by r."""
    x = torch.exp(_R_MIN_ANG - r)
    x_cut = math.exp(_R_MIN_ANG - cutoff)
    centres = torch.linspace(x_cut, 1.0, n, dtype=r.dtype)
    width = (1.0 - x_cut) / max(n - 1, 1)
    offset = (x[..., None] - centres) / width
    gauss = torch.exp(-0.5 * offset**2)
    inside = (r < cutoff).to(r.dtype)
    envelope = 0.5 * (torch.cos(math.pi * r / cutoff) + 1.0) * inside
    envelope_slope = -0.5 * math.pi / cutoff * torch.sin(math.pi * r / cutoff) * inside
    value = gauss * envelope[..., None]
    slope = gauss * (offset / width * x[..., None] * envelope[..., None] + envelope_slope[..., None])
    return value, slope


def _describe_chunk(layout: Layout, positions: Tensor) -> tuple[Tensor, Tensor]:
    """All channels of all atoms: values [N, A, C] and Jacobians [N, A, C, A, 3]."""
    settings = layout.settings
    elements = sorted(set(layout.numbers))
    n_atoms = len(layout.numbers)
    is_element = torch.tensor([[float(z == e) for e in elements] for z in layout.numbers], dtype=positions.dtype)
    eye = torch.eye(n_atoms, dtype=positions.dtype)
    neighbour = (1.0 - eye)[..., None]

    d = positions[:, None, :, :] - positions[:, :, None, :]  # [N, i, j, 3], from i to j
    r = torch.sqrt((d**2).sum(-1) + eye)  # the diagonal is masked below
    u = d / r[..., None]

    radial, radial_slope = (q * neighbour for q in _radial(r, settings.n_radial, settings.cutoff_ang))
    values = [torch.einsum("bijn,je->bien", radial, is_element).flatten(2)]
    # Derivatives with respect to the vectors d_ij: [N, i, channel, j, 3].
    slopes = [torch.einsum("bijn,je,bijx->bienjx", radial_slope, is_element, u).flatten(2, 3)]

    radial, radial_slope = (q * neighbour for q in _radial(r, settings.n_angular, settings.cutoff_ang))
    power_values, vectors = _moment_invariants(radial, radial_slope, r, u, is_element, settings.l_max)
    to_legendre = _powers_to_legendre(settings.l_max)
    three_body = torch.einsum("lp,bipefn->biefnl", to_legendre, power_values)
    pulls = torch.einsum("lp,bijpfnx->bijfnlx", to_legendre, vectors)
    for i, _ in enumerate(elements):
        for j in range(i, len(elements)):
            values.append(three_body[:, :, i, j].flatten(2))
            slope = pulls[:, :, :, j] * is_element[:, i, None, None, None]
            slope = slope + pulls[:, :, :, i] * is_element[:, j, None, None, None]
            slopes.append(slope.flatten(3, 4).transpose(2, 3))

    jacobian = torch.cat(slopes, 2)
    own = torch.arange(n_atoms)
    jacobian[:, own, :, own] = -jacobian.sum(3).transpose(0, 1)  # d_ij falls as atom i moves; its own slot was zero
    return torch.cat(values, 2), jacobian


def _chunk_values(layout: Layout, positions: Tensor) -> Tensor:
    """The values [N, A, C] of `_describe_chunk` alone."""
    settings = layout.settings
    elements = sorted(set(layout.numbers))
    is_element = torch.tensor([[float(z == e) for e in elements] for z in layout.numbers], dtype=positions.dtype)
    eye = torch.eye(len(layout.numbers), dtype=positions.dtype)
    neighbour = (1.0 - eye)[..., None]
    d = positions[:, None, :, :] - positions[:, :, None, :]
    r = torch.sqrt((d**2).sum(-1) + eye)
    u = d / r[..., None]

    radial = _radial(r, settings.n_radial, settings.cutoff_ang)[0] * neighbour
    values = [torch.einsum("bijn,je->bien", radial, is_element).flatten(2)]
    radial = _radial(r, settings.n_angular, settings.cutoff_ang)[0] * neighbour
    monomial = torch.ones_like(r)[..., None]
    powers = []
    for _ in range(settings.l_max + 1):
        moment = torch.einsum("bijn,bijm,je->bienm", radial, monomial, is_element)
        powers.append(torch.einsum("bienm,bifnm->biefn", moment, moment))
        monomial = (monomial[..., :, None] * u[..., None, :]).flatten(3)
    three_body = torch.einsum("lp,bipefn->biefnl", _powers_to_legendre(settings.l_max), torch.stack(powers, 2))
    for i, _ in enumerate(elements):
        values += [three_body[:, :, i, j].flatten(2) for j in range(i, len(elements))]
    return torch.cat(values, 2)


def _moment_invariants(
    radial: Tensor, radial_slope: Tensor, r: Tensor, u: Tensor, is_element: Tensor, p_max: int
) -> tuple[Tensor, Tensor]:
    """Pair sums of R_n(r_ij) R_n(r_ik) cos^p and how they pull on each neighbour.

    Returns:
        values [N, i, p, e, f, n] over neighbours of elements e and f, and
        vectors [N, i, j, p, f, n, 3]: the derivative by d_ij of j's own term times the moment of element f.
    """
    n_frames, n_atoms = r.shape[:2]
    values, vectors = [], []
    monomial = torch.ones(n_frames, n_atoms, n_atoms, 1, dtype=r.dtype)
    lower = monomial
    stretch = radial_slope[:, :, :, None, :, None] * u[:, :, :, None, None, :]
    turn = (radial / r[..., None])[:, :, :, None, :, None]
    for p in range(p_max + 1):
        moment = torch.einsum("bijn,bijm,je->bienm", radial, monomial, is_element)
        values.append(torch.einsum("bienm,bifnm->biefn", moment, moment))
        overlap = torch.einsum("bijm,bifnm->bijfn", monomial, moment)[..., None]
        vector = stretch * overlap
        if p:
            open_index = torch.einsum("bijm,bifnmx->bijfnx", lower, moment.unflatten(-1, (-1, 3)))
            vector = vector + p * turn * (open_index - overlap * u[:, :, :, None, None, :])
        vectors.append(vector)
        lower, monomial = monomial, (monomial[..., :, None] * u[..., None, :]).flatten(3)
    return torch.stack(values, 2), torch.stack(vectors, 3)


def _powers_to_legendre(l_max: int) -> Tensor:
    """Matrix [l, p] that turns sums of cos^p into sums of P_l(cos)."""
    matrix = torch.zeros(l_max + 1, l_max + 1, dtype=torch.float64)
    for degree in range(l_max + 1):
        coefficients = legendre.leg2poly([0.0] * degree + [1.0])
        matrix[degree, : degree + 1] = torch.as_tensor(coefficients)
    return matrix
