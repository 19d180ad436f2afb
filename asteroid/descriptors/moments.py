"""Radial functions, moments of the neighbours' directions, and how both move with the atoms.

The moment of a centre atom is M_enm = sum over its neighbours j of element e of R_n(r_ij) y_m(u_ij), where the y_m are
the distinct monomials x^a y^b z^c of the unit vector u_ij up to a degree (the moment tensors of Shapeev, Multiscale
Model. Simul. 14, 1153 (2016), each distinct entry kept once). A sum over pairs of neighbours of P_l(cos theta_jik) is a
product of two moments, so it costs no loop over pairs.

Derivatives with respect to the neighbours lie as (j, x), 3A numbers in a row: the layout of a Jacobian's rows. What
depends on j alone is repeated for x = 0, 1, 2, so that every product below runs along whole rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from numpy.polynomial import legendre

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

#: Shortest distance (Å) that the radial grid resolves; an H-H bond is 0.74 Å.
_R_MIN_ANG = 0.7


def radial_functions(r: Tensor, counts: tuple[int, ...], cutoff_ang: float) -> tuple[Tensor, Tensor]:
    """Gaussians on even grids of exp(-r), dense where bonds are, times a cosine cutoff; and their derivatives by r.

    Args:
        r: [..., 1, A] distances in Å.
        counts: number of functions of each grid.
        cutoff_ang: where all functions end (Å).

    Returns:
        values and derivatives [..., sum of counts, A].
    """
    places, widths, _ = radial_grid(counts, cutoff_ang, r.dtype, r.device)
    x = torch.exp(_R_MIN_ANG - r)
    offset = (x - places) / widths
    gauss = (offset * offset).mul_(-0.5).exp_()
    inside = 0.5 * (r < cutoff_ang)
    phase = r * (math.pi / cutoff_ang)
    envelope = (torch.cos(phase) + 1.0) * inside
    envelope_slope = torch.sin(phase) * inside * (-math.pi / cutoff_ang)
    slope = offset.mul_(x * envelope).div_(widths).add_(envelope_slope).mul_(gauss)
    return gauss * envelope, slope


def radial_grid(
    counts: tuple[int, ...],
    cutoff_ang: float,
    dtype: torch.dtype = torch.float64,
    device: torch.device | None = None,
) -> tuple[Tensor, Tensor, float]:
    """Where the radial functions lie on exp(offset - r): middles and widths [sum of counts, 1], and the offset in Å."""
    x_cut = math.exp(_R_MIN_ANG - cutoff_ang)
    places = torch.cat([torch.linspace(x_cut, 1.0, n, dtype=dtype, device=device) for n in counts])[:, None]
    width = [torch.full((n, 1), (1.0 - x_cut) / max(n - 1, 1), dtype=dtype, device=device) for n in counts]
    return places, torch.cat(width), _R_MIN_ANG


def repeat_xyz(values: Tensor) -> Tensor:
    """[..., A] -> [..., 3A]: each number three times."""
    return values[..., None].expand(*values.shape, 3).reshape(*values.shape[:-1], -1)


def n_monomials(degree: int) -> int:
    """Number of monomials of three variables up to a degree."""
    return math.comb(degree + 3, 3)


def fill_monomials(axes: Tensor, degree: int, values: Tensor) -> None:
    """Monomials of unit vectors, degree by degree, x before y before z.

    Args:
        axes: [N, I, 3, J] components of the vectors.
        degree: highest degree.
        values: [N, I, m, J] is overwritten.
    """
    values[:, :, 0] = 1.0
    for axis, old, new in monomial_products(degree):
        torch.mul(values[:, :, old], axes[:, :, axis], out=values[:, :, new])


def fill_monomial_derivatives(
    axes: Tensor, axes_derivatives: Tensor, degree: int, values: Tensor, derivatives: Tensor
) -> None:
    """Derivatives of the monomials of unit vectors, by the product rule.

    Args:
        axes: [N, I, 3, J] components of the vectors.
        axes_derivatives: [N, I, 3, J] derivatives of the components.
        degree: highest degree.
        values: [N, I, m, J] from `fill_monomials`.
        derivatives: [N, I, m, J] is overwritten with the derivatives.
    """
    derivatives[:, :, 0] = 0.0
    for axis, old, new in monomial_products(degree):
        torch.mul(derivatives[:, :, old], axes[:, :, axis], out=derivatives[:, :, new])
        derivatives[:, :, new].addcmul_(values[:, :, old], axes_derivatives[:, :, axis])


def monomial_products(degree: int) -> Iterator[tuple[slice, slice, slice]]:
    """(axis, old monomials, new monomials): every monomial arises once from those of the degree below.

    It is x times any of them, y times one without x, or z times the power of z.
    """
    start, stop = 0, 1
    for power in range(1, degree + 1):
        place = stop
        for axis, first in enumerate((start, stop - power, stop - 1)):
            yield slice(axis, axis + 1), slice(first, stop), slice(place, place + stop - first)
            place += stop - first
        start, stop = stop, place


def monomial_exponents(degree: int) -> Tensor:
    """Exponents of x, y and z of each monomial up to a degree, [m, 3]."""
    exponents = torch.zeros(n_monomials(degree), 3, dtype=torch.int64)
    for axis, old, new in monomial_products(degree):
        exponents[new] = exponents[old]
        exponents[new, axis] += 1
    return exponents


def legendre_weights(l_max: int) -> Tensor:
    """Matrix [l, m] with P_l(u . v) = sum_m weights[l, m] y_m(u) y_m(v) for unit vectors u and v.

    (u . v)^p is the sum over monomials of degree p of their multinomial coefficients times y_m(u) y_m(v).
    """
    exponents = monomial_exponents(l_max)
    weights = torch.zeros(l_max + 1, len(exponents), dtype=torch.float64)
    for degree in range(l_max + 1):
        of_power = legendre.leg2poly([0.0] * degree + [1.0])
        for m, powers in enumerate(exponents.tolist()):
            if sum(powers) <= degree:
                ways = math.factorial(sum(powers)) // math.prod(map(math.factorial, powers))
                weights[degree, m] = of_power[sum(powers)] * ways
    return weights
